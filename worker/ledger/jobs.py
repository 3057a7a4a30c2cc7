"""Jobs: what somebody asked for, from the asking to the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Float, Row, bindparam, select, update

from worker.ledger import claims, notices
from worker.ledger.claims import Claim
from worker.ledger.prepared import Prepared
from worker.ledger.refusing import skip_waiting, stop_looking
from worker.ledger.tables import chunks, jobs

GIVE_UP = {"call": 3600.0, "file": 86400.0}  # design §6: calls 1 h, files 24 h
GIVE_UP_URGENT = 30 * 86400.0  # no outage loses an opt-out

ENDED = ("finished", "cancelled", "failed")

MOVING = ("planning", "running")

ONE = Prepared(select(jobs).where(jobs.c.id == bindparam("job")))
LOCKED = Prepared(select(jobs).where(jobs.c.id == bindparam("job")).with_for_update(key_share=True))
LOCKED_ALONE = Prepared(select(jobs).where(jobs.c.id == bindparam("job")).with_for_update())
STEPS = Prepared(select(jobs).where(jobs.c.parent == bindparam("job")).order_by(jobs.c.created_at, jobs.c.id))
PENDING = Prepared(
    select(chunks.c.id)
    .where(chunks.c.job_id == bindparam("job"), chunks.c.state != "done", chunks.c.state != "unsure")
    .limit(1)
)
UNSURE = Prepared(select(chunks.c.id).where(chunks.c.job_id == bindparam("job"), chunks.c.state == "unsure").limit(1))
FINISHED = Prepared(
    update(jobs)
    .where(jobs.c.id == bindparam("job"))
    .values(state="finished", why=None, finished_at=bindparam("at", type_=Float))
)


def get(tx: Connection, job_id: str) -> Row[Any] | None:
    job: Row[Any] | None = ONE(tx, job=job_id).first()
    return job


def locked(tx: Connection, job_id: str, *, alone: bool = False) -> Row[Any] | None:
    """The job as it is now, its row kept from others who would change it until the transaction ends.

    `alone`: kept from those too who add a chunk or give one back (`refusing.still`).
    """
    job: Row[Any] | None = (LOCKED_ALONE if alone else LOCKED)(tx, job=job_id).first()
    return job


def steps_of(tx: Connection, job_id: str) -> list[Row[Any]]:
    """The jobs that are steps of this one, in the order they were taken."""
    return list(STEPS(tx, job=job_id).rows)


def newest(tx: Connection, most: int = 20, states: Sequence[str] = (), kinds: Sequence[str] = ()) -> list[str]:
    """Job ids, the youngest first."""
    wanted = select(jobs.c.id).order_by(jobs.c.created_at.desc()).limit(most)
    if states:
        wanted = wanted.where(jobs.c.state.in_(states))
    if kinds:
        wanted = wanted.where(jobs.c.kind.in_(kinds))
    return list(tx.execute(wanted).scalars())


def claim_planning(tx: Connection, job_id: str, owner: str, lease: float) -> Row[Any] | None:
    unplanned = (jobs.c.planned.is_(False), claims.one_of(jobs.c.state, ("planning", "paused")))
    taken = claims.take(tx, jobs, owner, lease, jobs.c.id == job_id, *unplanned)
    return taken[0] if taken else None


def planned(tx: Connection, claim: Claim) -> bool:
    """The last chunk of a file is recorded; False when somebody else plans it by now."""
    if not claims.release(tx, jobs, claim, planned=True):
        return False
    which = (jobs.c.id == claim.id, jobs.c.state == "planning")
    tx.execute(update(jobs).where(*which).values(state="running", why=None))
    return True


def pause(tx: Connection, job_id: str, why: str) -> bool:
    """Nothing more is claimed, of its steps neither; what is on the wire is settled as it comes."""
    done = tx.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(MOVING))
        .values(paused_in=jobs.c.state, paused_at=time.time(), state="paused", why=why)
    )
    if done.rowcount:
        for step in steps_of(tx, job_id):
            pause(tx, step.id, why)
    return done.rowcount == 1


def resume(tx: Connection, job_id: str, give_up_at: float | None = None) -> bool:
    """Go on where it was paused, with the steps that were paused with it. The time to give up starts anew, a pause is
    nobody's failure; unless the job has a `give_up_at` of its own."""
    job = locked(tx, job_id)
    if job is None or job.state != "paused":
        return False
    moment = give_up_at or time.time() + patience(job.urgent, job.kind)
    state = "running" if job.planned else "planning"
    on = {"state": state, "paused_at": None, "why": None, "wake_at": 0, "give_up_at": moment}
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(**on))
    for step in steps_of(tx, job_id):
        if step.state == "paused" and step.why == job.why:
            resume(tx, step.id, moment)
    return True


