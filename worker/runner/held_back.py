"""Rows that stay behind before anybody checks them: said again further down, or unchanged since they were accepted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from worker.ledger.types import Row
from worker.process import Process
from worker.runner.unchanged import unchanged
from worker.sources.cells import Taken
from worker.sources.chosen import Chosen

DUPLICATE, UNCHANGED = "duplicate", "unchanged"


def held_back(
    process: Process, job: Row[Any], chunk: Row[Any], wanted: Chosen, taken: Taken
) -> tuple[Taken, Counter[str]]:
    """The rows that are left, and how many stay behind by which code."""
    skipped: Counter[str] = Counter()
    again = frozenset(json.loads(chunk.stays)) if chunk.stays else frozenset()
    if again:
        taken = _kept(taken, {at for at, number in enumerate(taken.numbers) if number in again}, DUPLICATE, skipped)
    if wanted.changed_only and taken.lines:
        taken = _kept(taken, unchanged(process, job, taken.lines), UNCHANGED, skipped)
    return taken, skipped


def _kept(taken: Taken, places: set[int], code: str, skipped: Counter[str]) -> Taken:
    if not places:
        return taken
    skipped[code] += len(places)
    left = [at for at in range(len(taken.lines)) if at not in places]
    numbers, lines = [taken.numbers[at] for at in left], [taken.lines[at] for at in left]
    return Taken(numbers, lines, taken.refusals)
