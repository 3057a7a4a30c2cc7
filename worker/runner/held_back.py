"""Rows that stay behind before anybody checks them: said again further down, or unchanged since they were accepted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from worker.ledger.types import Row
from worker.operation import Operation
from worker.processes.process import Process
from worker.runner.unchanged import Print, prints_for
from worker.sources.chosen import Chosen
from worker.sources.read_rows import ReadRows

DUPLICATE, UNCHANGED = "duplicate", "unchanged"


@dataclass
class Left:
    """The rows that are left, how many stay behind by which code, and what is remembered of those once accepted."""

    taken: ReadRows
    skipped: Counter[str] = field(default_factory=Counter)
    prints: list[Print] = field(default_factory=list)

    def leave(self, numbers: Collection[int], code: str) -> None:
        if not numbers:
            return
        left = [at for at, number in enumerate(self.taken.numbers) if number not in numbers]
        self.skipped[code] += len(self.taken.numbers) - len(left)
        kept = [self.taken.numbers[at] for at in left], [self.taken.lines[at] for at in left]
        self.taken = ReadRows(*kept, self.taken.refusals)


def held_back(
    process: Process, job: Row[Any], operation: Operation, chunk: Row[Any], wanted: Chosen, taken: ReadRows
) -> Left:
    left = Left(taken)
    left.leave(frozenset(json.loads(chunk.stays)) if chunk.stays else (), DUPLICATE)
    prints = prints_for(process, job, operation) if left.taken.lines else None
    if prints is not None:
        found = prints.of(left.taken.numbers, left.taken.lines)
        unchanged = prints.unchanged(found) if wanted.changed_only else frozenset()
        left.leave(unchanged, UNCHANGED)
        left.prints = [one for one in found if one.number not in unchanged]
        prints.forget(left.prints)
    return left
