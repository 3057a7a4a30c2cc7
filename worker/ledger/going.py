"""Which chunks may go at all: of a job that moves and has time left, and of a person whose older calls are over."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select

from worker.ledger import claims
from worker.ledger.tables import chunks, jobs

MOVING = ("planning", "running")
UNDER_WAY = ("waiting", "claimed", "sending", "awaiting")


def moving(job_id: Any) -> ColumnElement[bool]:
    """Chunks of a job that is paused or over are not claimed."""
    return exists(
        select(jobs.c.id).where(jobs.c.id == job_id, or_(jobs.c.state == "planning", jobs.c.state == "running"))
    )


def goes(job_id: Any, now: ColumnElement[float]) -> ColumnElement[bool]:
    """Chunks of a job that moves, and has time left: what passed it during an outage is refused by the sweeper, and a
    worker that is back before it sends none of it."""
    in_time = (jobs.c.id == job_id, jobs.c.give_up_at >= now)
    return exists(select(jobs.c.id).where(*in_time, or_(jobs.c.state == "planning", jobs.c.state == "running")))


def first_of_person() -> ColumnElement[bool]:
    """Calls for one person go out in the order they were asked for. One that is unsure, or whose job was paused, holds
    nobody up: an opt-out would wait behind it for a person's decision."""
    older = chunks.alias()
    before = exists(
        select(older.c.id).where(
            older.c.person == chunks.c.person,
            older.c.id < chunks.c.id,
            claims.one_of(older.c.state, UNDER_WAY),
            moving(older.c.job_id),
        )
    )
    return or_(chunks.c.person.is_(None), ~before)
