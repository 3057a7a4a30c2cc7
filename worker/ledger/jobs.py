"""Jobs: what somebody asked for, from the asking to the end."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger import claims, notices
from worker.ledger.chunks import skip_waiting
from worker.ledger.claims import Claim
from worker.ledger.ids import new_id
from worker.ledger.prepared import Prepared
from worker.ledger.tables import chunks, jobs, refusals, tickets

GIVE_UP = {"call": 3600.0, "file": 86400.0}  # design §6: calls 1 h, files 24 h
ENDED = ("finished", "cancelled", "failed")
MOVING = ("planning", "running")
ONE = Prepared(select(jobs).where(jobs.c.id == bindparam("job")))


@dataclass(frozen=True)
class Asked:
    """What an application or a person asked for. `key` is theirs, or the Celery task id."""

    operation: str
    account: str
    kind: str
    key: str | None
    key_hash: str
    content_hash: str
    source: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    on_unsure: str = "park"
    then: list[dict[str, Any]] = field(default_factory=list)


class KeyReused(Exception):
    """The same key, with other content: somebody's mistake, so neither is guessed to be the right one."""


def record(tx: Connection, asked: Asked) -> tuple[str, bool]:
    """The job of this key, and whether it is new. The same key is the same job, for ever."""
    now = time.time()
    values = {
        "id": new_id(now),
        "operation": asked.operation,
        "account": asked.account,
        "kind": asked.kind,
        "key": asked.key,
        "key_hash": asked.key_hash,
        "content_hash": asked.content_hash,
        "source": asked.source,
        "options": json.dumps(asked.options),
        "on_unsure": asked.on_unsure,
        "then": json.dumps(asked.then),
        "state": "planning" if asked.kind == "file" else "running",
        "planned": asked.kind == "call",
        "created_at": now,
        "give_up_at": now + GIVE_UP[asked.kind],
        "wake_at": now + 5,
    }
    upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    made = tx.execute(
        upsert(jobs)
        .values(values)
        .on_conflict_do_nothing(index_elements=["operation", "account", "key_hash"])
        .returning(jobs.c.id)
    ).scalar()
    if made is not None:
        return str(made), True
    known = tx.execute(select(jobs.c.id, jobs.c.content_hash).where(*_same_key(asked))).one()
    if known.content_hash != asked.content_hash:
        raise KeyReused(
            f"key_reused: this key belongs to job {known.id}, which was asked for with other content. "
            "Use a new key for new content; send the first content again to learn what became of it."
        )
    return str(known.id), False


def _same_key(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return (
        jobs.c.operation == asked.operation,
        jobs.c.account == asked.account,
        jobs.c.key_hash == asked.key_hash,
    )


def get(tx: Connection, job_id: str) -> Row[Any] | None:
    return ONE(tx, job=job_id).one_or_none()


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
    done = claims.release(tx, jobs, claim, planned=True)
    tx.execute(update(jobs).where(jobs.c.id == claim.id, jobs.c.state == "planning").values(state="running"))
    return done


def pause(tx: Connection, job_id: str, why: str) -> bool:
    """Nothing more is claimed; what is on the wire is settled as it comes."""
    done = tx.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(MOVING))
        .values(paused_in=jobs.c.state, state="paused", why=why)
    )
    return done.rowcount == 1


def resume(tx: Connection, job_id: str) -> bool:
    """Go on where it was paused. The time to give up starts anew: a pause is nobody's failure."""
    now = time.time()
    job = get(tx, job_id)
    if job is None or job.state != "paused":
        return False
    tx.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == "paused")
        .values(state="running" if job.planned else "planning", why=None, wake_at=0, give_up_at=now + GIVE_UP[job.kind])
    )
    return True


def stop(
    tx: Connection, job_id: str, state: str, code: str, *, why: str | None = None, error: str | None = None
) -> bool:
    """Cancel or fail a job: what was never sent becomes skipped; what is on the wire is settled as it comes."""
    locked = tx.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).one_or_none()
    if locked is None or locked.state in ENDED:
        return False
    skip_waiting(tx, job_id, code)
    values = {"state": state, "why": why, "error": error, "finished_at": time.time(), "planned": True}
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(**values))
    notices.announce(tx, "job.ended", job_id)
    return True


def end_if_done(tx: Connection, job_id: str) -> str | None:
    """End a job none of whose rows is pending: finished, or undecided when only unsure chunks are left.

    The row is locked before anybody looks: the other order lets two lanes each see the other's last chunk
    open, and the job runs for ever (measured on PostgreSQL, design §6).
    """
    job = tx.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).one_or_none()
    if job is None or not job.planned or job.state not in (*MOVING, "undecided"):
        return None
    if tx.execute(select(_has_chunk(job_id, chunks.c.state.not_in(("done", "unsure"))))).scalar():
        _back_to_running(tx, job)
        return None
    if tx.execute(select(_has_chunk(job_id, chunks.c.state == "unsure"))).scalar():
        return _undecided(tx, job)
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(state="finished", why=None, finished_at=time.time()))
    _announce(tx, "job.ended", job)
    return "finished"


