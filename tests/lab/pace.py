"""Four processes against a platform that counts a sliding window on arrival: never above it, hardly below it.

The short run halves window and calls, so that the rate, the way to the platform (0 to 50 ms) and our second of margin
stay what they are; `--full` is the window itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.lab import events
from tests.lab.distance import ROWS_A_CALL, at_a_distance
from tests.lab.experiment import Order, Record, Verdict
from tests.lab.goals import Goal
from tests.lab.waiting import until

CALLS, SECONDS = 400, 60
SHORT = 2
PROCESSES = 4
WINDOWS = 3
BEYOND = 3.0  # one call at least has to come after the last whole window
LEAST_USED = 0.95


def pace(order: Order) -> Verdict:
    part = 1 if order.full else SHORT
    calls, seconds = CALLS // part, SECONDS // part
    moments = _arrived(order, calls, seconds, WINDOWS if not order.full else WINDOWS - 1)
    record: Record = {"calls": len(moments), "most": most_in(moments, seconds), "used": used(moments, calls, seconds)}
    order.keep(record)
    goals = (
        Goal(f"pace: most calls in any {seconds} s, by arrival", record["most"], calls),
        Goal("pace: share of the budget that was used while work waited", record["used"], LEAST_USED, most=False),
    )
    note = f"{calls} in {seconds} s: at most {record['most']} arrived, {record['used']:.1%} used"
    return Verdict((("4 processes, one budget", "1", f"{len(moments):,}", *["–"] * 7, note),), goals)


def _arrived(order: Order, calls: int, seconds: int, windows: int) -> list[float]:
    """When each call arrived, while there was more work than budget."""
    file = events.write(order.folder / "events.ndjson", (windows + 2) * calls * ROWS_A_CALL)
    told = {"WORKER_PROCESSES": str(PROCESSES), "OMNISENSE_PACE": f"{calls}/{seconds}s"}
    with at_a_distance(order, order.folder, **told) as (one, platform):
        one.ask(file)
        until(platform.requests, seconds, "the first call arrives")
        time.sleep(windows * seconds + BEYOND)
        return platform.arrivals()


def most_in(moments: Sequence[float], seconds: float) -> int:
    """The most of these moments that lie in any window of so many seconds."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def used(moments: Sequence[float], calls: int, seconds: float) -> float:
    """The share of what the platform allows that arrived in as many whole windows as there were."""
    first = moments[0]
    windows = int((moments[-1] - first) / seconds)
    return sum(moment < first + windows * seconds for moment in moments) / (windows * calls)
