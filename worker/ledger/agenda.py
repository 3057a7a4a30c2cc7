"""What is due next, who has to be woken for it, and which claims of dead processes end before their lease does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, exists, func, or_, select, true, union_all, update

from worker.ledger.going import MOVING, moving
from worker.ledger.newsletters import APPROVED, newsletters
from worker.ledger.notices import notices
from worker.ledger.slots import slots
from worker.ledger.tables import chunks, doors, is_held, jobs, posts, tickets, waits_for_a_moment
from worker.ledger.watched import watched

FAR = 5.0

CLAIMED_BESIDES_CHUNKS = (jobs, tickets, notices, doors, posts, slots, newsletters, watched)
HELD_IN = {tickets: "waiting", newsletters: "approved"}


def next_due(tx: Connection, now: float) -> float:
    """The next `not_before` or lease end among what somebody will have to move; at most 5 s from now."""
    moments = union_all(
        select(func.min(chunks.c.not_before).label("due")).where(
            waits_for_a_moment,
            chunks.c.not_before > now,
            chunks.c.state.in_(("waiting", "awaiting")),
            moving(chunks.c.job_id),
        ),
        select(func.min(chunks.c.lease_until)).where(is_held),
        select(func.min(tickets.c.not_before)).where(tickets.c.state == "waiting", tickets.c.not_before > now),
        select(func.min(doors.c.not_before)).where(doors.c.state == "closed"),
        select(func.min(jobs.c.wake_at)).where(jobs.c.state.in_(MOVING), jobs.c.wake_at > now),
        select(func.min(newsletters.c.not_before)).where(APPROVED, newsletters.c.not_before > now),
    ).subquery()
    due = tx.execute(select(func.min(moments.c.due)).where(moments.c.due > now)).scalar()
    return min(now + FAR, float(due)) if due is not None else now + FAR


def end_leases_of(tx: Connection, dead: Callable[[str], bool]) -> None:
    """Free whatever else a dead process held: planning, tickets, notices, probes, posts, slots, newsletters, and what
    is watched."""
    for table in CLAIMED_BESIDES_CHUNKS:
        held = tx.execute(select(table.c.owner).distinct().where(_owned(table))).scalars()
        gone = [owner for owner in held if dead(owner)]
        if gone:
            its = (_owned(table), table.c.owner.in_(gone))
            tx.execute(update(table).where(*its).values(lease_until=None, owner=None))


def _owned(table: Table) -> ColumnElement[bool]:
    """Of some only those in one state are held, and these are found by it."""
    owned = table.c.owner.is_not(None)
    return and_(owned, table.c.state == HELD_IN[table]) if table in HELD_IN else owned


def to_wake(tx: Connection, now: float, pause_for: float) -> list[Row[Any]]:
    """Jobs with due work that nobody moves; each is named once in `pause_for` seconds.

    A call that a Celery task waits for is not among them: its ticket is published instead.
    """
    found = (
        select(jobs.c.id)
        .where(jobs.c.state.in_(MOVING), jobs.c.wake_at <= now, _asleep(now))
        # What somebody else has locked is being moved.
        .with_for_update(skip_locked=True, key_share=True)
        .cte("found")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    woken = update(jobs).where(jobs.c.id.in_(select(found.c.id))).values(wake_at=now + pause_for).returning(jobs)
    return list(tx.execute(woken).all())


def _asleep(now: float) -> ColumnElement[bool]:
    """To be planned or carried, or the platform to be asked, and nobody does."""
    unplanned = and_(jobs.c.planned.is_(False), _unheld(jobs, now))
    one = chunks.alias()
    due, moved = _any(one, one.c.not_before <= now, "waiting", "awaiting"), _any(one, true(), "claimed", "sending")
    # Whoever moves a job asks about it as well, but only before it takes a chunk in hand.
    to_ask = _any(one, and_(one.c.not_before <= now, _unheld(one, now)), "awaiting")
    # Spelled so that they are found by their job: of all jobs together many wait.
    awaited = exists(select(tickets.c.id).where(tickets.c.job_id == jobs.c.id, tickets.c.state != "handed"))
    return or_(unplanned, and_(or_(and_(due, ~moved), to_ask), ~awaited))


def _any(one: Any, which: ColumnElement[bool], *states: str) -> ColumnElement[bool]:
    return exists(select(one.c.id).where(one.c.job_id == jobs.c.id, one.c.state.in_(states), which))


def bring_forward(tx: Connection, account: str) -> None:
    """Whatever of an account waits for a moment is due now, and so is whoever waits for it."""
    its = select(jobs.c.id).where(jobs.c.account == account, jobs.c.state.in_(MOVING))
    # With nothing added to the account, databases would look through all of the account's chunks.
    waiting = (waits_for_a_moment, chunks.c.account.concat("") == account, chunks.c.state == "waiting")
    tx.execute(update(chunks).where(*waiting).values(not_before=0))
    tx.execute(update(jobs).where(jobs.c.id.in_(its)).values(wake_at=0))
    tx.execute(update(tickets).where(tickets.c.job_id.in_(its), tickets.c.state == "waiting").values(not_before=0))


def ended_unnoticed(tx: Connection) -> list[str]:
    """Jobs whose last lane died between its last chunk and their end."""
    open_chunk = chunks.alias()
    still_open = exists(
        select(open_chunk.c.id).where(open_chunk.c.job_id == jobs.c.id, open_chunk.c.state.not_in(("done", "unsure")))
    )
    over = select(jobs.c.id).where(jobs.c.state.in_(MOVING), jobs.c.planned.is_(True), ~still_open)
    return list(tx.execute(over).scalars())


def _unheld(table: Any, now: float) -> ColumnElement[bool]:
    return or_(table.c.lease_until.is_(None), table.c.lease_until < now)