def _announce(tx: Connection, kind: str, job: Row[Any]) -> None:
    """A call's end is told by its ticket; whoever wants to follow files, or asked for a `then`, gets a notice."""
    if job.kind == "file" or job.then != "[]":
        notices.announce(tx, kind, job.id)


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


def _has_chunk(job_id: str, which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(chunks.c.id).where(chunks.c.job_id == job_id, which))


def report(tx: Connection, job_id: str) -> dict[str, Any] | None:
    """The report of design §10, summed from the chunk rows, which alone count."""
    job = get(tx, job_id)
    if job is None:
        return None
    sums = tx.execute(_sums(job_id)).one()
    return {
        "job": job.id,
        "operation": job.operation,
        "account": job.account.partition("/")[2],
        "key": job.key,
        "state": job.state,
        "why": job.why,
        "rows": {name: int(getattr(sums, name) or 0) for name in ROW_SUMS},
        "refused_by": _summed(tx, job_id, "refused_by"),
        "skipped_by": _summed(tx, job_id, "skipped_by"),
        "verified": True,
        "chunks": {name: int(getattr(sums, f"chunks_{name}") or 0) for name in CHUNK_SUMS},
        "created_at": iso(job.created_at),
        "finished_at": iso(job.finished_at) if job.finished_at else None,
        "error": job.error,
    }


ROW_SUMS = ("total", "accepted", "refused", "unsure", "skipped", "pending", "repeated")
CHUNK_SUMS = {
    "total": chunks.c.id.is_not(None),
    "waiting": chunks.c.state.in_(("waiting", "claimed")),
    "sending": chunks.c.state.in_(("sending", "awaiting")),
    "done": chunks.c.state == "done",
    "unsure": chunks.c.state == "unsure",
}


def _sums(job_id: str) -> Any:
    open_rows = chunks.c.rows - chunks.c.accepted - chunks.c.refused - chunks.c.skipped
    unsure = chunks.c.state == "unsure"
    pending = and_(chunks.c.state != "unsure", chunks.c.state != "done")
    return select(
        func.sum(chunks.c.rows).label("total"),
        func.sum(chunks.c.accepted).label("accepted"),
        func.sum(chunks.c.refused).label("refused"),
        func.sum(chunks.c.skipped).label("skipped"),
        func.sum(open_rows).filter(unsure).label("unsure"),
        func.sum(open_rows).filter(pending).label("pending"),
        func.sum(chunks.c.accepted).filter(chunks.c.repeated).label("repeated"),
        *(func.count(chunks.c.id).filter(which).label(f"chunks_{name}") for name, which in CHUNK_SUMS.items()),
    ).where(chunks.c.job_id == job_id)


def _summed(tx: Connection, job_id: str, column: str) -> dict[str, int]:
    """Counts by code over all chunks. Most chunks share few different counts, so equal ones are read once."""
    counted = chunks.c[column]
    found = tx.execute(
        select(counted, func.count()).where(chunks.c.job_id == job_id, counted.is_not(None)).group_by(counted)
    )
    total: dict[str, int] = {}
    for text, times in found:
        for code, n in json.loads(text).items():
            total[code] = total.get(code, 0) + n * times
    return dict(sorted(total.items()))


def refused_rows(tx: Connection, job_id: str, after: int = 0, most: int = 1000) -> list[Row[Any]]:
    """Refused rows by row number, a page at a time: pass the last `id` and row seen as `after`."""
    return list(
        tx.execute(
            select(refusals)
            .where(refusals.c.job_id == job_id, refusals.c.row > after)
            .order_by(refusals.c.row, refusals.c.id)
            .limit(most)
        )
    )


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def to_wake(tx: Connection, now: float, pause_for: float) -> list[Row[Any]]:
    """Jobs with due work that nobody moves; each is named once in `pause_for` seconds.

    A call that a Celery task waits for is not among them: its ticket is published instead.
    """
    due, moving = chunks.alias(), chunks.alias()
    has_due = exists(
        select(due.c.id).where(due.c.job_id == jobs.c.id, due.c.state == "waiting", due.c.not_before <= now)
    )
    moved = exists(select(moving.c.id).where(moving.c.job_id == jobs.c.id, moving.c.state.in_(("claimed", "sending"))))
    awaited = exists(select(tickets.c.id).where(tickets.c.job_id == jobs.c.id, tickets.c.state == "waiting"))
    unplanned = and_(jobs.c.planned.is_(False), or_(jobs.c.lease_until.is_(None), jobs.c.lease_until < now))
    asleep = or_(unplanned, and_(has_due, ~moved, ~awaited))
    woken = tx.execute(
        update(jobs)
        .where(jobs.c.state.in_(MOVING), jobs.c.wake_at <= now, asleep)
        .values(wake_at=now + pause_for)
        .returning(jobs)
    )
    return list(woken.all())


def ended_unnoticed(tx: Connection) -> list[str]:
    """Jobs whose last lane died between its last chunk and their end."""
    open_chunk = chunks.alias()
    still_open = exists(
        select(open_chunk.c.id).where(open_chunk.c.job_id == jobs.c.id, open_chunk.c.state.not_in(("done", "unsure")))
    )
    over = select(jobs.c.id).where(jobs.c.state.in_(MOVING), jobs.c.planned.is_(True), ~still_open)
    return list(tx.execute(over).scalars())
