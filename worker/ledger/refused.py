"""Refused rows, chunk by chunk, with all that was said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from worker import numbers
from worker.ledger.tables import chunks, refusals


def chunks_with(tx: Connection, job_id: str, after: Row[Any] | None, most: int) -> list[Row[Any]]:
    """Chunks that hold refused rows, by row number: pass the last one seen as `after`. Several may lie in the same
    stretch of their file."""
    wanted = select(chunks).where(chunks.c.job_id == job_id, chunks.c.refused > 0)
    if after is not None:
        behind = and_(chunks.c.first_row == after.first_row, chunks.c.id > after.id)
        wanted = wanted.where(or_(chunks.c.first_row > after.first_row, behind))
    return list(tx.execute(wanted.order_by(chunks.c.first_row, chunks.c.id).limit(most)))


def of_chunk(tx: Connection, chunk: Row[Any]) -> Verdicts:
    found = select(refusals).where(refusals.c.chunk_id == chunk.id).order_by(refusals.c.row, refusals.c.id)
    return Verdicts(chunk, list(tx.execute(found)))


class Verdicts:
    """What was said of the rows of one chunk: of single rows, or of ranges of them."""

    def __init__(self, chunk: Row[Any], said: Sequence[Row[Any]]) -> None:
        self._said = said
        self._ranges = sorted((one for one in said if _width(one)), key=_width)
        self._single = {one.row: one for one in reversed(said) if not _width(one)}
        self._own = None if chunk.only is None else frozenset(numbers.read(chunk.only))
        self._stays = frozenset(json.loads(chunk.stays or "[]"))

    def __iter__(self) -> Iterator[Row[Any]]:
        return iter(self._said)

    def owns(self, row: int) -> bool:
        """Whether this row of the chunk's stretch is one of the chunk's."""
        return self._own is None or row in self._own

    def of(self, row: int) -> Row[Any] | None:
        """What was said of this row: of it alone, else of the shortest range around it."""
        alone: Row[Any] | None = self._single.get(row)
        if alone is not None:
            return alone
        if row in self._stays or not self.owns(row):
            return None
        return next((one for one in self._ranges if one.row <= row <= one.last), None)


def _width(one: Row[Any]) -> int:
    return int(one.last or one.row) - int(one.row)
