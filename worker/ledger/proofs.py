"""What a platform proves when it speaks of rows of ours: that their request had reached it, whatever anybody thought.

Only requests that were marked once hold the reference by which it does.
"""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import Connection, Row, update

from worker.ledger import jobs as job_moves
from worker.ledger import planning, remarks
from worker.ledger.tables import chunks
from worker.outcome import Refusal

CALLBACK = "callback"
KEPT_BACK = Refusal(
    1, "sent.before", "It was to be sent once more; the platform told in time that it had been sent, so it was not."
)
TWICE = Refusal(
    1, "sent.twice", "It was sent twice: the platform tells that it had been sent before it was sent again."
)
DROPPED = Refusal(1, "sent.dropped", "It was given up by a decision, and the platform tells that it had been sent.")


def proven(tx: Connection, job_id: str, n: int, rows: int) -> bool:
    """The platform itself spoke of so many rows of a chunk. False while it is on the wire: look again.

    An unsure chunk is settled when all its rows are spoken of; a late answer may still settle it before. One that was
    to be sent once more is not; where not all its rows are spoken of, a person decides anew.
    """
    job_moves.locked(tx, job_id)
    chunk = planning.chunk_of(tx, job_id, n)
    if chunk is None:
        return True
    if chunk.state == "sending":
        return False
    if chunk.state in ("waiting", "claimed"):
        return _kept_back(tx, chunk, rows)
    if chunk.state == "unsure":
        _settle(tx, chunk, rows)
    elif "dropped" in json.loads(chunk.skipped_by or "{}"):
        remarks.add(tx, chunk, DROPPED)
    return True


def told_before(tx: Connection, job_id: str, n: int, moment: float) -> bool:
    """Whether the platform spoke of a chunk, at this `moment`, before it was sent for the last time. What was claimed
    once went once: there the clocks of whoever heard it and of whoever sent it differ, no more."""
    chunk = planning.chunk_of(tx, job_id, n)
    return chunk is not None and chunk.fence > 1 and chunk.sent_at is not None and moment < chunk.sent_at


def sent_twice(tx: Connection, job_id: str, n: int) -> bool:
    """The platform proves that a chunk was sent a second time, of which nobody knew: its rows count as repeated. True
    where that is new; False where somebody wanted it so."""
    job_moves.locked(tx, job_id)
    chunk = planning.chunk_of(tx, job_id, n)
    if chunk is None or chunk.repeated or chunk.state in ("waiting", "claimed"):
        return False
    tx.execute(update(chunks).where(chunks.c.id == chunk.id).values(repeated=True))
    remarks.add(tx, chunk, TWICE)
    return True


def _kept_back(tx: Connection, chunk: Row[Any], rows: int) -> bool:
    """Whoever holds it finds its claim lost, and sends nothing. False when it was marked in this moment."""
    free = {"fence": chunks.c.fence + 1, "owner": None, "lease_until": None}
    back = (
        update(chunks)
        .where(chunks.c.id == chunk.id, chunks.c.state.in_(("waiting", "claimed")))
        .values(
            state="unsure",
            why="the platform told that it had been sent before it was sent once more, so it was not; not of every row",
            repeated=False,
            **free,
        )
    )
    if tx.execute(back).rowcount == 0:
        return False
    remarks.add(tx, chunk, KEPT_BACK)
    _settle(tx, chunk, rows)
    return True


def _settle(tx: Connection, chunk: Row[Any], rows: int) -> None:
    most = chunk.rows - chunk.refused - chunk.skipped
    values: dict[str, Any] = {"accepted": max(chunk.accepted, min(rows, most))}
    if values["accepted"] == most:
        values |= {"state": "done", "why": None, "settled_at": time.time(), "decided_by": CALLBACK}
    tx.execute(update(chunks).where(chunks.c.id == chunk.id, chunks.c.state == "unsure").values(**values))
    job_moves.end_if_done(tx, chunk.job_id)
