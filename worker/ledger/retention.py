"""What of an ended job goes after a while: payloads, answers, signatures, and which rows were refused and why.

Counts, keys and hashes stay for ever: the report of a job, and that its key was used, don't change.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, or_, select, update

from worker.ledger import jobs as job_moves
from worker.ledger import traces
from worker.ledger.decisions import decide
from worker.ledger.tables import chunks, is_kept, is_unsure, jobs, refusals, tickets

BY = "retention"


def _is_due(before: float) -> tuple[ColumnElement[bool], ...]:
    """One of which a request is undecided is kept whole: whoever decides may need it. So is one with replays that are
    kept: they read its rows, and theirs may be sent again too."""
    unsure = exists(select(chunks.c.id).where(chunks.c.job_id == jobs.c.id, chunks.c.state == "unsure"))
    replay = jobs.alias()
    of_it = and_(replay.c.rows_of.is_not(None), or_(replay.c.rows_of == jobs.c.id, replay.c.replay_of == jobs.c.id))
    reads = exists(select(replay.c.id).where(replay.c.replay_of.is_not(None), of_it, replay.c.let_go_at.is_(None)))
    # Spelled so that it is found by its end: nearly all jobs are in one of these states.
    ended = jobs.c.state.not_in((*job_moves.MOVING, "paused", "undecided"))
    return is_kept, jobs.c.finished_at < before, ended, ~unsure, ~reads


def due(tx: Connection, before: float, most: int) -> list[Row[Any]]:
    """Jobs that ended before this moment and still have their content, the oldest first."""
    return list(tx.execute(select(jobs).where(*_is_due(before)).order_by(jobs.c.finished_at).limit(most)))


def begin(tx: Connection, job_id: str, before: float) -> bool:
    """Note that its content goes, before any of it does: no replay begins from here on. False when one did since the
    job was found due. Whoever asks for a replay holds the job locked too."""
    job_moves.locked(tx, job_id)
    going = func.coalesce(jobs.c.going_since, time.time())
    begun = update(jobs).where(jobs.c.id == job_id, *_is_due(before)).values(going_since=going)
    return bool(tx.execute(begun).rowcount)


def let_go(tx: Connection, job_id: str, most: int) -> bool:
    """Take away up to so many rows of each kind of a job that began to go; True when nothing was left, which is
    noted."""
    rows = select(refusals.c.id).where(refusals.c.job_id == job_id).limit(most)
    if tx.execute(delete(refusals).where(refusals.c.id.in_(rows))).rowcount:
        return False
    if traces.let_go(tx, job_id, most):
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
    old = select(chunks.c.job_id, chunks.c.n).where(is_unsure, chunks.c.sent_at < before)
    numbers: dict[str, list[int]] = {}
    for row in tx.execute(old.order_by(chunks.c.job_id, chunks.c.n).limit(most)):
        numbers.setdefault(row.job_id, []).append(row.n)
    return {job_id: decide(tx, job_id, "drop", BY, which) for job_id, which in numbers.items()}
