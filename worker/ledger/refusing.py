"""Rows that will not be sent, and the names and counts of them: refused one by one, as a range, or skipped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    String,
    and_,
    cast,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)

from worker import numbers
from worker.ledger.tables import chunks, jobs, refusals
from worker.outcome import Refusal

MOVING = ("planning", "running")
UNSENT = ("waiting", "claimed", "sending")  # sending: the answer said that it was not done
GIVEN_UP_AT_ONCE, JOBS_AT_ONCE = 1000, 200
STOPPED = {"cancelled": "cancelled", "failed": "job_failed"}


def skip_waiting(tx: Connection, job_id: str, code: str) -> None:
    """What was never sent will not be: `cancelled`, `job_failed`."""
    _skip(tx, code, chunks.c.job_id == job_id, chunks.c.state == "waiting")


def stop_looking(tx: Connection, job_id: str) -> None:
    """Nobody asks the platform any more about the calls of a job that was stopped: a person has to."""
    which = (chunks.c.job_id == job_id, chunks.c.state == "awaiting")
    values = {"state": "unsure", "lease_until": None, "owner": None, "fence": chunks.c.fence + 1}
    tx.execute(update(chunks).where(*which).values(**values))


def still(tx: Connection, which: ColumnElement[bool]) -> None:
    """Nobody stops the jobs of these chunks until the transaction ends.

    Whoever makes a chunk wait asks for this first. Otherwise one who stops the job at the same moment would not see
    the chunk waiting, and this one would not see the job stopped: on PostgreSQL it would wait for ever.
    """
    owning = jobs.c.id.in_(select(chunks.c.job_id).where(which))
    tx.execute(select(jobs.c.id).where(owning).order_by(jobs.c.id).with_for_update(read=True, key_share=True))


def not_over(job_id: Any) -> ColumnElement[bool]:
    """Of a job that was neither stopped nor finished."""
    over = ("finished", *STOPPED)
    return exists(select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.state.not_in(over)))


def skip_in_stopped(tx: Connection, which: ColumnElement[bool]) -> None:
    for state, code in STOPPED.items():
        stopped = exists(select(jobs.c.id).where(jobs.c.id == chunks.c.job_id, jobs.c.state == state))
        _skip(tx, code, which, chunks.c.state == "waiting", stopped)


def skip_added(tx: Connection, job_id: str, first: int) -> None:
    """What came to wait, from this number on, in a job that was stopped meanwhile never goes."""
    skip_in_stopped(tx, and_(chunks.c.job_id == job_id, chunks.c.n >= first))


def _skip(tx: Connection, code: str, *which: ColumnElement[bool]) -> None:
    by_code = literal(f'{{"{code}": ').concat(cast(chunks.c.rows, String)).concat("}")
    values = {"state": "done", "skipped": chunks.c.rows, "skipped_by": by_code, "settled_at": time.time()}
    values |= {"refused": 0, "refused_by": None}
    tx.execute(update(chunks).where(*which).values(**values))


def give_up(tx: Connection, now: float, refusal: Refusal) -> list[str]:
    """Refuse what has not got through in the time its job allows: the job ids it happened to. None of it was sent."""
    late = tx.execute(select(jobs.c.id).where(jobs.c.state.in_(MOVING), jobs.c.give_up_at < now)).scalars().all()
    found: list[Row[Any]] = []
    for at in range(0, len(late), JOBS_AT_ONCE):  # named one by one, or PostgreSQL looks through all that wait
        waiting = select(chunks).where(chunks.c.job_id.in_(late[at : at + JOBS_AT_ONCE]), chunks.c.state == "waiting")
        found += tx.execute(waiting.limit(GIVEN_UP_AT_ONCE - len(found))).all()
    for row in found:
        refuse_whole(tx, row, refusal)
    return sorted({row.job_id for row in found})


def refuse_whole(tx: Connection, row: Row[Any], refusal: Refusal) -> bool:
    """Refuse every row of a chunk that was not sent; False when it has moved on since `row` was read."""
    done = tx.execute(
        update(chunks)
        .where(chunks.c.id == row.id, chunks.c.fence == row.fence, chunks.c.state.in_(UNSENT))
        .values(
            state="done",
            refused=row.rows,
            refused_by=json.dumps({refusal.code: row.rows}),
            skipped=0,
            skipped_by=None,
            settled_at=time.time(),
            lease_until=None,
            owner=None,
            fence=chunks.c.fence + 1,
        )
    )
    if done.rowcount:
        name(tx, row.id, of_all(row, refusal))
    return bool(done.rowcount)


def of_all(row: Row[Any], refusal: Refusal) -> list[Refusal]:
    """What is said of every row of a chunk, as a range; as several, where only some rows of its stretch are its own."""
    whole = (row.first_row, row.first_row + row.lines - 1)
    found = [whole] if row.only is None else list(numbers.spans(numbers.read(row.only)))
    return [replace(refusal, row=first, last=last if last > first else None) for first, last in found]


def named_in(tx: Connection, chunk_id: int) -> list[Refusal]:
    """The rows of a chunk that were refused so far."""
    found = tx.execute(select(refusals).where(refusals.c.chunk_id == chunk_id).order_by(refusals.c.id))
    return [Refusal(one.row, one.code, one.reason, one.advice, one.last) for one in found]


def name(tx: Connection, chunk_id: int, named: Iterable[Refusal]) -> None:
    job_id = tx.execute(select(chunks.c.job_id).where(chunks.c.id == chunk_id)).scalar_one()
    tx.execute(delete(refusals).where(refusals.c.chunk_id == chunk_id))
    tx.execute(insert(refusals), [asdict(refusal) | {"chunk_id": chunk_id, "job_id": job_id} for refusal in named])


def by_code(named: Sequence[Refusal]) -> str | None:
    counts: dict[str, int] = {}
    for refusal in named:
        counts[refusal.code] = counts.get(refusal.code, 0) + 1
    return as_json(counts)


def as_json(counts: dict[str, int]) -> str | None:
    return json.dumps(counts) if counts else None
