"""What one run gave, and how it stands in the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

HEADS = ("", "rows", "wall s", "rows/s", "CPU s / 1M rows", "peak MB a process", "")
WIDTHS = (46, 11, 8, 9, 16, 22, 0)


@dataclass(frozen=True)
class Run:
    """`wall` and `cpu` in seconds, `peaks` in MB, one for each process that delivers."""

    name: str
    rows: int
    wall: float
    cpu: float
    peaks: tuple[float, ...]
    note: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.rows / self.wall

    @property
    def cpu_per_million(self) -> float:
        return self.cpu / self.rows * 1e6

    def cells(self) -> Sequence[str]:
        peaks = ", ".join(f"{peak:.0f}" for peak in self.peaks)
        counts = (f"{self.rows:,}", f"{self.wall:.2f}", f"{self.rate:,.0f}", f"{self.cpu_per_million:.2f}")
        return (self.name, *counts, peaks, self.note)

    def record(self) -> dict[str, Any]:
        return {**asdict(self), "rows_per_second": self.rate, "cpu_per_million": self.cpu_per_million}


def row(cells: Sequence[str]) -> str:
    """The first cell to the left, figures to the right."""
    middle = (cell.rjust(width) for cell, width in zip(cells[1:-1], WIDTHS[1:-1], strict=True))
    return f"{cells[0]:{WIDTHS[0]}}{' '.join(middle)}  {cells[-1]}".rstrip()
