"""Newsletters whose time has come: started once, or missed; never late. The sweeper comes by."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from worker.intake import put
from worker.ledger import claims, jobs, newsletters
from worker.ledger.types import Connection, Row
from worker.newsletters import document
from worker.newsletters.document import WrongDocument
from worker.newsletters.plan import order_of
from worker.process import Process
from worker.wake import wake_up

LEASE = 60.0
EXPIRED = "expired"


def look(process: Process) -> None:
    """Start what is due, and stop what is late."""
    if not process.ledger.read(newsletters.any_open):
        return
    while not process.stopping.is_set():
        row = process.ledger.write(lambda tx: newsletters.take_due(tx, process.owner, LEASE))
        if row is None:
            break
        _start(process, row)
    process.ledger.write(_stop_late)


def _start(process: Process, row: Row[Any]) -> None:
    """Its job has its id for a key: started twice, by one who died in between, it is one."""
    held = claims.of(row)
    if row.expires_at is not None and time.time() > row.expires_at:
        why = "its time passed before anything of it could leave: nothing was sent"
        process.ledger.write(lambda tx: newsletters.missed(tx, held, why))
        return
    try:
        order = order_of(document.of(process.seal.open(row.document), row.name), process.seal.open(row.content))
    except WrongDocument as error:
        why = " ".join(str(error).split())
        process.ledger.write(lambda tx: newsletters.missed(tx, held, why))
        return
    job = put(process, replace(order, key=f"newsletter:{row.id}"))
    process.ledger.write(lambda tx: _started(tx, row, job.id))
    wake_up(job)


def _started(tx: Connection, row: Row[Any], job_id: str) -> None:
    newsletters.started(tx, claims.of(row), job_id)
    if row.expires_at is not None:
        newsletters.give_up_at(tx, job_id, row.expires_at)


def _stop_late(tx: Connection) -> None:
    newsletters.end_sent(tx)
    for row in newsletters.late(tx, time.time()):
        why = f"the time of newsletter {row.name} has passed: what had not left was not sent"
        jobs.stop(tx, row.job_id, "cancelled", EXPIRED, why=why)
