"""What became of a newsletter whose job is over: sent, or stopped or missed on its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from worker.ledger import newsletter_jobs, reports
from worker.ledger.types import Connection

EXPIRED = "expired"
OVER = ("finished", "cancelled", "failed")


class Became(NamedTuple):
    """The state it ends in, and why."""

    state: str
    why: str | None = None


MISSED = Became("missed", why="its time passed before anything of it could leave: nothing was sent")


def became(report: Mapping[str, Any]) -> Became | None:
    """None while anything of it is on the wire."""
    rows = report["rows"]
    if report["state"] not in OVER or rows["pending"]:
        return None
    if report["state"] == "finished":
        return Became("sent")
    gone = rows["accepted"] + rows["unsure"]
    if not gone and EXPIRED in report["skipped_by"]:
        return MISSED
    return Became("stopped", why=f"{report['why'] or report['error']}; it had gone to {gone:,} of {rows['total']:,}")


def end(tx: Connection) -> None:
    """Write it down of each that is over."""
    for row in newsletter_jobs.over(tx):
        report = reports.of(tx, row.job_id)
        found = became(report) if report else None
        if found is not None:
            newsletter_jobs.ended(tx, row.id, *found)
