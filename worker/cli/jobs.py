"""`omniworker jobs …`, which is also `celery -A worker jobs …`."""

from __future__ import annotations

from collections.abc import Callable

import click

from worker.cli import lineage, office, options, show
from worker.cli.answer import tell_call
from worker.cli.commands import Commands
from worker.cli.sentences import Failed
from worker.cli.watch import tell, watch
from worker.ledger import jobs as ledger_jobs
from worker.ledger import reports, tickets
from worker.ledger.reports import ROW_SUMS
from worker.ledger.types import Connection
from worker.newsletters import moves
from worker.processes.process import Process

STATES = ("planning", "running", "paused", "undecided", "finished", "cancelled", "failed")
PLACES = {
    "refused": "worker.cli.refused:refused",
    "replay": "worker.cli.replay:replay",
    "remarks": "worker.cli.remarks:remarks",
    "unsure": "worker.cli.unsure:unsure",
    "decide": "worker.cli.unsure:decide",
}


@click.group(cls=Commands, places=PLACES)
def jobs() -> None:
    """What was asked for, and what became of it."""


@jobs.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; may be repeated.")
@click.option(
    "--most", default=20, type=click.IntRange(1, 10_000), show_default=True, help="How many, the youngest first."
)
@options.as_json
def list_jobs(states: tuple[str, ...], most: int, as_json: bool) -> None:
    """The youngest jobs."""
    own = office.for_reading()
    found = own.ledger.read(lambda tx: [reports.of(tx, i) for i in ledger_jobs.newest(tx, most, states)])
    known = [report for report in found if report is not None]
    if as_json:
        show.document({"jobs": known})
    elif known:
        click.echo(show.table([_line(report) for report in known], right=("rows", "done", "refused", "unsure")))
    else:
        show.aside("There is no such job." if states else "There is no job yet.")


def _line(report: show.Report) -> dict[str, object]:
    rows = report["rows"]
    return {
        "job": report["job"],
        "state": report["state"],
        "rows": rows["total"],
        "done": rows["total"] - rows["pending"],
        "refused": rows["refused"],
        "unsure": rows["unsure"],
        "asked for": report["created_at"],
        "operation": f"{report['operation']} ({report['account']})",
    }


@jobs.command("show")
@click.argument("job_id", metavar="JOB")
@click.option("--answer", is_flag=True, help="Of a call: what the platform said to it, too.")
@options.as_json
def show_job(job_id: str, answer: bool, as_json: bool) -> None:
    """The report of a job as it stands."""
    own = office.for_reading()
    if answer:
        tell_call(own, office.report_of(own, job_id), as_json)
        return
    tell(office.report_of(own, job_id), as_json)
    if not as_json and (related := lineage.of(own, job_id)):
        click.echo(show.table(related, right=ROW_SUMS))
    if not as_json and (made := lineage.made(own, job_id)):
        click.echo("what it made, as last seen\n" + show.table(made))


@jobs.command("watch")
@click.argument("job_id", metavar="JOB")
@options.as_json
@click.pass_context
def watch_job(ctx: click.Context, job_id: str, as_json: bool) -> None:
    """Watch a job to its end; the exit status tells what came of it."""
    own = office.for_reading()
    office.job_of(own, job_id)
    ctx.exit(watch(own, job_id, as_json))


@jobs.command("pause")
@click.argument("job_id", metavar="JOB")
@options.by
@options.as_json
def pause(job_id: str, by: str | None, as_json: bool) -> None:
    """Send nothing more for now; what is on the wire is settled as it comes."""
    why = f"Paused by {by or office.login()}; `omniworker jobs resume {job_id}` goes on."
    _move(job_id, "paused", lambda tx: ledger_jobs.pause(tx, job_id, why), as_json)


@jobs.command("resume")
@click.argument("job_id", metavar="JOB")
@options.as_json
def resume(job_id: str, as_json: bool) -> None:
    """Go on with a paused job."""
    own = _move(job_id, "resumed", lambda tx: moves.resume_job(tx, job_id), as_json)
    office.hand_to_workers(own, office.job_of(own, job_id))


@jobs.command("cancel")
@click.argument("job_id", metavar="JOB")
@options.as_json
def cancel(job_id: str, as_json: bool) -> None:
    """Give up what was not sent yet; what is on the wire is settled as it comes."""

    def work(tx: Connection) -> bool:
        stopped = ledger_jobs.stop(tx, job_id, "cancelled", "cancelled")
        tickets.ready(tx, job_id)
        return stopped

    _move(job_id, "cancelled", work, as_json)


MOVES_FROM = {"paused": "planning or running", "resumed": "paused", "cancelled": "not ended yet"}


def _move(job_id: str, name: str, work: Callable[[Connection], bool], as_json: bool) -> Process:
    """Do it, say so, or say why it can't be done in the state the job is in."""
    own = office.for_reading()
    job = office.job_of(own, job_id)
    if not own.ledger.write(work):
        raise Failed(f"Job {job_id} is {job.state}: only a job that is {MOVES_FROM[name]} can be {name}.")
    if as_json:
        show.document(office.report_of(own, job_id))
    else:
        click.echo(f"Job {job_id} is {name}.")
    return own
