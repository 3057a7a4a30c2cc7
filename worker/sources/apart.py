"""The rows of a piece one by one, as they stand in their file, and pieces made of some of them."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from worker.sources.piece import Piece, Stretch, piece_of
from worker.sources.records import records_in
from worker.sources.source import Source


class Stand(NamedTuple):
    """One row: its number, how many lines it fills, and its bytes, which begin at `offset`."""

    number: int
    lines: int
    offset: int
    data: bytes


def apart(source: Source, piece: Stretch, data: bytes) -> Iterator[Stand]:
    """The rows of a piece whose bytes are `data`; empty lines are none."""
    number, offset = piece.first_row, piece.offset
    for part, lines, is_row in _records(source, data):
        if is_row:
            yield Stand(number, lines, offset, part)
        number, offset = number + lines, offset + len(part)


def together(source: Source, rows: Iterable[Stand]) -> Iterator[Piece]:
    """Pieces of these rows of one piece, in order: those that stand one right after the other share one."""
    for _, group in itertools.groupby(_behind(rows), key=lambda pair: pair[0]):
        run = [row for _, row in group]
        lines = sum(row.lines for row in run)
        yield piece_of(source.head, run[0].offset, run[0].number, lines, len(run), [row.data for row in run])


def _behind(rows: Iterable[Stand]) -> Iterator[tuple[int, Stand]]:
    """Each row with the number of its run."""
    run, end = 0, None
    for row in rows:
        run += row.offset != end
        end = row.offset + len(row.data)
        yield run, row


def _records(source: Source, data: bytes) -> Iterator[tuple[bytes, int, bool]]:
    if source.reader is None:
        for line in io.BytesIO(data):
            yield line, 1, not line.isspace()
        return
    for record in records_in(data, source.delimiter):
        yield b"".join(record.parts), record.lines, bool(record.row)
