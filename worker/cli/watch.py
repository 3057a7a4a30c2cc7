"""Watches a job until it ends, and turns its report into an exit status (design §10).

    1  failed, cancelled, paused; or the account's door is shut for a person to open; or no worker came
    4  some rows are unsure        3  some rows are refused        0  every row accepted or skipped
    130  Ctrl-C: the job goes on

A waiting command does not wait for workers that are not there: unless one is seen within 10 s it ends with a sentence
and 1. The job waits in the ledger all the same. Once one was seen, it may come and go: it is started again somewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import click

from worker.cli import office, show
from worker.cli.progress import Progress, progress
from worker.cli.sentences import Failed
from worker.cli.show import Report
from worker.cli.standstill import Standstill
from worker.ledger import doors, jobs, reports
from worker.ledger.types import Connection
from worker.linking import links
from worker.platforms import account, operation
from worker.processes.process import Process

LOOK = 0.3
PATIENCE = 10.0
ON_THE_WIRE = 25.0  # what was sent before a job was stopped is settled within the 20 s that a request may take
RESTING = (*jobs.ENDED, "undecided", "paused")
NOBODY = (
    "No worker is running, so job {job} waits in the ledger: start `omniworker up`, which delivers it; "
    "`omniworker jobs watch {job}` comes back to it."
)
Told = Callable[[Report, bool], int]
Also = Callable[[Report], str | None]
GOES_ON = "The job goes on without this command: `omniworker jobs watch {job}` comes back to it."


class NotMoving(Failed):
    """The job can't go on by itself: the account's door is shut, or no worker is there. The last report is kept."""

    def __init__(self, sentence: str, report: Report) -> None:
        super().__init__(sentence)
        self.report = report


def watch(own: Process, job_id: str, as_json: bool, told: Told | None = None) -> int:
    """Show a job's way to its end, then its report, by `told` if not by `tell`; the exit status."""
    told = told or tell
    try:
        return told(follow(own, job_id, Standstill(own, job_id)), as_json)
    except KeyboardInterrupt:
        if as_json:
            told(_look(own, job_id)[0], as_json)
        show.aside(GOES_ON.format(job=job_id))
        return 130
    except NotMoving as error:
        if as_json:
            told(error.report, as_json)
        raise


def tell(report: Report, as_json: bool) -> int:
    """Print a report; its exit status."""
    if as_json:
        show.document(report)
    else:
        click.echo(show.report_text(report))
    return status_of(report)


def status_of(report: Report) -> int:
    """The gravest wins."""
    if report["state"] in ("failed", "cancelled", "paused"):
        return 1
    if report["rows"]["unsure"]:
        return 4
    return 3 if report["rows"]["refused"] else 0


def follow(own: Process, job_id: str, also: Also = lambda _: None) -> Report:
    """Draw progress until the job rests; its last report. `also` sees every look and may have something to say.

    Raises `NotMoving`.
    """
    job = office.job_of(own, job_id)
    with closing(progress(account(job.account).pace)) as bar:
        return _drawn(looks(own, job_id), bar, also)


def _drawn(looked: Iterator[Report], bar: Progress, also: Also) -> Report:
    for report in looked:
        bar.draw(report)
        if sentence := also(report):
            bar.say(sentence)
    return report


def looks(own: Process, job_id: str) -> Iterator[Report]:
    """The job's report every 0.3 s, the last one at rest. Raises `NotMoving`."""
    patience, on_the_wire = Clock(PATIENCE), Clock(ON_THE_WIRE)
    seen = False
    while True:
        report, shut = _look(own, job_id)
        yield report
        if report["state"] in RESTING:
            chunks = report["chunks"]
            if chunks["sending"] == chunks.get("awaiting", 0) or on_the_wire.is_up():
                return
        elif shut:
            raise NotMoving(shut, report)
        elif not (seen := seen or office.somebody_works(own)) and patience.is_up():
            raise NotMoving(NOBODY.format(job=job_id), report)
        time.sleep(LOOK)


class Clock:
    """Runs from the first time somebody asks."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def is_up(self) -> bool:
        self._until = self._until or time.monotonic() + self._seconds
        return time.monotonic() > self._until


def _look(own: Process, job_id: str) -> tuple[dict[str, Any], str | None]:
    """The report, and why the account is closed, or its link broken, for a person to mend; None where it is not."""

    def both(tx: Connection) -> tuple[dict[str, Any], str | None]:
        report = reports.of(tx, job_id)
        assert report is not None  # noqa: S101 - a job is never deleted while it can be watched
        asked = operation(report["operation"])
        one = account(f"{asked.platform}/{report['account']}")
        door = doors.get(tx, one.id)
        shut = door.why if door is not None and door.state == "forbidden" else None
        return report, shut or links.missing(own, tx, asked, one)

    return own.ledger.read(both)
