"""Turns CSV into the lines of JSON that the same rows would have been, so that one check is made for both.

Cells go on as they are, as texts; an empty cell is a value that was not given. What a cell can't say of itself the
job says: which columns are numbers, and in which time zone dates without an offset are.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from worker.facts.rows import Cells
from worker.operation import JSON
from worker.outcome import Refusal
from worker.sources.formulas import restored
from worker.sources.glance import Lines, is_text, plainly
from worker.sources.piece import Stretch
from worker.sources.read_rows import ReadRows
from worker.sources.sheet import Sheet
from worker.sources.wanted import Wanted

NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")
MINUTES_KEPT = 1 << 14
MOMENTS = {"twice": "two moments", "never": "no moment"}
ZONE_ADVICE = "Or say with --time-zone (the option time_zone) in which zone such dates are, like Europe/Paris."

NO_TEXT = (
    "row.utf8",
    "Some of its bytes are no text in the file's encoding.",
    "Repair them; if the file is not in UTF-8, say --encoding (the option encoding).",
)
BAD_QUOTES = (
    "row.quotes",
    "Its quotes are wrong: a quoted cell goes on after its closing quote, or is never closed.",
    "Double the quotes inside a quoted cell, and close every one.",
)


class _Wrong(Exception):
    """A row that can't be read: code, reason and advice."""


class Reader:
    """Reads the rows of one file, whose columns mean to the operation what `cells` says; `columns` are those sent."""

    def __init__(self, sheet: Sheet, cells: Cells, wanted: Wanted) -> None:
        places = [(at, name) for at, name in enumerate(sheet.names) if name not in wanted.leave_out]
        self.sheet = sheet
        self.columns = tuple(name for _, name in places)
        self.names_once = cells.names_once
        self._defused = wanted.defused
        self._whole = sheet.names.index(wanted.json_column) if wanted.json_column else None
        self._sent_at = [at for at, _ in places] if self._whole is None else [self._whole]
        self._rest = cells.rest or ""
        self._fields = [(at, name) for at, name in places if name in cells.fields or not self._rest]
        self._others = [(at, name) for at, name in places if name not in cells.fields and self._rest]
        self._reads: list[tuple[int, str, Callable[[str, str], Any]]] = [
            (at, name, _number) for at, name in places if name in wanted.numbers
        ]
        if wanted.time_zone:
            self._reads += [(at, name, _in_zone(wanted.time_zone)) for at, name in places if name in cells.moments]
        as_they_are = not (self._reads or self._defused or wanted.json_column or wanted.leave_out)
        self._glances = as_they_are and cells.precheck is not None
        self._naive = () if wanted.time_zone else tuple(f"{name}.naive" for name in cells.moments)

    def rows(self, piece: Stretch, data: bytes) -> ReadRows:
        """Each row of the piece either as a line or refused."""
        if not (self._glances and is_text(data)):
            return ReadRows(*self._sorted(piece, data, self._line))
        plain = plainly(self.sheet.delimiter, len(self.sheet.names), piece, data)
        if plain is not None:
            numbers = range(piece.first_row, piece.first_row + piece.lines)
            return ReadRows(numbers, Lines(plain, self._line), (), plain)
        found, cells, refusals = self._sorted(piece, data, self._sound)
        return ReadRows(found, Lines(cells, self._line), refusals, cells)

    def _sorted(
        self, piece: Stretch, data: bytes, read: Callable[[list[str] | None], Any]
    ) -> tuple[list[int], list[Any], list[Refusal]]:
        """The numbers of rows that can be `read`, what they are then, and why others can't."""
        numbers: list[int] = []
        rows: list[Any] = []
        refusals: list[Refusal] = []
        for number, last, cells in parsed(self.sheet.delimiter, piece.first_row, data):
            try:
                rows.append(read(cells))
                numbers.append(number)
            except _Wrong as wrong:
                code, reason, advice = wrong.args
                refusals.append(Refusal(number, code, reason, advice, last if last > number else None))
            except UnicodeEncodeError:
                refusals.append(Refusal(number, *NO_TEXT))
        return numbers, rows, refusals

    @property
    def holds_json(self) -> bool:
        """Whether each row stands in one of its cells, as JSON."""
        return self._whole is not None

    def lines(self, begin: bytes) -> Iterator[bytes]:
        """The rows of the file's beginning as lines, as far as they can be read."""
        for _, _, cells in parsed(self.sheet.delimiter, 1, begin):
            with contextlib.suppress(_Wrong, UnicodeEncodeError):
                yield self._line(cells)

    def advise(self, refusal: Refusal) -> Refusal:
        """A date that lacks its offset is nobody's mistake where a whole file lacks them."""
        if refusal.code not in self._naive:
            return refusal
        return Refusal(refusal.row, refusal.code, refusal.reason, f"{refusal.advice} {ZONE_ADVICE}", refusal.last)

    def _sound(self, cells: list[str] | None) -> list[str]:
        if cells is None:
            raise _Wrong(*BAD_QUOTES)
        if len(cells) != len(self.sheet.names):
            raise _Wrong(*_ragged(len(cells), len(self.sheet.names)))
        return cells

    def _line(self, found: list[str] | None) -> bytes:
        cells = self._sound(found)
        if self._defused:
            cells = list(map(restored, cells))
        if self._whole is not None:
            return cells[self._whole].encode("utf-8", "surrogateescape")
        return msgspec.json.encode(self._row(cells))

    def sent(self, cells: Sequence[str]) -> list[str]:
        """Of the cells of a row, those that are sent, as they are sent."""
        return [restored(cells[at]) if self._defused else cells[at] for at in self._sent_at]

    @property
    def theirs(self) -> tuple[str, ...]:
        """What the file calls the columns that are sent."""
        return tuple(self.sheet.theirs[at] for at in self._sent_at)

    def _row(self, cells: list[str]) -> JSON:
        values: list[Any] = cells
        for at, name, read in self._reads:
            if cells[at]:
                values[at] = read(name, cells[at])
        row: JSON = {name: values[at] for at, name in self._fields if values[at] != ""}
        if rest := {name: values[at] for at, name in self._others if values[at] != ""}:
            row[self._rest] = rest
        return row


