"""The cells of a whole piece of CSV, without a step for each row where nothing in it has to be looked at closely."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from worker.checking.table import Plain
from worker.sources.piece import Stretch


def is_text(data: bytes) -> bool:
    """Whether it is UTF-8 without U+0000, which no row may hold."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def plainly(delimiter: str, piece: Stretch, data: bytes) -> Plain | None:
    """Where there are no quotes and no empty lines, CSV is lines with delimiters; None where there are."""
    if b'"' in data or piece.rows != piece.lines:
        return None
    text = data.decode().replace("\r\n", "\n")
    return None if "\r" in text else Plain(text.removesuffix("\n").split("\n"), delimiter)


class Lines(Sequence[bytes]):
    """Rows as lines of JSON, which are made when somebody looks at one."""

    def __init__(self, cells: Sequence[list[str]], line: Callable[[list[str]], bytes]) -> None:
        self._cells, self._line = cells, line

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Lines: ...
    def __getitem__(self, at: int | slice) -> bytes | Lines:
        if isinstance(at, slice):
            return Lines(self._cells[at], self._line)
        return self._made[at]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._made)

    @functools.cached_property
    def _made(self) -> list[bytes]:
        return list(map(self._line, self._cells))
