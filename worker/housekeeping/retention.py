"""Lets the content of ended jobs go after RETENTION_DAYS, a little at a time, beside the sweeper (docs/operate.md)."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import alarms, differences, handlings, newsletters, notices, retention, slots, tickets
from worker.ledger.types import Connection, Row
from worker.processes.process import Process
from worker.sources.opening import remove_copies
from worker.sources.refused import SourceAway, SourceRefused

DAY = 86400.0
UNDECIDED_DAYS = 90
JOBS_AT_ONCE = 20
ROWS_AT_ONCE = 500
FORGET = (notices.let_go, slots.let_go, differences.let_go)
DROPPED = "job.dropped"
DROPPED_SO = "Nobody decided %s requests of job %s in %s days, so they were given up (skipped, dropped)"
log = logging.getLogger(__name__)


def let_go(process: Process) -> bool:
    """One round; whether there may be more to do at once."""
    now = time.time()
    dropped = process.ledger.write(lambda tx: _drop(tx, now - UNDECIDED_DAYS * DAY))
    for job_id, count in dropped.items():
        log.error(DROPPED_SO, count, job_id, UNDECIDED_DAYS)
    if any(row.kind == DROPPED for row in process.ledger.read(alarms.raised)):
        process.ledger.write(lambda tx: _told_for_a_day(tx, now))
    expired = process.ledger.write(
        lambda tx: handlings.expire(tx, now - UNDECIDED_DAYS * DAY, retention.BY, ROWS_AT_ONCE)
    )
    if expired:
        log.error("nobody dealt with %s notices in quarantine for %s days: they are dismissed", expired, UNDECIDED_DAYS)
    before = now - process.settings.retention_days * DAY
    process.ledger.write(lambda tx: newsletters.let_go(tx, before, JOBS_AT_ONCE))
    forgotten = [process.ledger.write(partial(one, before=before, most=ROWS_AT_ONCE)) for one in FORGET]
    found = process.ledger.read(lambda tx: retention.due(tx, before, JOBS_AT_ONCE))
    gone = [job for job in found if _gone(process, job, before)]
    return bool(dropped) or len(gone) == JOBS_AT_ONCE or ROWS_AT_ONCE in forgotten


def _drop(tx: Connection, before: float) -> dict[str, int]:
    dropped = retention.drop_undecided(tx, before, ROWS_AT_ONCE)
    for job_id, count in dropped.items():
        tickets.ready(tx, job_id)
        raise_alarm(tx, DROPPED, job_id, f"{DROPPED_SO % (count, job_id, UNDECIDED_DAYS)}: they may have been sent.")
    return dropped


def _told_for_a_day(tx: Connection, now: float) -> None:
    for row in alarms.raised(tx):
        if row.kind == DROPPED and row.since < now - DAY:
            end_alarm(tx, DROPPED, row.subject)


def _gone(process: Process, job: Row[Any], before: float) -> bool:
    """What is noted as gone is gone, the copy first. False when it can't be done now; it is tried again."""
    if not process.ledger.write(lambda tx: retention.begin(tx, job.id, before)):
        return False
    try:
        if job.kind == "file":
            remove_copies(process.settings, job.id)
    except (OSError, SourceAway, SourceRefused) as error:
        log.warning("the copy of job %s can't be removed yet: %s", job.id, error)
        return False
    while not process.stopping.is_set():
        if process.ledger.write(lambda tx: retention.let_go(tx, job.id, ROWS_AT_ONCE)):
            return True
    return False
