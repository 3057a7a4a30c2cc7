"""`omniworker jobs unsure` and `decide`: requests whose answer was lost, and what a person makes of them."""

from __future__ import annotations

from typing import Any

import click

from worker.cli import office, options, show
from worker.cli.look_for import look_for
from worker.cli.refused import lines_of
from worker.cli.sentences import Failed
from worker.ledger import decisions, jobs
from worker.ledger.reports import iso
from worker.ledger.types import Connection, Row
from worker.platforms import platforms
from worker.processes.process import Process
from worker.sources.given import NAME

ASK = (
    "`omniworker jobs decide JOB --was-sent` (it arrived), `--send` (it did not: send it), `--send-again` (nobody "
    "knows: send it anyway) or `--drop` (give it up), each with `--chunk N` for one of them."
)
MOST_CHUNKS = 2**31 - 1  # the ledger counts them in 32 bits
MEANING = {
    "was-sent": "It was sent: its rows count as accepted.",
    "send": "It was not sent: send it.",
    "send-again": "It may have been sent: send it anyway; its rows count as repeated.",
    "drop": "Give it up: its rows count as skipped.",
}


@click.command()
@click.argument("job_id", metavar="[JOB]", required=False)
@options.as_json
def unsure(job_id: str | None, as_json: bool) -> None:
    """Requests that may or may not have been taken, and what to look for at the platform."""
    own = office.for_reading()
    if job_id is not None:
        office.job_of(own, job_id)
    found = own.ledger.read(lambda tx: [_facts(own, tx, chunk) for chunk in decisions.unsure(tx, job_id)])
    if as_json:
        show.document({"unsure": found})
    elif found:
        click.echo("\n".join([*map(_text, found), ASK]))
    else:
        show.aside("Nothing is unsure.")


def _facts(own: Process, tx: Connection, chunk: Row[Any]) -> dict[str, Any]:
    job = jobs.get(tx, chunk.job_id)
    assert job is not None  # noqa: S101 - a chunk's job is a foreign key
    return {
        "job": job.id,
        "chunk": chunk.n,
        "operation": job.operation,
        "account": job.account.partition("/")[2],
        "first_row": chunk.first_row,
        "last_row": chunk.first_row + chunk.lines - 1,
        "rows": chunk.rows - chunk.refused,
        "sent_at": iso(chunk.sent_at) if chunk.sent_at else None,
        "why": chunk.why,
        "look_for": look_for(own, tx, job, chunk) or _look_for(job, chunk),
    }


def _look_for(job: Row[Any], chunk: Row[Any]) -> str:
    platform = platforms().get(job.account.partition("/")[0])
    where = platform.title if platform else job.account
    if job.kind == "call":
        return f"whether {where} has the call{f' with key {job.key}' if job.key else ''}"
    lines = lines_of(chunk.first_row, chunk.first_row + chunk.lines - 1)
    return f"whether {where} has rows {lines} of {job.source or NAME}: all of them arrived, or none"


def _text(facts: dict[str, Any]) -> str:
    sent = f", sent {facts['sent_at']}" if facts["sent_at"] else ""
    what = f"{facts['operation']} ({facts['account']}), {facts['rows']:,} rows{sent}"
    look = facts["look_for"] if facts["look_for"].startswith("In ") else f"look {facts['look_for']}"
    return f"job {facts['job']}  chunk {facts['chunk']}  {what}\n    {facts['why']}\n    {look}"


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option("--was-sent", is_flag=True, help=MEANING["was-sent"])
@click.option("--send", is_flag=True, help=MEANING["send"])
@click.option("--send-again", is_flag=True, help=MEANING["send-again"])
@click.option("--drop", is_flag=True, help=MEANING["drop"])
@click.option("--chunk", "numbers", multiple=True, type=click.IntRange(1, MOST_CHUNKS), metavar="N", help="Only these.")
@options.by
@options.as_json
def decide(job_id: str, numbers: tuple[int, ...], by: str | None, as_json: bool, **said: bool) -> None:
    """Say what became of unsure requests, or what shall."""
    chosen = [name.replace("_", "-") for name, given in said.items() if given]
    if len(chosen) != 1:
        raise click.UsageError("Say exactly one of --was-sent, --send, --send-again and --drop.")
    own = office.for_reading()
    office.job_of(own, job_id)
    count, report = settle(own, job_id, chosen[0], by or office.login(), numbers)
    if as_json:
        show.document({"decided": count, **report})
    else:
        click.echo(f"{count} decided; job {job_id} is {report['state']}.")


def settle(own: Process, job_id: str, decision: str, by: str, numbers: tuple[int, ...]) -> tuple[int, show.Report]:
    """Write the decision and wake whoever goes on: how many chunks it was about, and the report. Raises `Failed`."""
    count = own.ledger.write(lambda tx: _decided(tx, job_id, decision, by, numbers))
    job = office.job_of(own, job_id)
    if job.state in jobs.MOVING:
        office.hand_to_workers(own, job)
    return count, office.report_of(own, job_id)


def _decided(tx: Connection, job_id: str, decision: str, by: str, numbers: tuple[int, ...]) -> int:
    """All of them or none: a chunk that is not unsure is somebody's mistake."""
    found = decisions.unsure(tx, job_id)
    waiting = {chunk.n for chunk in found if chunk.job_id == job_id}
    steps = sorted({chunk.job_id for chunk in found} - {job_id})
    if steps and not waiting:
        raise Failed(
            f"Job {job_id} waits for its step, job {steps[0]}: `omniworker jobs decide {steps[0]}` decides it."
        )
    if not waiting:
        raise Failed(f"Nothing of job {job_id} is unsure: there is nothing to decide.")
    others = sorted(set(numbers) - waiting)
    if others:
        raise Failed(
            f"Of job {job_id} these chunks are not unsure: {', '.join(map(str, others))}. Nothing was decided; "
            f"`omniworker jobs unsure {job_id}` shows what is."
        )
    return decisions.decide(tx, job_id, decision, by, numbers)
