"""`import --dry-run`: reads and checks every row as a worker would, and sends nothing.

It needs neither keys nor a ledger; of the account only its pace. A ledger that is there tells what is unchanged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from worker import platforms
from worker.checking.check import check_payload, check_piece, check_taken, too_long
from worker.cli import show
from worker.cli.foreseen import Foreseen, foreseen
from worker.cli.refused import lines_of as row_numbers
from worker.facts.rows import Brief, Rows
from worker.operation import JSON, Operation, Pace
from worker.outcome import NOBODY, Refusal
from worker.pace import window
from worker.runner.results import Refused
from worker.settings import settings
from worker.sources.cut import cut
from worker.sources.measure import limits_of
from worker.sources.opening import check_begin, open_to_look
from worker.sources.original import Named
from worker.sources.piece import Piece
from worker.sources.read_back import read_piece, rows_of
from worker.sources.source import Source

SHOWN = 20


@dataclass
class Found:
    """What a whole file comes to; of the refused rows only the first ones."""

    rows: int = 0
    refused: int = 0
    requests: int = 0
    refused_by: Counter[str] = field(default_factory=Counter)
    skipped_by: Counter[str] = field(default_factory=Counter)
    first: list[Refusal] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        return self.skipped_by.total()

    @property
    def sent(self) -> int:
        return self.rows - self.refused - self.skipped

    def add(self, rows: int, refusals: Sequence[Refusal], skipped_by: Mapping[str, int] = NOBODY) -> None:
        self.rows += rows
        self.refused += len(refusals)
        self.requests += rows > len(refusals) + sum(skipped_by.values())
        self.refused_by.update(refusal.code for refusal in refusals)
        self.skipped_by.update(skipped_by)
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
    account_id = f"{operation.platform}/{account}"
    warnings = check_begin(Named(file, options, operation.rows), settings())
    with (
        open_to_look(Named(file, options, operation.rows), settings()) as source,
        foreseen(operation, source, options, account_id) as rest,
    ):
        found = look(operation, operation.rows, source, brief_of(options, source, around or {}), rest)
    said = [sentence for sentence in (*warnings, rest.why_not, rest.guard.says()) if sentence]
    content = _content(operation, file, found, said, platforms.account(account_id).pace, rest.guard.pauses)
    show.document(content) if as_json else click.echo(_text(content, found), err=err)
    return 3 if found.refused else 0


def _content(
    operation: Operation, file: str, found: Found, warnings: list[str], pace: Pace, pauses: bool
) -> dict[str, Any]:
    rows = {"total": found.rows, "accepted": found.sent, "refused": found.refused, "skipped": found.skipped}
    return {
        "operation": operation.name,
        "source": file,
        "rows": rows,
        "requests": found.requests,
        "expected_seconds": expected(found.requests, pace),
        "refused_by": dict(sorted(found.refused_by.items())),
        "skipped_by": dict(sorted(found.skipped_by.items())),
        "refused": [asdict(refusal) for refusal in found.first],
        "pauses": pauses,
        "warnings": warnings,
    }


def expected(requests: int, pace: Pace) -> float:
    """Seconds that so many requests take at an account's pace: what one window has room for leaves at once."""
    return max(0, requests - 1) // pace.calls * float(window(pace).get_expiry())


def brief_of(options: Mapping[str, Any], source: Source, around: JSON) -> Brief:
    """What all rows have in common, as far as it is known without an account."""
    return Brief(options, {}, datetime.now(UTC), around, columns=source.columns)


def look(
    operation: Operation, rows: Rows, source: Source, brief: Brief | None = None, rest: Foreseen | None = None
) -> Found:
    """Check every row that would go, a piece at a time."""
    found = Found()
    for piece in cut(source, limits_of(operation, brief.options if brief else {}, source)):
        refusals, skipped_by = _of_piece(operation, rows, source, piece, brief, rest)
        found.add(piece.rows, refusals, skipped_by)
        if rest is not None:
            rest.guard.add(piece.rows, len(refusals))
    return found


def _of_piece(
    operation: Operation, rows: Rows, source: Source, piece: Piece, brief: Brief | None, rest: Foreseen | None
) -> tuple[Sequence[Refusal], Mapping[str, int]]:
    if piece.too_long:
        return [too_long(piece, operation.limits)], NOBODY
    if rest is None or not rest.sifts:
        return check_piece(source, piece, rows, brief).refusals, NOBODY
    left = rest.left(piece, rows_of(source, piece, read_piece(source, piece)))
    return check_taken(source, left.taken, rows, brief).refusals, left.skipped


def _text(content: dict[str, Any], found: Found) -> str:
    rows = content["rows"]
    lines = [
        f"{rows['total']:,} rows: {rows['accepted']:,} would be sent in {found.requests:,} requests, "
        f"{rows['refused']:,} refused{_skipped(content)}. Nothing was sent."
    ]
    if found.requests:
        lines.append(f"At the account's pace that takes {show.span(max(1.0, content['expected_seconds']))} or more.")
    lines += content["warnings"]
    lines += [f"{row_numbers(r.row, r.last):>13}  {r.code:<24}  {r.reason} {r.advice}".rstrip() for r in found.first]
    if found.refused > len(found.first):
        lines.append(f"{'…':>13}  {found.refused - len(found.first):,} more")
    return "\n".join(lines)


def _skipped(content: Mapping[str, Any]) -> str:
    by_code = ", ".join(f"{code} {n:,}" for code, n in content["skipped_by"].items())
    return f", {content['rows']['skipped']:,} skipped ({by_code})" if by_code else ""
