"""The cells of a whole piece of CSV, without a step for each row where nothing in it has to be looked at closely."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from worker.checking.pattern import table
from worker.checking.table import Plain
from worker.sources.piece import Stretch


def is_text(data: bytes) -> bool:
    """Whether it is UTF-8 without U+0000, which no row may hold."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def plainly(delimiter: str, width: int, piece: Stretch, data: bytes) -> Plain | None:
    """None where a line holds several rows, none, or a part of one, and where cells are more or fewer than `width`, or
    quoted in a way that readers may differ about."""
    if piece.rows != piece.lines:
        return None
    text = data.replace(b"\r\n", b"\n") if b"\r" in data else data
    text = text if text.endswith(b"\n") else text + b"\n"
    even = _even_with_quotes if b'"' in text else _even
    return Plain(text, delimiter, width) if b"\r" not in text and even(delimiter, width, piece.rows, text) else None


def _even(delimiter: str, width: int, rows: int, text: bytes) -> bool:
    mark = delimiter.encode()
    others = bytes(set(range(256)) - set(mark + b"\n"))
    return text.translate(None, others) == (mark * (width - 1) + b"\n") * rows


def _even_with_quotes(delimiter: str, width: int, _rows: int, text: bytes) -> bool:
    return table(delimiter, width).fullmatch(text) is not None


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
