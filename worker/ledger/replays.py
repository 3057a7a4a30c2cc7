"""Which rows of a job were given to which later one: by chunk and code, each once, whoever asks how often.

Only chunks that are done are given away. What is unsure is for a person to decide, and never goes again by itself.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
)

from worker import numbers
from worker.ledger import refused
from worker.ledger.schema import ROW_ID, metadata
from worker.ledger.tables import chunks, jobs

replays = Table(
    "replays",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("chunk_id", ROW_ID, ForeignKey("chunks.id"), nullable=False),
    Column("code", String(100), nullable=False),
    Column("job_id", String(20), nullable=False),  # the later job
    UniqueConstraint("chunk_id", "code"),
    Index(None, "job_id"),
)


class Share(NamedTuple):
    """The rows of one chunk that have one code, and the job they were given to."""

    chunk_id: int
    code: str
    refused: bool
    rows: int
    given_to: str | None


def shares(tx: Connection, job_id: str) -> list[Share]:
    """All rows of a job that were refused or skipped, but those that were skipped beside others of their chunk:
    nobody knows which they are."""
    given, left = _given(tx, job_id), _left(tx, job_id)
    taken = {(row.chunk_id, row.code): str(row.job_id) for row in given if row.id not in left}
    found = select(chunks).where(chunks.c.job_id == job_id, chunks.c.state == "done", chunks.c.rows > chunks.c.accepted)
    return [
        Share(chunk.id, code, refused, rows, taken.get((chunk.id, code)))
        for chunk in tx.execute(found.order_by(chunks.c.first_row))
        for code, refused, rows in _codes(chunk)
    ]


def _given(tx: Connection, job_id: str, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """What was ever given of this job's rows, with the stretch of the source that they lie in."""
    columns = (*replays.c, chunks.c.offset, chunks.c.length, chunks.c.first_row, chunks.c.only)
    given = select(*columns).join(chunks, chunks.c.id == replays.c.chunk_id)
    return tx.execute(given.where(chunks.c.job_id == job_id, *which)).all()


def _left(tx: Connection, job_id: str) -> set[int]:
    """Of those the ones that lie where the later job has nothing: it was stopped before its planning came there."""
    stopped = select(jobs.c.id).where(jobs.c.replay_of == job_id, jobs.c.state.in_(("cancelled", "failed")))
    left: set[int] = set()
    for later in tx.execute(stopped).scalars().all():
        planned = tx.execute(_planned(later)).all()
        left |= {one.id for one in _given(tx, job_id, replays.c.job_id == later) if not _reached(one, planned)}
    return left


def _planned(job_id: str) -> Any:
    return select(chunks.c.offset, chunks.c.first_row).where(chunks.c.job_id == job_id).order_by(chunks.c.offset)


def _reached(given: Row[Any], planned: Sequence[Row[Any]]) -> bool:
    """Whether one of these stretches, in their order, begins in that of the chunk, with a row of its own."""
    first = bisect_left(planned, given.offset, key=attrgetter("offset"))
    behind = bisect_left(planned, given.offset + given.length, key=attrgetter("offset"))
    own = None if given.only is None else set(numbers.read(given.only))
    return any(own is None or one.first_row in own for one in planned[first:behind])


def _codes(chunk: Row[Any]) -> Iterator[tuple[str, bool, int]]:
    for code, rows in json.loads(chunk.refused_by or "{}").items():
        yield code, True, rows
    skipped = json.loads(chunk.skipped_by or "{}")
    if len(skipped) == 1 and not chunk.accepted:
        yield from ((code, False, rows) for code, rows in skipped.items())


def give(tx: Connection, job_id: str, taken_from: str, given: Sequence[Share]) -> None:
    """These rows are that job's from now on. The job they are taken from is locked."""
    if left := _left(tx, taken_from):
        tx.execute(delete(replays).where(replays.c.id == bindparam("left")), [{"left": one} for one in left])
    tx.execute(insert(replays), [{"chunk_id": one.chunk_id, "code": one.code, "job_id": job_id} for one in given])


def given_chunks(tx: Connection, job_id: str, after: Row[Any] | None, most: int) -> list[Row[Any]]:
    """Chunks of which rows were given to this job, by row number: pass the last one seen as `after`."""
    given = select(replays.c.chunk_id).where(replays.c.job_id == job_id)
    return refused.page(tx, after, most, chunks.c.id.in_(given))


def codes_given(tx: Connection, job_id: str, chunk_id: int) -> set[str]:
    wanted = select(replays.c.code).where(replays.c.job_id == job_id, replays.c.chunk_id == chunk_id)
    return set(tx.execute(wanted).scalars())


def of(tx: Connection, job_id: str) -> list[Row[Any]]:
    """The jobs that send rows of this one again, the oldest first."""
    return list(tx.execute(select(jobs).where(jobs.c.replay_of == job_id).order_by(jobs.c.created_at, jobs.c.id)))
