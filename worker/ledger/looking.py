"""Calls that are awaited: the platform took them and tells later, or is asked what became of them. And the order of
calls for one person.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.going import UNDER_WAY, moving
from worker.ledger.prepared import Prepared
from worker.ledger.refusing import not_over, still
from worker.ledger.tables import chunks, refusals

IS_AWAITING = chunks.c.state == "awaiting"
AWAITING = claims.Taking(chunks, chunks.c.job_id == bindparam("job"), IS_AWAITING, moving(bindparam("job")))
OF_PERSON = chunks.c.person == bindparam("who")
FOLLOWING = Prepared(
    select(chunks.c.job_id)
    .where(OF_PERSON, chunks.c.id > bindparam("behind"), chunks.c.state == "waiting")
    .order_by(chunks.c.id)
    .limit(1)
)
AHEAD = Prepared(
    select(chunks.c.id).where(OF_PERSON, claims.one_of(chunks.c.state, UNDER_WAY), moving(chunks.c.job_id)).limit(1)
)


def look_up(tx: Connection, held: Claim, wait: float, why: str, *, looked: bool = False) -> bool:
    """The platform can be asked what became of it, and will be in `wait` seconds. False when its job is over: nobody
    asks for it then."""
    still(tx, chunks.c.id == held.id)
    return claims.release(
        tx,
        chunks,
        held,
        claims.one_of(chunks.c.state, ("sending", "awaiting")),
        not_over(chunks.c.job_id),
        state="awaiting",
        not_before=time.time() + wait,
        why=why,
        looks=chunks.c.looks + int(looked),
    )


def take(tx: Connection, held: Claim, receipt: str, wait: float, why: str) -> bool:
    """The platform took its rows under this name, and is asked in `wait` seconds what came of them. False when its job
    is over."""
    still(tx, chunks.c.id == held.id)
    which = (claims.one_of(chunks.c.state, ("sending", "awaiting")), not_over(chunks.c.job_id))
    later = {"state": "awaiting", "not_before": time.time() + wait, "looks": 0}
    return claims.release(tx, chunks, held, *which, receipt=receipt, why=why, **later)


def awaited(tx: Connection, job_id: str) -> int:
    """How many requests of a job the platform has still to tell of."""
    counted = select(func.count(chunks.c.id)).where(chunks.c.job_id == job_id, IS_AWAITING)
    return int(tx.execute(counted).scalar_one())


def claim_awaiting(tx: Connection, job_id: str, owner: str, lease: float) -> Row[Any] | None:
    """The next chunk of a moving job that the platform is to be asked about now."""
    taken = AWAITING(tx, owner, lease, job=job_id)
    return taken[0] if taken else None


def not_taken(tx: Connection, held: Claim, why: str) -> bool:
    """The platform has nothing of it: it may go once more, and is made ready anew."""
    still(tx, chunks.c.id == held.id)
    nothing: dict[str, Any] = {"refused": 0, "refused_by": None, "skipped": 0, "skipped_by": None}
    back = {"state": "waiting", "not_before": 0, "looks": 0, "why": why, **nothing}
    if not claims.release(tx, chunks, held, IS_AWAITING, **back):
        return False
    tx.execute(delete(refusals).where(refusals.c.chunk_id == held.id))
    return True


def leave_to_a_person(tx: Connection, held: Claim, why: str) -> bool:
    """The platform could not be asked in the time its job allows: a person decides."""
    return claims.release(tx, chunks, held, IS_AWAITING, state="unsure", why=why)


def any_ahead(tx: Connection, person: str) -> bool:
    """Whether a call for this person is still under way."""
    return AHEAD(tx, who=person).first() is not None


def following(tx: Connection, chunk: Row[Any]) -> str | None:
    """The job whose call for the same person waits for this chunk."""
    found = FOLLOWING(tx, who=chunk.person, behind=chunk.id).first() if chunk.person else None
    return None if found is None else str(found.job_id)
