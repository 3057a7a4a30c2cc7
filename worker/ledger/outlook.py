"""What is still to come of a job's chunks."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Float, bindparam, func, or_, select

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.going import goes
from worker.ledger.prepared import Prepared
from worker.ledger.tables import chunks, is_suspect

NOW = bindparam("now", type_=Float)
ANY_WAITING = Prepared(
    select(chunks.c.id)
    .where(
        chunks.c.job_id == bindparam("job"),
        chunks.c.state == "waiting",
        claims.due(chunks, NOW),
        goes(bindparam("job"), NOW),
        chunks.c.suspect.is_(False),
    )
    .limit(1)
)

STILL_GOES = Prepared(
    select(chunks.c.id).where(
        chunks.c.id == bindparam("held_id"),
        chunks.c.fence == bindparam("held_fence"),
        chunks.c.state == "claimed",
        goes(chunks.c.job_id, NOW),
    )
)

ANY_SUSPECTS = Prepared(
    select(chunks.c.id)
    .where(
        chunks.c.job_id == bindparam("job"),
        # With nothing added to the state, databases would look through all of the job's chunks that wait.
        chunks.c.state.concat("") == "waiting",
        claims.due(chunks, NOW),
        goes(bindparam("job"), NOW),
        is_suspect,
    )
    .limit(1)
)

LANES = Prepared(
    select(func.count(chunks.c.owner.distinct())).where(
        chunks.c.job_id == bindparam("job"), or_(chunks.c.state == "claimed", chunks.c.state == "sending")
    )
)


def still_goes(tx: Connection, held: Claim) -> bool:
    """Whether this claim still holds, and its job still moves and has time left."""
    return STILL_GOES(tx, held_id=held.id, held_fence=held.fence, now=time.time()).first() is not None


def any_waiting(tx: Connection, job_id: str) -> bool:
    """Due chunks that anybody may claim now, suspects left out."""
    return ANY_WAITING(tx, job=job_id, now=time.time()).first() is not None


def any_suspects(tx: Connection, job_id: str) -> bool:
    return ANY_SUSPECTS(tx, job=job_id, now=time.time()).first() is not None


def lanes(tx: Connection, job_id: str) -> int:
    """How many lanes hold chunks of this job, in all processes."""
    return int(LANES(tx, job=job_id).rows[0][0])
