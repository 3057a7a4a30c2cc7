"""What is due next, and which claims of dead processes end before their lease does."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Select, func, select, union_all, update

from worker.ledger.chunks import MOVING
from worker.ledger.tables import chunks, doors, jobs, notices, posts, tickets

FAR = 5.0
CLAIMED_BESIDES_CHUNKS = (jobs, tickets, notices, doors, posts)


def next_due(tx: Connection, now: float) -> float:
    """The next `not_before` or lease end among what somebody will have to move; at most 5 s from now."""
    moments = union_all(
        select(func.min(chunks.c.not_before).label("due")).where(
            chunks.c.state == "waiting", chunks.c.not_before > now, chunks.c.job_id.in_(_moving())
        ),
        select(func.min(chunks.c.lease_until)).where(chunks.c.state.in_(("claimed", "sending"))),
        select(func.min(tickets.c.not_before)).where(tickets.c.state == "waiting", tickets.c.not_before > now),
        select(func.min(doors.c.not_before)).where(doors.c.state == "closed"),
        select(func.min(jobs.c.wake_at)).where(jobs.c.state.in_(MOVING), jobs.c.wake_at > now),
    ).subquery()
    due = tx.execute(select(func.min(moments.c.due)).where(moments.c.due > now)).scalar()
    return min(now + FAR, float(due)) if due is not None else now + FAR


def end_leases_of(tx: Connection, dead: Callable[[str], bool]) -> None:
    """Free whatever else a dead process held: planning, tickets, notices, probes, posts."""
    for table in CLAIMED_BESIDES_CHUNKS:
        held = tx.execute(select(table.c.owner).distinct().where(table.c.owner.is_not(None))).scalars()
        gone = [owner for owner in held if dead(owner)]
        if gone:
            tx.execute(update(table).where(table.c.owner.in_(gone)).values(lease_until=None, owner=None))


def _moving() -> Select[tuple[str]]:
    return select(jobs.c.id).where(jobs.c.state.in_(MOVING))
