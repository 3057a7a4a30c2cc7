"""Rows that were checked and stay behind all the same. A sieve says which, and by which code they are skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.checking.check import Checked
from worker.ledger.types import Row
from worker.operation import Operation
from worker.processes.process import Process


@dataclass(frozen=True)
class Sifting:
    """What a sieve looks at: the rows of one chunk, as they would be sent."""

    process: Process
    job: Row[Any]
    operation: Operation
    checked: Checked


# The places of rows in `checked.rows`, and the code why each stays behind.
Sieve = Callable[[Sifting], Mapping[int, str]]

SIEVES: tuple[Sieve, ...] = ()


def sifted(sifting: Sifting) -> tuple[Checked, Counter[str]]:
    """The rows that go, and how many stay behind by which code; of two sieves that hold a row back the first counts."""
    skipped: Counter[str] = Counter()
    for sieve in SIEVES:
        held_back = sieve(sifting)
        skipped.update(held_back.values())
        if held_back:
            sifting = replace(sifting, checked=_without(sifting.checked, held_back))
    return sifting.checked, skipped


def _without(checked: Checked, places: Mapping[int, str]) -> Checked:
    left = [at for at in range(len(checked.rows)) if at not in places]
    rows, numbers = [checked.rows[at] for at in left], [checked.numbers[at] for at in left]
    return replace(checked, rows=rows, numbers=numbers)
