"""A nightly file that is as it was the night before: no call is made for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.bench.figures import Run
from tests.bench.stand import LONGEST, PACE, sink
from tests.lab import processes
from tests.lab.rig import rig

CHOICE = {"changed_only": True, "unique": ["email"]}


def two_nights(folder: Path, file: Path, rows: int, connection: Any, **words: Any) -> tuple[Run, Run, int]:
    """The first night, the second, and how many requests the second one made."""
    with sink(0.0) as platform, rig(folder, connection(platform.url), OMNISENSE_PACE=PACE, LOG_LEVEL="WARNING") as one:
        one.workers.start()
        one.workers.ready()
        first = _night(one, file, rows, "the first night", "accepted", {"key": "first", **words})
        before = platform.told()["requests"]
        second = _night(one, file, rows, "the second, unchanged", "skipped", {"key": "second", **words})
        return first, second, platform.told()["requests"] - before


def _night(one: Any, file: Path, rows: int, name: str, what: str, words: dict[str, Any]) -> Run:
    pids = one.workers.pids()
    busy, began = processes.cpu(pids), time.perf_counter()
    job = one.ask(file, **words)
    state = one.still(job, LONGEST)
    wall = time.perf_counter() - began
    found = one.report(job)["rows"]
    assert (state, found[what]) == ("finished", rows), f"the job is {state}: {found}"
    return Run(f"(i) {name}", rows, wall, processes.cpu(pids) - busy, tuple(map(processes.peak, pids[1:])))
