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
    select,
)

from worker import numbers
from worker.ledger.inserting import DIALECTS
from worker.ledger.prepared import Prepared
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


NAMED = tuple(chunks.c[name] for name in ("id", "n", "accepted", "refused_by", "skipped_by"))
NOT_TAKEN = (chunks.c.state == "done", chunks.c.rows > chunks.c.accepted)


def _giving(dialect: str) -> Prepared:
    new = DIALECTS[dialect](replays).values(
        chunk_id=bindparam("chunk"), code=bindparam("named"), job_id=bindparam("later")
    )
    known = (replays.c.chunk_id, replays.c.code)
    return Prepared(new.on_conflict_do_update(index_elements=known, set_={"job_id": new.excluded.job_id}))


GIVE = {dialect: _giving(dialect) for dialect in DIALECTS}


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
    found = tx.execute(select(*NAMED).where(chunks.c.job_id == job_id, *NOT_TAKEN).order_by(chunks.c.n)).all()
    return _shares(found, _given(tx, chunks.c.job_id == job_id), _left_of(tx, job_id))


def page(tx: Connection, job_id: str, after: int, most: int) -> list[Row[Any]]:
    """The next chunks of which rows may be given away, by number: pass the last one seen as `after`."""
    wanted = select(*NAMED).where(chunks.c.job_id == job_id, chunks.c.n > after, *NOT_TAKEN)
    return list(tx.execute(wanted.order_by(chunks.c.n).limit(most)))


def shares_of(tx: Connection, job_id: str, some: Sequence[Row[Any]]) -> list[Share]:
    """The same as `shares`, of a page of the job's chunks."""
    given = _given(tx, replays.c.chunk_id.in_([chunk.id for chunk in some]))
    return _shares(some, given, _left(tx, job_id, given))


def _shares(found: Sequence[Row[Any]], given: Sequence[Row[Any]], left: set[int]) -> list[Share]:
    taken = {(row.chunk_id, row.code): str(row.job_id) for row in given if row.id not in left}
    return [
        Share(chunk.id, code, refused, rows, taken.get((chunk.id, code)))
        for chunk in found
        for code, refused, rows in _codes(chunk)
    ]


def _given(tx: Connection, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """What was ever given of these chunks' rows, with the stretch of the source that they lie in."""
    columns = (*replays.c, chunks.c.offset, chunks.c.length, chunks.c.first_row, chunks.c.only)
    given = select(*columns).join(chunks, chunks.c.id == replays.c.chunk_id)
    return tx.execute(given.where(which)).all()


def _left_of(tx: Connection, job_id: str) -> set[int]:
    return _left(tx, job_id, _given(tx, chunks.c.job_id == job_id))


def _left(tx: Connection, job_id: str, given: Sequence[Row[Any]]) -> set[int]:
    """Of what was given that which lies where the later job has nothing: it was stopped before its planning came
    there."""
    stopped = select(jobs.c.id).where(jobs.c.replay_of == job_id, jobs.c.state.in_(("cancelled", "failed")))
    left: set[int] = set()
    for later in tx.execute(stopped).scalars().all():
        its = [one for one in given if one.job_id == later]
        if its:
            planned = _planned(tx, later, its)
            left |= {one.id for one in its if not _reached(one, planned)}
    return left


def _planned(tx: Connection, job_id: str, given: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Where its stretches begin, among those that it was given."""
    first, behind = min(one.offset for one in given), max(one.offset + one.length for one in given)
    among = (chunks.c.job_id == job_id, chunks.c.offset >= first, chunks.c.offset < behind)
    return list(tx.execute(select(chunks.c.offset, chunks.c.first_row).where(*among).order_by(chunks.c.offset)))


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


def give(tx: Connection, job_id: str, given: Sequence[Share]) -> None:
    """These rows are that job's from now on. The job they are taken from is locked; whom they had been given to was
    stopped before it came to them."""
    GIVE[tx.dialect.name].many(tx, [{"chunk": one.chunk_id, "named": one.code, "later": job_id} for one in given])


def given_chunks(tx: Connection, job: Row[Any], after: int, most: int) -> list[tuple[Row[Any], set[str]]]:
    """The next chunks of which rows may have been given to this job, by number, each with the codes of those that were:
    pass the number of the last one seen as `after`."""
    wanted = select(chunks).where(chunks.c.job_id == job.replay_of, chunks.c.n > after, *NOT_TAKEN)
    some = tx.execute(wanted.order_by(chunks.c.n).limit(most)).all()
    codes: dict[int, set[str]] = {chunk.id: set() for chunk in some}
    for given in tx.execute(select(replays).where(replays.c.chunk_id.in_(list(codes)))):
        if given.job_id == job.id:
            codes[given.chunk_id].add(given.code)
    return [(chunk, codes[chunk.id]) for chunk in some]


def of(tx: Connection, job_id: str) -> list[Row[Any]]:
    """The jobs that send rows of this one again, the oldest first."""
    return list(tx.execute(select(jobs).where(jobs.c.replay_of == job_id).order_by(jobs.c.created_at, jobs.c.id)))
