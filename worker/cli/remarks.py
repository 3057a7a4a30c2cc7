"""`omniworker jobs remarks`: rows that went all the same, and what was left out of them or could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator

import click

from worker.cli import office, options, show
from worker.ledger import remarks as ledger_remarks
from worker.operation import JSON
from worker.processes.process import Process

PAGE = 1000


@click.command()
@click.argument("job_id", metavar="JOB")
@options.as_json
def remarks(job_id: str, as_json: bool) -> None:
    """The rows of a job that went without something, like the opt-in of somebody who opted out."""
    own = office.for_reading()
    office.job_of(own, job_id)
    if as_json:
        show.document({"job": job_id, "remarks": list(_all(own, job_id))})
        return
    for one in _all(own, job_id):
        click.echo(f"row {one['row']}: {one['reason']}")


def _all(own: Process, job_id: str) -> Iterator[JSON]:
    last = 0
    while rows := own.ledger.read(lambda tx, last=last: ledger_remarks.of(tx, job_id, last, PAGE)):  # type: ignore[misc]
        yield from ({"row": row.row, "code": row.code, "reason": row.reason} for row in rows)
        last = rows[-1].id
