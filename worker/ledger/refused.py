"""Refused rows, chunk by chunk, with all that was said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from worker.ledger.tables import chunks, refusals


def chunks_with(tx: Connection, job_id: str, after: Row[Any] | None, most: int) -> list[Row[Any]]:
    """Chunks that hold refused rows, by row number: pass the last one seen as `after`. Several may lie in the same
    stretch of their file."""
    wanted = select(chunks).where(chunks.c.job_id == job_id, chunks.c.refused > 0)
    if after is not None:
        behind = and_(chunks.c.first_row == after.first_row, chunks.c.id > after.id)
        wanted = wanted.where(or_(chunks.c.first_row > after.first_row, behind))
    return list(tx.execute(wanted.order_by(chunks.c.first_row, chunks.c.id).limit(most)))


def of_chunk(tx: Connection, chunk_id: int) -> Verdicts:
    found = select(refusals).where(refusals.c.chunk_id == chunk_id).order_by(refusals.c.row, refusals.c.id)
    return Verdicts(list(tx.execute(found)))


class Verdicts:
    """What was said of the rows of one chunk: of single rows, or of ranges of them."""

    def __init__(self, said: Sequence[Row[Any]]) -> None:
        self._said = said
        self._ranges = sorted((one for one in said if _width(one)), key=_width)
        self._single = {one.row: one for one in reversed(said) if not _width(one)}

    def __iter__(self) -> Iterator[Row[Any]]:
        return iter(self._said)

    def of(self, row: int) -> Row[Any] | None:
        """What was said of this row: of it alone, else of the shortest range around it."""
        return self._single.get(row) or next((one for one in self._ranges if one.row <= row <= one.last), None)


def _width(one: Row[Any]) -> int:
    return int(one.last or one.row) - int(one.row)
