"""Checks rows and payloads before any call: what passes is encoded and sent, what doesn't is refused with reasons.

A shape (marshmallow) is the one truth and writes the reasons. A pre-check may accept rows faster (design §7); where
it can't vouch for a whole chunk, halves of it are tried, so that one bad row does not send all others the slow way.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from marshmallow import Schema, ValidationError

from worker.checking.reasons import as_one, reasons
from worker.facts.rows import Brief, Rows
from worker.operation import JSON, Limits
from worker.outcome import Refusal
from worker.sources.piece import Stretch, line_limit
from worker.sources.read_back import read_piece, rows_of
from worker.sources.read_rows import ReadRows
from worker.sources.source import Source

FEW = 8

WRONG = {
    "row.utf8": ("It is not valid UTF-8.", "Write the file in UTF-8."),
    "row.nul": ("It holds a NUL byte.", "Remove the byte; the file may be damaged."),
    "row.json": ("It is not valid JSON.", "Write each row as one JSON object on a line of its own."),
    "row.surrogate": ("It holds one half of a surrogate pair, which is no character.", "Repair or remove the text."),
    "row.nan": ("It holds NaN or Infinity, which JSON does not have.", "Give a number, or null."),
    "row.number": ("It holds a number that is too large.", "Give a smaller number, or write it as a string."),
    "row.not_object": ("It is not a JSON object.", "Write each row as an object with named fields."),
    "row.too_deep": ("It is nested too deeply.", "Write it flat."),
    "text.nul": ("A text in it holds the character U+0000.", "Remove the character."),
}


@dataclass(frozen=True)
class Checked:
    """What may be sent, in order, with the numbers of these rows, and why the others may not."""

    rows: Sequence[Any] = field(default=(), repr=False)
    refusals: Sequence[Refusal] = field(default_factory=list)
    numbers: Sequence[int] = field(default=(), repr=False)


class _Malformed(Exception):
    """Not a JSON object that could be sent; its text is one of the codes in WRONG."""


def check_piece(source: Source, piece: Stretch, rows: Rows, brief: Brief | None = None) -> Checked:
    """Read a piece back, and check its rows. Raises `SourceChanged`."""
    return check_taken(source, rows_of(source, piece, read_piece(source, piece)), rows, brief)


def check_taken(source: Source, taken: ReadRows, rows: Rows, brief: Brief | None = None) -> Checked:
    """Check rows that were read back, and fit them to their job's `brief`."""
    checked = _check_cells(taken, rows, brief) if brief else check_lines(taken.numbers, taken.lines, rows)
    said = map(source.reader.advise, checked.refusals) if source.reader else checked.refusals
    refusals = [*taken.refusals, *said]
    return replace(checked, refusals=sorted(refusals, key=lambda refusal: refusal.row))


def _check_cells(taken: ReadRows, rows: Rows, brief: Brief) -> Checked:
    """By the cells of the rows where that is enough, else by their lines: of halves, down to a few."""
    if taken.cells is None or rows.cells is None or rows.cells.precheck is None or not taken.cells:
        return _fitted(check_lines(taken.numbers, taken.lines, rows), rows.fit, brief)
    sent = rows.cells.precheck(taken.cells, brief)
    if sent is not None:
        return Checked(sent, [], taken.numbers)
    if len(taken.numbers) <= FEW:
        return _fitted(check_lines(taken.numbers, taken.lines, rows), rows.fit, brief)
    first, second = taken.halves()
    return _joined(_check_cells(first, rows, brief), _check_cells(second, rows, brief))


def _joined(first: Checked, second: Checked) -> Checked:
    return Checked([*first.rows, *second.rows], [*first.refusals, *second.refusals], [*first.numbers, *second.numbers])


def check_lines(numbers: Sequence[int], lines: Sequence[bytes], rows: Rows) -> Checked:
    """Check the raw lines of a chunk. Each is either in `rows` or has exactly one refusal, with all its reasons."""
    return _check_fast(numbers, lines, rows) if rows.precheck else _check_slowly(numbers, lines, rows)


def _fitted(checked: Checked, fit: Callable[[JSON, Brief], Any] | None, brief: Brief) -> Checked:
    if fit is None:
        return checked
    fitted: list[Any] = []
    numbers: list[int] = []
    refusals = list(checked.refusals)
    for number, row in zip(checked.numbers, checked.rows, strict=True):
        try:
            fitted.append(fit(row, brief))
            numbers.append(number)
        except ValidationError as error:
            refusals.append(as_one(list(reasons(number, error.messages))))
    return Checked(fitted, refusals, numbers)


