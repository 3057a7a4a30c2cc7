"""What of an ended job goes after a while: payloads, answers, signatures, and which rows were refused and why.

Counts, keys and hashes stay for ever: the report of a job, and that its key was used, don't change.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, or_, select, update

from worker.ledger import jobs as job_moves
from worker.ledger.decisions import decide
from worker.ledger.tables import chunks, is_kept, jobs, refusals, tickets

BY = "retention"


def due(tx: Connection, before: float, most: int) -> list[Row[Any]]:
    """Jobs that ended before this moment and still have their content, the oldest first. One of which a request is
    undecided is kept whole: whoever decides may need it; so is one whose rows a replay still reads."""
    unsure = exists(select(chunks.c.id).where(chunks.c.job_id == jobs.c.id, chunks.c.state == "unsure"))
    replay = jobs.alias()
    reads = exists(select(replay.c.id).where(replay.c.rows_of == jobs.c.id, replay.c.state.not_in(job_moves.ENDED)))
    ended = jobs.c.state.in_(job_moves.ENDED)
    found = select(jobs).where(is_kept, jobs.c.finished_at < before, ended, ~unsure, ~reads)
    return list(tx.execute(found.order_by(jobs.c.finished_at).limit(most)))


def let_go(tx: Connection, job_id: str, most: int) -> bool:
    """Take away up to so many rows of each kind; True when nothing was left, which is noted."""
    rows = select(refusals.c.id).where(refusals.c.job_id == job_id).limit(most)
    if tx.execute(delete(refusals).where(refusals.c.id.in_(rows))).rowcount:
        return False
    full = or_(chunks.c.payload.is_not(None), chunks.c.answer.is_not(None), chunks.c.why.is_not(None))
    some = select(chunks.c.id).where(chunks.c.job_id == job_id, full).limit(most)
    if tx.execute(update(chunks).where(chunks.c.id.in_(some)).values(payload=None, answer=None, why=None)).rowcount:
        return False
    signed = and_(tickets.c.job_id == job_id, tickets.c.signature != b"")
    tx.execute(update(tickets).where(signed).values(state="handed", signature=b"", lease_until=None, owner=None))
    tx.execute(
        update(jobs).where(jobs.c.id == job_id).values(around=None, then="[]", on_error="[]", let_go_at=time.time())
    )
    return True


def drop_undecided(tx: Connection, before: float, most: int) -> dict[str, int]:
    """Requests that nobody decided since this moment are given up; how many of each job."""
    old = select(chunks.c.job_id, chunks.c.n).where(chunks.c.state == "unsure", chunks.c.sent_at < before)
    numbers: dict[str, list[int]] = {}
    for row in tx.execute(old.order_by(chunks.c.job_id, chunks.c.n).limit(most)):
        numbers.setdefault(row.job_id, []).append(row.n)
    return {job_id: decide(tx, job_id, "drop", BY, which) for job_id, which in numbers.items()}
