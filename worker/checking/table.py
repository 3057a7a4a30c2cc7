"""Rows of cells that lie in memory as their lines: nothing is made of a row before somebody looks at it.

Making a list of each row, and writing the lists as CSV, costs twice as much as everything else that is done to a row
(docs/decisions/0020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import methodcaller
from typing import overload


class Plain(Sequence[list[str]]):
    """Rows of CSV in which no quotes stand: a cell is what lies between two delimiters, and holds no mark of CSV but
    perhaps another delimiter."""

    def __init__(self, lines: Sequence[str], delimiter: str) -> None:
        self._lines, self._delimiter = lines, delimiter

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> Plain: ...
    def __getitem__(self, at: int | slice) -> list[str] | Plain:
        if isinstance(at, slice):
            return Plain(self._lines[at], self._delimiter)
        return self._lines[at].split(self._delimiter)

    def __iter__(self) -> Iterator[list[str]]:
        return (line.split(self._delimiter) for line in self._lines)

    def has_width(self, width: int) -> bool:
        """Whether each row has so many cells."""
        return set(map(methodcaller("count", self._delimiter), self._lines)) == {width - 1}

    def column(self, at: int) -> list[str]:
        return [line.split(self._delimiter, at + 1)[at] for line in self._lines]

    def delimited(self, delimiter: str, end: str) -> str | None:
        """All rows with this delimiter and line end; None where a cell would need quotes then."""
        text = "".join([f"{line}{end}" for line in self._lines])
        if delimiter == self._delimiter:
            return text
        return None if delimiter in text else text.replace(self._delimiter, delimiter)


def column(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    """The cells that stand at one place in all rows."""
    return rows.column(at) if isinstance(rows, Plain) else [row[at] for row in rows]
