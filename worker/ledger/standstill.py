"""What a job waits for, as far as it is on record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from worker.ledger import doors
from worker.ledger.tables import chunks


def why(tx: Connection, job: Row[Any]) -> str | None:
    """The account's closed door, else what keeps its first waiting chunk, or the job; None if nothing is on record."""
    door = doors.get(tx, job.account)
    if door is not None and door.state != "open":
        return str(door.why or "the account is closed")
    waiting = (chunks.c.job_id == job.id, chunks.c.state.in_(("waiting", "awaiting")), chunks.c.why.is_not(None))
    first = tx.execute(select(chunks.c.why).where(*waiting).order_by(chunks.c.n).limit(1)).scalar()
    return str(first or job.why) if first or job.why else None
