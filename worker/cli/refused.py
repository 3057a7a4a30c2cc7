"""`omniworker jobs refused`: which rows were refused, and why, page by page however many there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from worker.cli import office, options, show
from worker.cli.refused_sheet import Written, write_sheet
from worker.cli.sentences import Failed
from worker.ledger import reports
from worker.ledger.types import Row
from worker.processes.process import Process

PAGE = 1000
FIELDS = ("row", "last", "code", "reason", "advice")


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option("-o", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write them to this CSV file.")
@options.as_json
def refused(job_id: str, file: Path | None, as_json: bool) -> None:
    """The refused rows of a job: number, code, reason, advice.

    With -o each stands beside its own columns, to be mended and handed to `jobs replay JOB --source FILE`.
    """
    own = office.for_reading()
    job = office.job_of(own, job_id)
    if job.going_since or job.let_go_at:
        _gone(job, as_json)
    elif file is not None and file.is_file():
        raise Failed(f"{file} is there already, and may hold what somebody mended: name another file, or remove it.")
    elif file is not None:
        _written(write_sheet(own, job, file), job_id, file, as_json)
    elif as_json:
        write_json(job_id, refusals(own, job_id))
    else:
        write_text(refusals(own, job_id), click.echo)


def _gone(job: Row[Any], as_json: bool) -> None:
    """Raises `Failed` with the sentence since when; a program is told in a field."""
    since = reports.iso(job.going_since or job.let_go_at)
    if not as_json:
        raise Failed(
            f"Which rows of job {job.id} were refused is not on record since {since}: RETENTION_DAYS is over. "
            f"How many, and by which code, `omniworker jobs show {job.id}` says for ever."
        )
    show.document({"job": job.id, "refused": [], "gone_since": since})


def _written(sheet: Written, job_id: str, file: Path, as_json: bool) -> None:
    if sheet.why:
        show.aside(f"{sheet.bare:,} of them are given without their own columns: {sheet.why}")
    if sheet.left_out:
        show.aside(f"{sheet.left_out:,} more went again, mended, in a job that `omniworker jobs show {job_id}` names.")
    if as_json:
        show.document({"job": job_id, "file": str(file), "refused": sheet.rows, "left_out": sheet.left_out})
    else:
        show.aside(f"{sheet.rows:,} refused rows in {file}")
        if sheet.rows > sheet.bare:
            show.aside(f"Mend them there, then `omniworker jobs replay {job_id} --source {file}`.")


def refusals(own: Process, job_id: str) -> Iterator[Row[Any]]:
    """Every refusal of a job by row number, read a page at a time."""
    after, most = 0, PAGE
    while True:
        page = own.ledger.read(lambda tx: reports.refused_rows(tx, job_id, after, most))  # noqa: B023 - read at once
        if len(page) < most:
            yield from page
            return
        # Several refusals may name the same row: its last ones could be on the next page.
        whole = [row for row in page if row.row < page[-1].row]
        yield from whole
        after, most = (whole[-1].row, PAGE) if whole else (after, most * 2)


def write_json(job_id: str, rows: Iterator[Row[Any]]) -> None:
    """One document, written as it is read: there may be millions."""
    click.echo(f'{{"job": {json.dumps(job_id)}, "refused": [', nl=False)
    comma = ""
    for row in rows:
        fields = {name: getattr(row, name) for name in FIELDS}
        click.echo(comma + json.dumps(fields, ensure_ascii=False), nl=False)
        comma = ", "
    click.echo("]}")


def write_text(rows: Iterator[Row[Any]], say: Callable[[str], None]) -> None:
    """A line each, in columns wide enough for nearly all."""
    for row in rows:
        say(f"{lines_of(row.row, row.last):>13}  {row.code:<24}  {row.reason} {row.advice}".rstrip())


def lines_of(first: int, last: int | None) -> str:
    """`17`, or `501–1000`."""
    return str(first) if last is None or last == first else f"{first}–{last}"
