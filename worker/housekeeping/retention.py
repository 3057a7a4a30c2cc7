"""Lets the content of ended jobs go after RETENTION_DAYS, a little at a time, beside the sweeper (docs/operate.md)."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from worker.ledger import newsletters, notices, retention, slots, tickets
from worker.ledger.types import Connection, Row
from worker.processes.process import Process
from worker.sources.opening import remove_copies
from worker.sources.refused import SourceAway, SourceRefused

DAY = 86400.0
UNDECIDED_DAYS = 90
JOBS_AT_ONCE = 20
ROWS_AT_ONCE = 500
FORGET = (notices.let_go, slots.let_go)
log = logging.getLogger(__name__)


def let_go(process: Process) -> bool:
    """One round; whether there may be more to do at once."""
    now = time.time()
    dropped = process.ledger.write(lambda tx: _drop(tx, now - UNDECIDED_DAYS * DAY))
    for job_id, count in dropped.items():
        log.error(
            "nobody decided %s requests of job %s in %s days: they are given up (skipped, dropped)",
            count,
            job_id,
            UNDECIDED_DAYS,
        )
    before = now - process.settings.retention_days * DAY
    process.ledger.write(lambda tx: newsletters.let_go(tx, before, JOBS_AT_ONCE))
    forgotten = [process.ledger.write(partial(one, before=before, most=ROWS_AT_ONCE)) for one in FORGET]
    found = process.ledger.read(lambda tx: retention.due(tx, before, JOBS_AT_ONCE))
    gone = [job for job in found if _gone(process, job, before)]
    return bool(dropped) or len(gone) == JOBS_AT_ONCE or ROWS_AT_ONCE in forgotten


def _drop(tx: Connection, before: float) -> dict[str, int]:
    dropped = retention.drop_undecided(tx, before, ROWS_AT_ONCE)
    for job_id in dropped:
        tickets.ready(tx, job_id)
    return dropped


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
