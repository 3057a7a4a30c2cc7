"""Which rows of a job the rows of its mended sheet are, by the numbers that the sheet still has of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from worker.operation import Limits
from worker.sources.cells import parsed
from worker.sources.cut import cut
from worker.sources.read_back import read_piece
from worker.sources.sheets import ABOUT, PREFIX
from worker.sources.source import Source

NUMBER = re.compile(r"[0-9]{1,18}")


def rows_named(source: Source, ours: Sequence[str], limits: Limits) -> frozenset[int] | None:
    """None where there is no such column, or some row has no number there: it may be any."""
    column = next((name for name in ours if name.replace(PREFIX, "") == ABOUT[0]), None)
    if source.reader is None or column is None:
        return None
    at = source.reader.sheet.theirs.index(column)
    found: set[int] = set()
    for number in _cells(source, at, limits):
        if not NUMBER.fullmatch(number):
            return None
        found.add(int(number))
    return frozenset(found)


def _cells(source: Source, at: int, limits: Limits) -> Iterable[str]:
    for piece in cut(source, limits):
        rows = () if piece.too_long else parsed(source.delimiter, piece.first_row, read_piece(source, piece))
        yield from (cells[at].strip() if cells and at < len(cells) else "" for _, _, cells in rows)
        yield from [""] * piece.too_long
