"""Cuts CSV a piece at a stride, as far as nothing in it has to be looked at closely: then records.py cuts the next
piece, record by record, and the strides go on behind it.

Both cut the same pieces (a property test holds them to that). One pattern says how far the next records reach; those of
a piece are told apart only where more rows than bytes would go into it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Generator, Iterator

from worker.checking.pattern import run_of_lines, run_of_records
from worker.operation import Limits
from worker.sources.inbox import BLOCK
from worker.sources.piece import Piece, checksum, line_limit
from worker.sources.records import cut_closely, weight_of_names
from worker.sources.source import Source


def cut_records(source: Source, limits: Limits, offset: int, row: int) -> Iterator[Piece]:
    """The pieces of a CSV file from `offset`, which is the beginning of line `row`."""
    while True:
        offset, row = yield from _strides(source, limits, offset, row)
        source.stream.seek(offset)
        piece = next(cut_closely(source, limits, offset, row), None)
        if piece is None:
            return
        yield piece
        offset, row = piece.offset + piece.length, piece.first_row + piece.lines


def _strides(source: Source, limits: Limits, offset: int, row: int) -> Generator[Piece, None, tuple[int, int]]:
    """Pieces as long as they can be cut at a stride; then where that ended, which may be where the file does."""
    source.stream.seek(offset)
    stride = _Stride(source, limits)
    while found := stride.next():
        data, rows = found
        piece = Piece(offset, len(data), row, _lines(data, rows), rows, checksum(source.head, data))
        yield piece
        offset, row = offset + piece.length, row + piece.lines
    return offset, row


class _Stride:
    """What was read and not cut yet, from the beginning of a record on."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._stream = source.stream
        self._delimiter = source.delimiter
        self._rows, self._most, self._names = limits.rows, line_limit(limits), weight_of_names(source)
        self._data, self._at, self._ended = b"", 0, False

    def next(self) -> tuple[bytes, int] | None:
        """The bytes and the number of rows of the next piece; None where that has to be found out closely."""
        self._fill()
        end = self._end_of_run(self._at, self._at + self._most, self._rows)
        if end is None:
            return None
        rows = self._count(end)
        if self._weight(end, rows) > self._most:
            end, rows = self._lighter(end)
        elif rows < self._rows and not self._is_last(end, rows):
            return None
        data, self._at = self._data[self._at : end], end
        return (data, rows) if rows else None

    def _fill(self) -> None:
        """Have a whole piece in memory and something of what follows it, as far as there is so much."""
        wanted = self._most + BLOCK
        while len(self._data) - self._at < wanted and not self._ended:
            more = self._stream.read(wanted)
            self._data, self._at, self._ended = self._data[self._at :] + more, 0, not more

    def _end_of_run(self, start: int, stop: int, most: int) -> int | None:
        """Where up to `most` records end."""
        found = self._run(start, stop, most).match(self._data, start, stop)
        return found.end() if found else None

    def _run(self, start: int, stop: int, most: int) -> re.Pattern[bytes]:
        marked = any(self._data.find(mark, start, stop) >= 0 for mark in (b'"', b"\r"))
        return run_of_records(self._delimiter, most) if marked else run_of_lines(most)

    def _count(self, end: int) -> int:
        """Line ends outside of quotes."""
        if self._data.find(b'"', self._at, end) < 0:
            return self._data.count(b"\n", self._at, end)
        return b"".join(self._data[self._at : end].split(b'"')[::2]).count(b"\n")

    def _weight(self, end: int, rows: int) -> int:
        return end - self._at + self._names * rows

    def _lighter(self, end: int) -> tuple[int, int]:
        """As many of the records as are no heavier than a request may be: where they end, and how many they are."""
        ends = [found.end() for found in self._run(self._at, end, 1).finditer(self._data, self._at, end)]
        fit = bisect_right(range(len(ends)), self._most, key=lambda before: self._weight(ends[before], before + 1))
        return (ends[fit - 1], fit) if fit else (self._at, 0)

    def _is_last(self, end: int, rows: int) -> bool:
        """Whether no more goes into the piece: the file ends, or the next record makes it too heavy."""
        if end == len(self._data):
            return self._ended
        following = self._end_of_run(end, len(self._data), 1)
        return following is not None and self._weight(following, rows + 1) > self._most


def _lines(data: bytes, rows: int) -> int:
    """They end with LF, CRLF or CR; without quotes, each is a row."""
    if b'"' not in data:
        return rows
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
