"""Refused rows, chunk by chunk, with all that was said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from worker import numbers
from worker.ledger.tables import chunks, refusals


def chunks_with(tx: Connection, job_id: str) -> list[int]:
    """The chunks that hold refused rows, by row number; several may lie in the same stretch of their file. Only their
    ids, so that one look finds all of them, however many: to look for each page anew costs its square."""
    found = select(chunks.c.id).where(chunks.c.job_id == job_id, chunks.c.refused > 0)
    return list(tx.execute(found.order_by(chunks.c.first_row, chunks.c.id)).scalars())


def these(tx: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    """These chunks, in this order."""
    found = {row.id: row for row in tx.execute(select(chunks).where(chunks.c.id.in_(ids)))}
    return [found[one] for one in ids]


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
