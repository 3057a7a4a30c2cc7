"""A job that waits for its steps: its one chunk is awaited, and nobody claims it."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, update

from worker.ledger import jobs, tickets
from worker.ledger.tables import chunks

OPEN = ("waiting", "claimed", "awaiting")


def wait(tx: Connection, chunk: Row[Any], seconds: float, why: str | None = None) -> None:
    """Look again in `seconds`, should nobody wake it sooner. The job is locked, so no claim is needed."""
    values = {"state": "awaiting", "owner": None, "lease_until": None, "suspect": False}
    which = (chunks.c.id == chunk.id, chunks.c.state.in_(OPEN))
    tx.execute(update(chunks).where(*which).values(not_before=time.time() + seconds, why=why, **values))


def ended(tx: Connection, parent: str) -> None:
    """A step has ended: the job it belongs to is due, and so is whoever waits for it."""
    tx.execute(update(chunks).where(chunks.c.job_id == parent, chunks.c.state == "awaiting").values(not_before=0))
    jobs.look_at(tx, parent)
    tickets.ready(tx, parent)
