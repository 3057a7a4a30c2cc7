"""What an experiment is given and what it gives back, and how that stands in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.lab.goals import Goal

Record = dict[str, Any]
HEADS = ("fault", "runs", "rows", "ok", "refused", "unsure", "lost", "doubled", "unsure chunks", "goes on after s", "")
WIDTHS = (34, 5, 10, 10, 8, 8, 6, 8, 14, 18, 0)


@dataclass(frozen=True)
class Order:
    """`folder` is the experiment's own; `runs` and `rows` of None are the experiment's own counts. `keep` gets each
    run's record as it comes. `full`: whole windows and all of the time, where an experiment is short by default."""

    folder: Path
    seed: int
    keep: Callable[[Record], None]
    runs: int | None = None
    rows: int | None = None
    database: str = "sqlite"
    full: bool = False

    @property
    def machines(self) -> int:
        """SQLite is shared by the processes of one machine alone."""
        return 1 if self.database == "sqlite" else 2

    @property
    def ledger(self) -> dict[str, Any]:
        """What a rig is told of it."""
        return {"database": self.database, "machines": self.machines}


@dataclass(frozen=True)
class Verdict:
    """Lines of the table, and the goals they are held to."""

    lines: tuple[tuple[str, ...], ...]
    goals: tuple[Goal, ...]


def line(fault: str, rows: int, records: Sequence[Record], note: str = "") -> tuple[str, ...]:
    """One fault, summed over its runs; `ok` and the like are rows before anybody decided anything."""
    sums = [f"{total(records, name):,}" for name in ("accepted", "refused", "unsure", "lost", "doubled")]
    each = [record["unsure_chunks"] for record in records if "unsure_chunks" in record]
    unsure = f"{min(each)}–{max(each)}" if each else "–"
    waits = [record["to_go_on"] for record in records if record.get("to_go_on") is not None]
    waited = f"{median(waits):.1f} (≤ {max(waits):.1f})" if waits else "–"
    return (fault, str(len(records)), f"{rows * len(records):,}", *sums, unsure, waited, note)


def text(cells: Sequence[str]) -> str:
    """The first cell to the left, figures to the right."""
    middle = (cell.rjust(width) for cell, width in zip(cells[1:-1], WIDTHS[1:-1], strict=True))
    return f"{cells[0]:{WIDTHS[0]}}{' '.join(middle)}  {cells[-1]}".rstrip()


def total(records: Iterable[Record], name: str) -> int:
    return sum(record.get(name) or 0 for record in records)


def promises(fault: str, records: Sequence[Record]) -> tuple[Goal, ...]:
    """What holds whatever is struck: nothing lost, nothing doubled in silence, no false word, an end by itself."""
    stuck = [record for record in records if record.get("stuck")]
    apart = [record for record in records if not record.get("stuck") and not record["sums_meet"]]
    return (
        Goal(f"{fault}: rows lost", total(records, "lost"), 0),
        Goal(f"{fault}: rows doubled without being reported", total(records, "doubled"), 0),
        Goal(f"{fault}: rows refused or skipped that were taken", total(records, "denied"), 0),
        Goal(f"{fault}: unsure chunks of which a part was taken", total(records, "torn"), 0),
        Goal(f"{fault}: jobs that did not end by themselves", len(stuck), 0),
        Goal(f"{fault}: jobs whose sums did not meet once decided", len(apart), 0),
        Goal(f"{fault}: rows doubled in the end", total(records, "doubled_in_the_end"), 0),
    )
