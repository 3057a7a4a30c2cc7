"""`import --dry-run`: reads and checks every row as a worker would, and sends nothing.

It needs neither keys nor a ledger; of the account only its pace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from worker import platforms
from worker.checking.check import check_payload, check_piece, too_long
from worker.cli import show
from worker.cli.refused import lines_of as row_numbers
from worker.facts.rows import Brief, Rows
from worker.operation import JSON, Operation, Pace
from worker.outcome import Refusal
from worker.pace import window
from worker.runner.results import Refused
from worker.settings import settings
from worker.sources.cut import cut
from worker.sources.measure import limits_of
from worker.sources.opening import check_begin, open_to_look
from worker.sources.original import Named
from worker.sources.piece import Piece
from worker.sources.source import Source

SHOWN = 20


@dataclass
class Found:
    """What a whole file comes to; of the refused rows only the first ones."""

    rows: int = 0
    refused: int = 0
    requests: int = 0
    refused_by: Counter[str] = field(default_factory=Counter)
    first: list[Refusal] = field(default_factory=list)

    def add(self, rows: int, refusals: Sequence[Refusal]) -> None:
        self.rows += rows
        self.refused += len(refusals)
        self.requests += rows > len(refusals)
        self.refused_by.update(refusal.code for refusal in refusals)
        self.first += refusals[: SHOWN - len(self.first)]


def dry_run(
    operation: Operation,
    file: str,
    options: Mapping[str, Any],
    as_json: bool,
    err: bool = False,
    account: str = "default",
    around: JSON | None = None,
) -> int:
    """Print what would become of the file; 3 when rows would be refused, else 0. Raises `SourceRefused`."""
    if operation.rows is None:
        raise click.UsageError(f"{operation.name} is a single call, which has no file: use `omniworker enqueue`.")
    if operation.rows.around and (off := check_payload(around or {}, operation.rows.around)[1]):
        raise Refused.of(off, None)
    warnings = check_begin(Named(file, options, operation.rows), settings())
    with open_to_look(Named(file, options, operation.rows), settings()) as source:
        found = look(operation, operation.rows, source, brief_of(options, source, around or {}))
    content = {
        "operation": operation.name,
        "source": file,
        "rows": {"total": found.rows, "accepted": found.rows - found.refused, "refused": found.refused},
        "requests": found.requests,
        "expected_seconds": expected(found.requests, platforms.account(f"{operation.platform}/{account}").pace),
        "refused_by": dict(sorted(found.refused_by.items())),
        "refused": [asdict(refusal) for refusal in found.first],
        "warnings": warnings,
    }
    show.document(content) if as_json else click.echo(_text(content, found), err=err)
    return 3 if found.refused else 0


def expected(requests: int, pace: Pace) -> float:
    """Seconds that so many requests take at an account's pace: what one window has room for leaves at once."""
    return max(0, requests - 1) // pace.calls * float(window(pace).get_expiry())


def brief_of(options: Mapping[str, Any], source: Source, around: JSON) -> Brief:
    """What all rows have in common, as far as it is known without an account."""
    return Brief(options, {}, datetime.now(UTC), around, columns=source.columns)


def look(operation: Operation, rows: Rows, source: Source, brief: Brief | None = None) -> Found:
    """Check every row, a piece at a time."""
    found = Found()
    for piece in cut(source, limits_of(operation, brief.options if brief else {}, source)):
        found.add(piece.rows, _refusals(operation, rows, source, piece, brief))
    return found


def _refusals(operation: Operation, rows: Rows, source: Source, piece: Piece, brief: Brief | None) -> Sequence[Refusal]:
    if piece.too_long:
        return [too_long(piece, operation.limits)]
    return check_piece(source, piece, rows, brief).refusals


def _text(content: dict[str, Any], found: Found) -> str:
    rows = content["rows"]
    lines = [
        f"{rows['total']:,} rows: {rows['accepted']:,} would be sent in {found.requests:,} requests, "
        f"{rows['refused']:,} refused. Nothing was sent."
    ]
    if found.requests:
        lines.append(f"At the account's pace that takes {show.span(max(1.0, content['expected_seconds']))} or more.")
    lines += content["warnings"]
    lines += [f"{row_numbers(r.row, r.last):>13}  {r.code:<24}  {r.reason} {r.advice}".rstrip() for r in found.first]
    if found.refused > len(found.first):
        lines.append(f"{'…':>13}  {found.refused - len(found.first):,} more")
    return "\n".join(lines)