def check_payload(payload: Any, schema: type[Schema]) -> tuple[JSON | None, list[Refusal]]:
    """The payload of a single call as it may be sent, or every reason why it may not."""
    codes = _payload_faults(payload)
    refusals = [_refusal(1, code) for code in codes]
    if {"row.not_object", "row.too_deep", "row.json"}.intersection(codes):
        return None, refusals
    try:
        loaded: JSON = _shape(schema).load(payload)
    except ValidationError as error:
        return None, refusals + list(reasons(1, error.messages))
    return (None, refusals) if refusals else (loaded, [])


def too_long(piece: Stretch, limits: Limits) -> Refusal:
    """Why a line was not even read: no request can carry it."""
    reason = f"The line has {piece.length} bytes; a request can carry rows of {line_limit(limits)} bytes."
    return Refusal(
        piece.first_row, "row.too_long", reason, "Shorten it; perhaps line ends or a closing quote are missing."
    )


def _check_fast(numbers: Sequence[int], lines: Sequence[bytes], rows: Rows) -> Checked:
    taken = rows.precheck(lines) if rows.precheck else None
    if taken is not None:
        return Checked(taken, [], list(numbers))
    if len(lines) <= FEW:
        return _check_slowly(numbers, lines, rows)
    middle = len(lines) // 2
    first, second = (numbers[:middle], lines[:middle]), (numbers[middle:], lines[middle:])
    return _joined(_check_fast(*first, rows), _check_fast(*second, rows))


def _check_slowly(numbers: Sequence[int], lines: Sequence[bytes], rows: Rows) -> Checked:
    shape = _shape(rows.shape)
    loaded: list[Any] = []
    good: list[int] = []
    refusals: list[Refusal] = []
    for number, line in zip(numbers, lines, strict=True):
        try:
            loaded.append(shape.load(_decode(line)))
            good.append(number)
        except _Malformed as error:
            refusals.append(_refusal(number, str(error)))
        except ValidationError as error:
            refusals.append(as_one(list(reasons(number, error.messages))))
    return Checked(loaded, refusals, good)


@functools.cache
def _shape(schema: type[Schema]) -> Schema:
    """Making one costs as much as several rows."""
    return schema()


def _decode(line: bytes) -> JSON:
    """The object that a line is. msgspec reads it on both roads, so that numbers mean the same on both."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise _Malformed("row.utf8") from None
    if "\0" in text:
        raise _Malformed("row.nul")
    try:
        value = msgspec.json.decode(line)
    except RecursionError:
        raise _Malformed("row.too_deep") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _Malformed(_why_not_read(text)) from None
    if not isinstance(value, dict):
        raise _Malformed("row.not_object")
    if "\\u0000" in text and _holds_nul(value):
        raise _Malformed("text.nul")
    return value


def _why_not_read(text: str) -> str:
    """What the standard library takes and msgspec does not, is named; whatever neither takes is no JSON."""
    constants: list[str] = []
    try:
        value = json.loads(text, parse_constant=constants.append, parse_int=str)
    except RecursionError:
        return "row.too_deep"
    except ValueError:
        return "row.json"
    if constants:
        return "row.nan"
    return "row.surrogate" if _holds_surrogate(value) else "row.number"


def _payload_faults(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["row.not_object"]
    try:
        with contextlib.suppress(UnicodeEncodeError):  # named below, with whatever else is wrong
            msgspec.json.encode(payload)
    except RecursionError:
        return ["row.too_deep"]
    except (TypeError, OverflowError):
        return ["row.json"]
    tests = {"text.nul": _holds_nul, "row.surrogate": _holds_surrogate, "row.nan": _holds_nan}
    return [code for code, holds in tests.items() if holds(payload)]


def _holds_nul(value: Any) -> bool:
    return any("\0" in part for part in _parts(value) if isinstance(part, str))


def _holds_surrogate(value: Any) -> bool:
    letters = itertools.chain.from_iterable(part for part in _parts(value) if isinstance(part, str))
    return any("\ud800" <= letter <= "\udfff" for letter in letters)


def _holds_nan(value: Any) -> bool:
    return any(not math.isfinite(part) for part in _parts(value) if isinstance(part, float))


def _parts(value: Any) -> Iterator[Any]:
    """All keys and single values, however deep: without recursion, which a row could exhaust."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            left.extend(itertools.chain(part.keys(), part.values()))
        elif isinstance(part, list | tuple):
            left.extend(part)
        else:
            yield part


def _refusal(number: int, code: str) -> Refusal:
    return Refusal(number, code, *WRONG[code])
