"""`omniworker jobs replay`: rows that were not delivered, once more, in a job of their own."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import click

from worker import platforms
from worker.cli import office, options, show
from worker.cli.imports import ask, writes_to_people
from worker.cli.sentences import Failed
from worker.cli.watch import watch
from worker.ledger import jobs
from worker.ledger.types import Row
from worker.operation import JSON
from worker.orders import replay as rows
from worker.orders.order import place, read_order
from worker.orders.replay import Replayed
from worker.processes.process import Process
from worker.runner.stretch import named
from worker.sources.named_rows import rows_named
from worker.sources.opening import check_begin, header_of, open_rows, open_to_look
from worker.sources.original import Named
from worker.sources.refused import SourceAway, SourceRefused
from worker.sources.sheets import JSON_COLUMN, original_names, ours_in, taken_names
from worker.sources.wanted import OF_CSV

NO_SHEETS = (".ndjson", ".jsonl", ".json")
OF_THE_FILE = ("format", "encoding", "delimiter", "leave_out", "json_column", "defused")


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option(
    "--only",
    "only",
    multiple=True,
    metavar="CODE,…",
    help="Rows with these codes; refused and skipped are all of them.",
)
@click.option("--source", metavar="FILE", help="The mended rows: the sheet that `jobs refused -o` wrote.")
@click.option("--encoding", metavar="NAME", help="Of the mended file, if it was not saved in UTF-8, like cp1252.")
@click.option("--again", is_flag=True, help="Though the same rows were sent again before, and may be delivered.")
@click.option("--yes", is_flag=True, help="Don't ask before an operation that writes to people.")
@options.wait
@options.as_json
@click.pass_context
def replay(
    ctx: click.Context,
    job_id: str,
    only: tuple[str, ...],
    source: str | None,
    encoding: str | None,
    again: bool,
    yes: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Send rows of JOB that were not delivered, in a job of their own.

    Without --source these are the same rows of the same source: those that were given up, cancelled, or refused by the
    platform, unless --only names others. What our own check refused has to be mended first: `jobs refused JOB -o FILE`,
    then --source FILE. What is unsure is never sent again by this; `jobs decide` settles it. Asked for twice, it is the
    same job.
    """
    own = office.for_reading()
    job = office.job_of(own, job_id)
    if source is None:
        codes = [code.strip() for word in only for code in word.split(",")]
        found = _same_rows(own, job, codes, again, yes)
    elif only:
        raise click.UsageError("--only chooses among the rows of the job; with --source the file has the rows.")
    else:
        found = _mended(own, job, place(source), encoding, again, yes)
    ctx.exit(_told(own, job_id, found, wait, as_json))


def _same_rows(own: Process, job: Row[Any], codes: list[str], again: bool, yes: bool) -> Replayed:
    operation = platforms.operation(job.operation)
    asks = writes_to_people(operation) and not yes
    if asks and not click.confirm(f"Let {operation.name} write to these people?", err=True):
        raise Failed("Nothing was sent.")
    return rows.same_rows(own, job.id, codes, again=again)


def _mended(own: Process, job: Row[Any], file: str, encoding: str | None, again: bool, yes: bool) -> Replayed:
    operation = platforms.operation(job.operation)
    if operation.rows is None:
        raise click.UsageError(f"{operation.name} is a single call: ask for the mended one with `omniworker enqueue`.")
    said = _options(own, job, file, {"encoding": encoding} if encoding else {})
    words: JSON = {"source": file, "account": job.account.partition("/")[2], "options": said}
    if job.around is not None:
        words["payload"] = own.seal.open(job.around)
    order = read_order(operation, words)
    if writes_to_people(operation) and not yes:
        ask(order, file)
    with open_to_look(Named(file, said, operation.rows), own.settings) as source:
        content = rows.content_of(source)
        named_rows = rows_named(source, said.get("leave_out", ()), operation.limits)
    return rows.mended(own, order, job.id, content, named=named_rows, again=again)


def _options(own: Process, job: Row[Any], file: str, said: JSON) -> JSON:
    """What the job's file was told, and how the sheet differs from that file."""
    operation = platforms.operation(job.operation)
    assert operation.rows is not None  # noqa: S101 - looked at before
    told = {name: value for name, value in json.loads(job.options).items() if name not in OF_THE_FILE} | said
    if PurePosixPath(file.lower().removesuffix(".gz")).suffix in NO_SHEETS:
        return {name: value for name, value in told.items() if name not in OF_CSV}
    original, taken = _columns(own, job)
    told |= {"format": "csv", "defused": True}
    if original == (JSON_COLUMN,):
        told = {name: value for name, value in told.items() if name not in OF_CSV}
        told |= {"json_column": JSON_COLUMN, "defused": True}
    header = header_of(Named(file, told, operation.rows), own.settings)
    if ours := ours_in(header, taken):
        told["leave_out"] = ours
    check_begin(Named(file, told, operation.rows), own.settings)
    return told


def _columns(own: Process, job: Row[Any]) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """The columns of the job's own rows, as whoever wrote them calls them and as anybody does; None where they are
    gone."""
    if job.source is None:
        return (JSON_COLUMN,), (JSON_COLUMN,)
    try:
        with open_rows(named(job), own.settings) as source:
            return original_names(source), taken_names(source)
    except (SourceRefused, SourceAway):
        return None, None


def _told(own: Process, job_id: str, found: Replayed, wait: bool, as_json: bool) -> int:
    child = found.job
    if not found.new:
        show.aside(f"That was asked for before: job {child.id} is its job.")
    elif found.rows is not None:
        show.aside(f"Job {child.id} sends {found.rows:,} rows of job {job_id} again.")
    if child.state in jobs.MOVING:
        office.hand_to_workers(own, child, waiting=wait)
    if wait:
        return watch(own, child.id, as_json)
    if as_json:
        show.document(office.report_of(own, child.id))
    else:
        click.echo(child.id)
    return 0
