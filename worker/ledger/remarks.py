"""What has to be known of rows that went all the same: that something was left out of them, that nobody could be
checked, or that they went twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Index, Row, String, Table, Text, delete, func, select
from sqlalchemy import insert as insert_into

from worker.ledger.schema import ROW_ID, metadata
from worker.outcome import Refusal

remarks = Table(
    "remarks",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("chunk_id", ROW_ID, ForeignKey("chunks.id"), nullable=False),
    Column("job_id", String(20), nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("code", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "job_id", "row"),
    Index(None, "chunk_id"),
)


def write(tx: Connection, chunk: Row[Any], said: Sequence[Refusal]) -> None:
    """What is said of the rows of a chunk, in place of what was said before."""
    tx.execute(delete(remarks).where(remarks.c.chunk_id == chunk.id))
    of_chunk = {"chunk_id": chunk.id, "job_id": chunk.job_id}
    rows = [of_chunk | {"row": one.row, "code": one.code, "reason": one.reason} for one in said]
    tx.execute(insert_into(remarks), rows)


def add(tx: Connection, chunk: Row[Any], said: Refusal) -> None:
    """Of a chunk as a whole, beside what was said before; once."""
    this = (remarks.c.chunk_id == chunk.id, remarks.c.code == said.code)
    if tx.execute(select(remarks.c.id).where(*this).limit(1)).first() is None:
        row = {"chunk_id": chunk.id, "job_id": chunk.job_id, "row": chunk.first_row}
        tx.execute(insert_into(remarks), row | {"code": said.code, "reason": said.reason})


def of(tx: Connection, job_id: str, after: int = 0, most: int = 1000) -> list[Row[Any]]:
    """The remarks of a job, a page at a time: pass the last `id` seen as `after`."""
    found = select(remarks).where(remarks.c.job_id == job_id, remarks.c.id > after).order_by(remarks.c.id).limit(most)
    return list(tx.execute(found))


def sentence(tx: Connection, job_id: str) -> str | None:
    """All of them in one: how often each was made."""
    counted = select(remarks.c.reason, func.count()).where(remarks.c.job_id == job_id).group_by(remarks.c.reason)
    found = sorted(tx.execute(counted).all())
    return " ".join(f"{n:,} × {reason}" for reason, n in found) or None
