"""`omniworker jobs refused`: which rows were refused, and why, page by page however many there are."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from worker.cli import office, options, show
from worker.ledger import reports
from worker.ledger.types import Row
from worker.process import Process

PAGE = 1000
FIELDS = ("row", "last", "code", "reason", "advice")


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option("-o", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write them to this CSV file.")
@options.as_json
def refused(job_id: str, file: Path | None, as_json: bool) -> None:
    """The refused rows of a job: number, code, reason, advice."""
    own = office.for_reading()
    office.job_of(own, job_id)
    rows = refusals(own, job_id)
    if file is not None:
        count = write_csv(file, rows)
        show.document({"job": job_id, "file": str(file), "refused": count}) if as_json else show.aside(
            f"{count:,} refusals in {file}"
        )
    elif as_json:
        write_json(job_id, rows)
    else:
        write_text(rows, click.echo)


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


def write_csv(file: Path, rows: Iterator[Row[Any]]) -> int:
    """How many were written."""
    count = 0
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(FIELDS)
        for row in rows:
            writer.writerow([getattr(row, name) for name in FIELDS])
            count += 1
    return count


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
