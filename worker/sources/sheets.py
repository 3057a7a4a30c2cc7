"""Refused rows as a sheet that a person mends: what its columns are called, and which of them are ours.

A row of CSV keeps its own columns; a row of JSON stands in one, as text. Behind them come ours. Where a file has a
column of such a name already, all of ours get a prefix, so that it is told from the header which are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from worker.sources.cells import parsed
from worker.sources.formulas import defused
from worker.sources.source import Source

ABOUT = ("row", "code", "reason", "advice")
AS_IT_STANDS = "text"  # a row of CSV that does not fit the columns
OURS = (*ABOUT, AS_IT_STANDS)
JSON_COLUMN = "json"
PREFIX = "refused."
SUCH_A_NAME = re.compile(rf"((?:{re.escape(PREFIX)})*)(?:{'|'.join(OURS)})")


class Layout:
    """The columns of the rows of a source; without one, of rows that can't be read any more."""

    def __init__(self, source: Source | None) -> None:
        sheet = source.reader.sheet if source and source.reader else None
        self.delimiter = sheet.delimiter if sheet else ","
        self.original = sheet.theirs if sheet else (JSON_COLUMN,) if source else ()
        self.ours = named_apart(OURS if sheet else ABOUT, taken_names(source))
        self._is_csv = sheet is not None

    @property
    def header(self) -> list[str]:
        return [defused(name) for name in (*self.original, *self.ours)]

    def line(self, data: bytes | None, about: Sequence[object]) -> list[str]:
        """One row: its own cells, where its bytes are at hand, and what is said `about` it."""
        cells, rest = self._cells(data)
        return [defused(str(cell)) for cell in (*cells, *about, *rest)]

    def _cells(self, data: bytes | None) -> tuple[list[str], list[str]]:
        empty = [""] * len(self.original)
        if not self._is_csv:
            return [_text(data)] if data else empty, []
        cells = next((cells for _, _, cells in parsed(self.delimiter, 1, data)), None) if data else None
        if cells is None or len(cells) != len(empty):
            return empty, [_text(data or b"")]
        return cells, [""]


def taken_names(source: Source | None) -> tuple[str, ...]:
    """What the columns of a source are called, by whoever wrote it and by us."""
    sheet = source.reader.sheet if source and source.reader else None
    return (*sheet.theirs, *sheet.names) if sheet else (JSON_COLUMN,)


def named_apart(ours: Sequence[str], original: Sequence[str]) -> tuple[str, ...]:
    """Our columns' names beside these, with as many prefixes as set every one of them apart."""
    depth = max((depth + 1 for name in original if (depth := _depth(name)) is not None), default=0)
    return tuple(f"{PREFIX * depth}{name}" for name in ours)


def ours_in(header: Sequence[str], original: Sequence[str] | None) -> list[str]:
    """The columns of a mended sheet that are ours: those set apart from the `original` ones.

    Where nobody knows these any more, the ones with most prefixes of which none is missing.
    """
    if original is not None:
        return [name for name in named_apart(OURS, original) if name in header]
    depths = {depth for name in header if (depth := _depth(name)) is not None}
    for depth in sorted(depths, reverse=True):
        found = [f"{PREFIX * depth}{name}" for name in OURS if f"{PREFIX * depth}{name}" in header]
        if len(set(found) - {f"{PREFIX * depth}{AS_IT_STANDS}"}) == len(ABOUT):
            return found
    return []


def _depth(name: str) -> int | None:
    """How many prefixes such a name of ours has; None for any other name."""
    found = SUCH_A_NAME.fullmatch(name)
    return len(found[1]) // len(PREFIX) if found else None


def _text(data: bytes) -> str:
    return data.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
