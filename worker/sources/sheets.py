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
        self._reader = source.reader if source else None
        self._is_csv = self._reader is not None and not self._reader.holds_json
        self.delimiter = source.delimiter if source and self._is_csv else ","
        self.original = original_names(source)
        self.ours = named_apart(OURS if self._is_csv else ABOUT, taken_names(source))

    @property
    def header(self) -> list[str]:
        return [defused(name) for name in (*self.original, *self.ours)]

    def line(self, data: bytes | None, about: Sequence[object]) -> list[str]:
        """One row: its own cells, where its bytes are at hand, and what is said `about` it."""
        cells = self._cells(data) if data else None
        rest = [_text(data or b"") if cells is None else ""] if self._is_csv else []
        return [defused(str(cell)) for cell in (*(cells or [""] * len(self.original)), *about, *rest)]

    def _cells(self, data: bytes) -> list[str] | None:
        """None where the row does not fit the columns."""
        if self._reader is None:
            return [_text(data)]
        cells = next((cells for _, _, cells in parsed(self._reader.sheet.delimiter, 1, data)), None)
        return self._reader.sent(cells) if cells and len(cells) == len(self._reader.sheet.names) else None


def original_names(source: Source | None) -> tuple[str, ...]:
    """What whoever wrote it calls the columns that are sent."""
    if source is None:
        return ()
    if source.reader is None or source.reader.holds_json:
        return (JSON_COLUMN,)
    return source.reader.theirs


def taken_names(source: Source | None) -> tuple[str, ...]:
    """What they are called, by whoever wrote it and by us."""
    return (*original_names(source), *(source.reader.columns if source and source.reader else ()))


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
