"""Rows of cells that lie in memory as their lines: nothing is made of a row before somebody looks at it.

Making a list of each row, and writing the lists as CSV, costs many times as much as everything else that is done to a
row (docs/decisions/0020, 0045).
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Sequence
from typing import overload

from worker.checking.pattern import lines_with, rows_with

IN_NO_CELL = ",;\t"  # what the pattern of a cell does not take either; an address may hold a bar


class Plain(Sequence[list[str]]):
    """Rows of CSV that every reader takes apart alike: each has `width` cells and a line of its own in `text`. Lines
    end with LF, the last one too; no CR is among them, and quotes stand around whole cells or nowhere."""

    def __init__(self, text: bytes, delimiter: str, width: int) -> None:
        self._text, self._delimiter, self._width = text, delimiter, width

    @functools.cached_property
    def _size(self) -> int:
        return self._text.count(b"\n")

    @property
    def _quoted(self) -> bool:
        return b'"' in self._text

    @functools.cached_property
    def _lines(self) -> list[str]:
        return self._text.decode().split("\n")[:-1]

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> Plain: ...
    def __getitem__(self, at: int | slice) -> list[str] | Plain:
        if isinstance(at, slice):
            text = "".join([f"{line}\n" for line in self._lines[at]])
            return Plain(text.encode(), self._delimiter, self._width)
        return next(self._parted([self._lines[at]]))

    def __iter__(self) -> Iterator[list[str]]:
        return self._parted(self._lines)

    def _parted(self, lines: Sequence[str]) -> Iterator[list[str]]:
        if self._quoted:
            return csv.reader(lines, delimiter=self._delimiter, strict=True)
        return (line.split(self._delimiter) for line in lines)

    def column(self, at: int) -> list[str]:
        if self._quoted:
            return [row[at] for row in self]
        return [line.split(self._delimiter, at + 1)[at] for line in self._lines]

    def all_are(self, at: int, wanted: bytes) -> bool:
        """Whether this pattern, which takes no quote and no line end, takes every cell at a place."""
        is_last = at == self._width - 1
        if self._quoted or self._delimiter not in IN_NO_CELL:
            pattern = rows_with(self._delimiter, self._width, at, wanted)
        else:
            pattern = lines_with(self._delimiter, at, is_last, wanted)
        return pattern.fullmatch(self._text) is not None

    def delimited(self, delimiter: str, end: str) -> bytes | None:
        """All rows with this delimiter and line end; None where quotes would have to stand elsewhere then."""
        text, ours, theirs = self._text, self._delimiter.encode(), delimiter.encode()
        if theirs != ours:
            if self._quoted or theirs in text:
                return None
            text = text.replace(ours, theirs)
        return text.replace(b"\n", end.encode())


def column(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    """The cells that stand at one place in all rows."""
    return rows.column(at) if isinstance(rows, Plain) else [row[at] for row in rows]
