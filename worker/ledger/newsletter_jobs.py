"""The jobs that send newsletters: which sends which, and until when.

A newsletter that is on its way has one job; what that asks for may be a step of it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from worker.ledger.newsletters import newsletters
from worker.ledger.tables import jobs


def job_of(tx: Connection, newsletter_id: str) -> str | None:
    """The job that sends it, as it is now: whoever read the row before may not know it yet."""
    found = tx.execute(select(newsletters.c.job_id).where(newsletters.c.id == newsletter_id)).scalar()
    return None if found is None else str(found)


def sent_by(tx: Connection, job_id: str) -> Row[Any] | None:
    """The newsletter that this job sends, itself or as one of its steps; None for any other job."""
    whole = select(jobs.c.parent).where(jobs.c.id == job_id, jobs.c.parent.is_not(None)).scalar_subquery()
    which = (newsletters.c.job_id == job_id) | (newsletters.c.job_id == whole)
    return tx.execute(select(newsletters).where(which).limit(1)).first()


def late(tx: Connection, now: float) -> list[Row[Any]]:
    """Started ones whose job still moves though their time has passed."""
    moving = jobs.c.state.in_(("planning", "running", "paused"))
    both = select(newsletters).join(jobs, jobs.c.id == newsletters.c.job_id)
    return list(tx.execute(both.where(newsletters.c.state == "started", newsletters.c.expires_at < now, moving)))


def over(tx: Connection) -> list[Row[Any]]:
    """Started ones whose job has ended."""
    its = select(newsletters).join(jobs, jobs.c.id == newsletters.c.job_id)
    return list(tx.execute(its.where(newsletters.c.state == "started", jobs.c.finished_at.is_not(None))))


def ended(tx: Connection, newsletter_id: str, state: str, why: str | None) -> None:
    """Nothing more of it leaves."""
    which = (newsletters.c.id == newsletter_id, newsletters.c.state == "started")
    tx.execute(update(newsletters).where(*which).values(state=state, why=why))


def paused_because(tx: Connection, why: str) -> list[Row[Any]]:
    """The jobs of started ones that were paused for a reason that begins so: `job_id`, `expires_at`."""
    both = select(newsletters.c.job_id, newsletters.c.expires_at).join(jobs, jobs.c.id == newsletters.c.job_id)
    paused = (jobs.c.state == "paused", jobs.c.why.startswith(why, autoescape=True))
    return list(tx.execute(both.where(newsletters.c.state == "started", *paused).order_by(jobs.c.id)))


def give_up_at(tx: Connection, job_id: str, moment: float) -> None:
    """Its requests have until then, however many they are."""
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(give_up_at=moment))
