"""Which refused rows of a job a mended sheet sends again, by the numbers that the sheet has of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Column, Connection, String, Table, Text, insert, select

from worker import numbers
from worker.ledger.schema import metadata
from worker.ledger.tables import refusals

mended = Table(
    "mended",
    metadata,
    Column("id", String(20), primary_key=True),  # the later job
    Column("taken_from", String(20), nullable=False, index=True),
    Column("rows", Text, nullable=False),  # the numbers, as worker/numbers.py writes them
)


def note(tx: Connection, job_id: str, taken_from: str, rows: Collection[int]) -> None:
    values = {"id": job_id, "taken_from": taken_from, "rows": numbers.written(sorted(rows))}
    tx.execute(insert(mended).values(**values))


def rows_of(tx: Connection, job_id: str) -> frozenset[int] | None:
    """Those that this job sends again; None where its sheet did not say."""
    found = tx.execute(select(mended.c.rows).where(mended.c.id == job_id)).scalar()
    return None if found is None else frozenset(numbers.read(found))


def of(tx: Connection, taken_from: str) -> dict[int, str]:
    """The rows of a job that were sent again so, each with the job that sent it."""
    found = tx.execute(select(mended.c.rows, mended.c.id).where(mended.c.taken_from == taken_from))
    return {row: job_id for rows, job_id in found for row in numbers.read(rows)}


def rows_in(tx: Connection, job_id: str, shares: Collection[tuple[int, str]]) -> frozenset[int]:
    """The refused rows of these chunks with these codes."""
    wanted = set(shares)
    columns = (refusals.c.row, refusals.c.last, refusals.c.chunk_id, refusals.c.code)
    found = tx.execute(select(*columns).where(refusals.c.job_id == job_id))
    return _rows([(row.row, row.last) for row in found if (row.chunk_id, row.code) in wanted])


def _rows(found: Iterable[Any]) -> frozenset[int]:
    return frozenset(row for first, last in found for row in range(first, (last or first) + 1))