def give_time(tx: Connection, job: Row[Any]) -> None:
    """A person wants some of it sent: it has the time of its kind from now on, or what it has left, if that is more."""
    moment = max(job.give_up_at, time.time() + patience(job.urgent, job.kind))
    tx.execute(update(jobs).where(jobs.c.id == job.id).values(give_up_at=moment))


def patience(urgent: bool, kind: str) -> float:
    """Seconds after which what did not get through is given up."""
    return GIVE_UP_URGENT if urgent else GIVE_UP[kind]


def look_at(tx: Connection, job_id: str) -> None:
    """The sweeper may wake this job as soon as something of it is due."""
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(wake_at=0))


def stop(
    tx: Connection, job_id: str, state: str, code: str, *, why: str | None = None, error: str | None = None
) -> bool:
    """Cancel or fail a job: what was never sent becomes skipped; what is on the wire is settled as it comes."""
    job = locked(tx, job_id, alone=True)
    if job is None or job.state in ENDED:
        return False
    for child in steps_of(tx, job_id):
        stop(tx, child.id, state, code, why=why, error=error)
    skip_waiting(tx, job_id, code)
    stop_looking(tx, job_id)
    values = {"state": state, "why": why, "error": error, "finished_at": time.time(), "planned": True}
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(**values))
    _announce(tx, "job.ended", job)
    return True


def end_if_done(tx: Connection, job_id: str) -> str | None:
    """End a job none of whose rows is pending: finished, or undecided when only unsure chunks are left.

    The row is locked before anybody looks: the other order lets two lanes each see the other's last chunk
    open, and the job runs for ever (measured on PostgreSQL, design §6).
    """
    job = locked(tx, job_id)
    if job is None or not job.planned or job.state not in (*MOVING, "undecided"):
        return None
    if PENDING(tx, job=job_id).first() is not None:
        _back_to_running(tx, job)
        return None
    if UNSURE(tx, job=job_id).first() is not None:
        return _undecided(tx, job)
    FINISHED(tx, job=job_id, at=time.time())
    _announce(tx, "job.ended", job)
    return "finished"


def _announce(tx: Connection, kind: str, job: Row[Any]) -> None:
    """Tell once that no row is pending any more; what a person decides afterwards is a notice of its own.

    A call's end is told by its ticket, so it makes a notice only where a `then` or a job that it is a step of waits
    for it.
    """
    if job.kind == "file" or job.then != "[]" or job.parent is not None:
        notices.announce(tx, "job.decided" if job.told else kind, job.id)
        tx.execute(update(jobs).where(jobs.c.id == job.id).values(told=True))


def _back_to_running(tx: Connection, job: Row[Any]) -> None:
    if job.state == "undecided":
        tx.execute(update(jobs).where(jobs.c.id == job.id).values(state="running", why=None))


def _undecided(tx: Connection, job: Row[Any]) -> str:
    if job.state != "undecided":
        why = (
            f"The answer to some requests was lost, so they may or may not have been taken: look at the platform, "
            f"then `omniworker jobs unsure {job.id}` and `omniworker jobs decide {job.id}`."
        )
        tx.execute(update(jobs).where(jobs.c.id == job.id).values(state="undecided", why=why))
        _announce(tx, "job.undecided", job)
    return "undecided"