def parsed(delimiter: str, first: int, data: bytes) -> Iterator[tuple[int, int, list[str] | None]]:
    """Each row's first and last line and its cells, which are None where its quotes are wrong."""
    text = io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        if cells != []:
            yield first + before, first + reader.line_num - 1, cells
        before = reader.line_num


def _ragged(found: int, wanted: int) -> tuple[str, str, str]:
    cells = "1 cell" if found == 1 else f"{found} cells"
    advice = "Give every row as many; a delimiter inside a cell needs quotes around the cell."
    return "row.cells", f"It has {cells}, the header has {wanted}.", advice


def _number(name: str, cell: str) -> int | float:
    text = cell.strip()
    if NUMBER.fullmatch(text):
        value = int(text) if text.lstrip("+-").isdigit() else float(text)
        if math.isfinite(value):
            return value
    raise _Wrong(
        f"{name}.number",
        f"{name} is not a number.",
        "Write digits with a point, like 1250.50, or leave the cell empty.",
    )


def _in_zone(zone: tzinfo) -> Callable[[str, str], str]:
    """Gives a date and time without an offset the one that the zone had; what is no such date stays as it is."""

    def read(name: str, cell: str) -> str:
        try:
            when = datetime.fromisoformat(cell)
        except ValueError:
            return cell
        if when.tzinfo is not None or not ("T" in cell or " " in cell):
            return cell
        try:
            return _offset(name, when, zone)
        except OverflowError:  # within a day of the first or the last year there is
            return cell

    return read


def _offset(name: str, when: datetime, zone: tzinfo) -> str:
    offset, code = _clock(when.replace(second=0, microsecond=0), zone)
    if code:
        raise _Wrong(
            f"{name}.{code}",
            f"{name} is {MOMENTS[code]} in {zone}, where the clock was changed then.",
            "Write its offset from UTC, as in 2026-10-25 02:30:00+02:00.",
        )
    return f"{(when - offset).isoformat(' ')}Z"


@functools.lru_cache(maxsize=MINUTES_KEPT)
def _clock(minute: datetime, zone: tzinfo) -> tuple[timedelta, str]:
    """How far the zone was ahead of UTC, unless its clocks showed this minute twice, or never."""
    first, second = (minute.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    offset = first.utcoffset() or timedelta()
    if offset == second.utcoffset():
        return offset, ""
    shown = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == minute
    return offset, "twice" if shown else "never"
