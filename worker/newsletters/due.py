"""Newsletters whose time has come: started once, or missed; never late. The sweeper comes by."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from worker.ledger import claims, jobs, newsletter_jobs, newsletters
from worker.ledger.types import Connection, LedgerError, Row
from worker.newsletters import document
from worker.newsletters.document import WrongDocument
from worker.newsletters.ended import EXPIRED, MISSED, end
from worker.newsletters.plan import order_of
from worker.orders.intake import record
from worker.orders.order import Order
from worker.processes.process import Process
from worker.wake import wake_up

LEASE = 60.0
log = logging.getLogger(__name__)


def look(process: Process) -> None:
    """Start what is due, and stop what is late. One that stumbles keeps no other from its time."""
    if not process.ledger.read(newsletters.any_open):
        return
    while not process.stopping.is_set():
        row = process.ledger.write(lambda tx: newsletters.take_due(tx, process.owner, LEASE))
        if row is None:
            break
        try:
            _start(process, row)
        except LedgerError:
            raise
        except Exception:
            log.exception("newsletter %s could not be started; it is tried again until its time passes", row.id)
    process.ledger.write(_end)


def _start(process: Process, row: Row[Any]) -> None:
    """Its job has its id for a key: whatever happens, it is one."""
    held = claims.of(row)
    if row.expires_at is not None and time.time() > row.expires_at:
        process.ledger.write(lambda tx: newsletters.missed(tx, held, _late(row)))
        return
    try:
        order = order_of(document.of(process.seal.open(row.document), row.name), process.seal.open(row.content))
    except WrongDocument as error:
        why = " ".join(str(error).split())
        process.ledger.write(lambda tx: newsletters.missed(tx, held, why))
        return
    job = process.ledger.write(lambda tx: _started(process, tx, row, replace(order, key=f"newsletter:{row.id}")))
    if job is not None:
        wake_up(job)


def _late(row: Row[Any]) -> str:
    if row.deliver_at is not None:
        return str(MISSED.why)
    hours = int((time.time() - row.approved_at) // 3600)
    why = f"it was approved {hours} h ago and could not leave since, and much may have changed: nothing was sent"
    return why  # noqa: RET504 - reasons are found by this name


def _started(process: Process, tx: Connection, row: Row[Any], order: Order) -> Row[Any] | None:
    """Its job, which is there exactly when the newsletter is started: who stops or halts it is before this, and there
    is no job, or after it, and finds the job."""
    held = claims.of(row)
    if not newsletters.may_start(tx, held):
        return None
    job_id = record(process, tx, order, None).job_id
    newsletters.started(tx, held, job_id)
    if row.expires_at is not None:
        newsletter_jobs.give_up_at(tx, job_id, row.expires_at)
    return jobs.get(tx, job_id)


def _end(tx: Connection) -> None:
    for row in newsletters.paused_late(tx, time.time()):
        newsletters.missed_paused(tx, row.id, _late(row))
    for row in newsletter_jobs.late(tx, time.time()):
        why = f"the time of newsletter {row.name} has passed: what had not left was not sent"
        jobs.stop(tx, row.job_id, "cancelled", EXPIRED, why=why)
    end(tx)
