"""Cuts CSV a stride of many records at a time, as far as nothing in them has to be looked at closely: then records.py
cuts the next piece, record by record, and the strides go on behind it.

Both cut the same pieces (a property test holds them to that). Where no quote is, records are lines; else Python's own
reader says where each ends.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from itertools import accumulate
from operator import methodcaller

from worker.operation import Limits
from worker.sources.inbox import BLOCK
from worker.sources.piece import Piece, line_limit, piece_of
from worker.sources.records import cut_closely, weight_of_names
from worker.sources.source import Source

EMPTY = frozenset((b"\n", b"\r\n", b"\r"))
DECODED = methodcaller("decode", "latin-1")  # every byte is a letter in it


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
    stride = _Stride(source.delimiter, line_limit(limits))
    going_on = True
    while going_on and (block := source.stream.read(BLOCK)):
        going_on = stride.add(block)
        for records in stride.groups(limits.rows, weight_of_names(source)):
            lines = stride.take(records)
            piece = piece_of(source.head, offset, row, len(lines), records, lines)
            yield piece
            offset, row = offset + piece.length, row + piece.lines
    return offset, row


class _Stride:
    """Whole records in memory, as their lines, and the number of the last line of each."""

    def __init__(self, delimiter: str, most: int) -> None:
        self._delimiter, self._most = delimiter, most
        self._lines: list[bytes] = []
        self._ends: list[int] = []
        self._rest = b""

    def add(self, block: bytes) -> bool:
        """Take in the records that are whole by now; False when what follows them has to be looked at closely."""
        data = self._rest + block
        lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        ends, sound = _ends(lines, self._delimiter)
        whole = lines[: ends[-1]] if ends else []
        self._ends += map(len(self._lines).__add__, ends)
        self._lines += whole
        self._rest = data[sum(map(len, whole)) :]
        return sound and len(self._rest) <= self._most // 2 and sum(map(len, self._lines)) <= 2 * self._most

    def groups(self, rows: int, names: int) -> Iterator[int]:
        """How many records the next piece has; none when more could come into it. Each is to be taken at once."""
        while self._ends:
            sizes = list(accumulate(map(len, self._lines[: self._ends[: rows + 1][-1]]), initial=0))
            at_most = range(min(rows, len(self._ends)))
            fit = bisect_right(at_most, self._most, key=lambda at: sizes[self._ends[at]] + names * (at + 1))
            if fit == 0 or (fit < rows and fit == len(self._ends)):
                return
            yield fit

    def take(self, records: int) -> list[bytes]:
        """The lines of the first records, which are gone then."""
        end = self._ends[records - 1]
        lines, self._lines = self._lines[:end], self._lines[end:]
        self._ends = [other - end for other in self._ends[records:]]
        return lines


def _ends(lines: Sequence[bytes], delimiter: str) -> tuple[Sequence[int], bool]:
    """The number of the last line of each record, as far as they are sound: not where quotes are wrong, nor an empty
    line, but records that only break off."""
    if not any(b'"' in line or line in EMPTY for line in lines):
        return range(1, len(lines) + 1), bool(lines)
    reader = csv.reader(map(DECODED, lines), delimiter=delimiter, strict=True)
    ends: list[int] = []
    try:
        for cells in reader:
            if not cells:
                return ends, False
            ends.append(reader.line_num)
    except csv.Error:
        return ends, reader.line_num == len(lines)
    return ends, bool(lines)
