"""The rows of a piece, once they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.outcome import Refusal


@dataclass(frozen=True)
class ReadRows:
    """The rows of a piece as lines of JSON with their numbers, and why others are none; the `cells` of these rows where
    nothing has to be read into them."""

    numbers: Sequence[int]
    lines: Sequence[bytes] = field(repr=False)
    refusals: Sequence[Refusal] = ()
    cells: Sequence[list[str]] | None = field(default=None, repr=False)

    def halves(self) -> tuple[ReadRows, ReadRows]:
        """The first and the second half of the rows, without the refusals."""
        middle = len(self.numbers) // 2
        return self._part(slice(middle)), self._part(slice(middle, None))

    def _part(self, at: slice) -> ReadRows:
        return ReadRows(self.numbers[at], self.lines[at], (), None if self.cells is None else self.cells[at])

    def only(self, wanted: Sequence[int]) -> ReadRows:
        """Those with these numbers."""
        own = frozenset(wanted)
        places = [at for at, number in enumerate(self.numbers) if number in own]
        refusals = [one for one in self.refusals if one.row in own]
        return ReadRows([self.numbers[at] for at in places], [self.lines[at] for at in places], refusals)
