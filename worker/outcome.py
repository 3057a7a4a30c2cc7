"""What came of a chunk, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOBODY: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Refusal:
    """Why a row (or the rows `row` to `last`) will never be sent as it is.

    `code` is stable and for programs (`email.missing`), `reason` says what is wrong, `advice` what to do.
    Row numbers count from 1: that of a row is the line on which it begins (the header of CSV is line 1), or its place
    in a JSON document or in rows that were given.
    """

    row: int
    code: str
    reason: str
    advice: str = ""
    last: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The ended state of one chunk. accepted + refused + skipped = the rows of the chunk."""

    accepted: int = 0
    refused: int = 0
    skipped: int = 0
    refused_by: dict[str, int] = field(default_factory=dict)
    skipped_by: dict[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    answer: dict[str, Any] | None = None


def accepted(
    rows: int,
    refusals: Iterable[Refusal] = (),
    answer: dict[str, Any] | None = None,
    skipped_by: Mapping[str, int] = NOBODY,
) -> Outcome:
    """The platform took `rows` rows; `refusals` names those that never went, `skipped_by` counts those left behind."""
    named = tuple(refusals)
    by = dict(Counter(r.code for r in named))
    return Outcome(rows, len(named), sum(skipped_by.values()), by, dict(skipped_by), named, answer)


def refused(rows: int, refusals: Iterable[Refusal], skipped_by: Mapping[str, int] = NOBODY) -> Outcome:
    """None of the `rows` rows went or will go; the last refusal speaks for the rows that no other one names.

    `skipped_by` counts further ones, which were left behind.
    """
    named = tuple(refusals)
    by = Counter(r.code for r in named[:rows])  # one row may have several reasons; it is refused once
    if named:
        by[named[-1].code] += max(0, rows - len(named))
    left = sum(skipped_by.values())
    return Outcome(0, rows, left, {code: n for code, n in by.items() if n}, dict(skipped_by), named)


def skipped(rows: int, code: str) -> Outcome:
    """Nothing was wrong with the rows, and they will not be sent: `cancelled`, `job_failed`, `dropped`."""
    return Outcome(0, 0, rows, {}, {code: rows})
