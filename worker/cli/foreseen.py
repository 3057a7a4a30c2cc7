"""What a dry run foretells of a file's options: which rows would stay behind, by what the ledger knows now, and whether
the job would pause. Nothing is written, and a piece of the file is held at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from worker.cli import office
from worker.cli.sentences import known
from worker.ledger import guarding, keepsakes
from worker.operation import Operation
from worker.people.people import KEY
from worker.runner.held_back import DUPLICATE, UNCHANGED, Left
from worker.runner.unchanged import Prints
from worker.sources.chosen import Chosen, chosen
from worker.sources.identity import Identity
from worker.sources.piece import Piece
from worker.sources.read_rows import ReadRows
from worker.sources.repeats import Repeats
from worker.sources.source import Source


@dataclass
class Guard:
    """Whether a job would pause by `max_refused`: decided once, as `worker/ledger/guarding.py` decides it."""

    most: float | None
    rows: int = 0
    refused: int = 0
    behind: int = 0  # rows that come after the decision

    def add(self, rows: int, refused: int) -> None:
        if self.rows >= guarding.ROWS:
            self.behind += rows
        else:
            self.rows, self.refused = self.rows + rows, self.refused + refused

    @property
    def pauses(self) -> bool:
        return self.most is not None and self.refused > self.most * self.rows and self.behind > 0

    def says(self) -> str | None:
        """None where the job has no such option."""
        if self.most is None:
            return None
        first = f"of the first {self.rows:,} rows {self.refused:,} are refused"
        if not self.behind:
            return f"max_refused ({self.most:.0%}) holds nothing back: {first}, and no request is left behind them."
        return f"max_refused ({self.most:.0%}) {'pauses' if self.pauses else 'does not pause'} the job: {first}."


@dataclass(frozen=True)
class Foreseen:
    """`why_not` says in a sentence why it can't be told what is unchanged."""

    guard: Guard
    repeats: Repeats | None = None
    prints: Prints | None = None
    why_not: str | None = None

    @property
    def sifts(self) -> bool:
        return self.repeats is not None or self.prints is not None

    def left(self, piece: Piece, taken: ReadRows) -> Left:
        """The rows of a piece that would go, and how many stay behind by which code."""
        left = Left(taken)
        left.leave(self.repeats.marked(piece).stays if self.repeats else (), DUPLICATE)
        if self.prints is not None and left.taken.lines:
            found = self.prints.of(left.taken.numbers, left.taken.lines)
            left.leave(self.prints.unchanged(found), UNCHANGED)
        return left


@contextmanager
def foreseen(operation: Operation, source: Source, options: Mapping[str, Any], account: str) -> Iterator[Foreseen]:
    """For a file that is open, whose rows are looked through once more where `unique` wants that."""
    asked = chosen(options)
    prints, why_not = _prints(operation, account, asked) if asked.changed_only else (None, None)
    with closing(Repeats()) as repeats:
        if asked.unique and operation.rows is not None:
            repeats.read(source, operation.limits, Identity(asked.unique, operation.rows), lambda: True)
        yield Foreseen(Guard(asked.most_refused), repeats if asked.unique else None, prints, why_not)


def _prints(operation: Operation, account: str, asked: Chosen) -> tuple[Prints | None, str | None]:
    """None for an account of which nothing was remembered yet."""
    try:
        own = office.for_reading()
        if own.ledger.read(lambda tx: keepsakes.get(tx, KEY)) is None:
            return None, None
        return Prints(own.ledger, own.ledger.read(own.people.key), account, operation, asked), None
    except Exception as error:
        ending = known(error)
        if ending is None:
            raise
        return None, f"What is unchanged can't be told here, so it counts as sent: {ending.message}"
