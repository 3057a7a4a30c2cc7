"""What those who share get of it: two jobs of one account, and single calls beside a file that uses up the budget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from tests.lab import events
from tests.lab.distance import ROWS_A_CALL, at_a_distance
from tests.lab.experiment import Order, Record, Verdict
from tests.lab.goals import Goal
from tests.lab.platform import Platform
from tests.lab.rig import Rig
from tests.lab.waiting import until

APART = 1.0
MOST_APART = 0.10
END = 200.0
CALL = "omnisense.record_user_event"
CALLS_ASKED, CALL_EVERY = 20, 2.0
SLOWEST_CALL = 3.0
WINDOWS = {False: (200, 30), True: (400, 60)}


def fair(order: Order) -> Verdict:
    calls, seconds = WINDOWS[order.full]
    bound = _two_jobs(order, "budget", f"{calls}/{seconds}s", rows=2 * calls * ROWS_A_CALL, until_calls=2 * calls)
    busy = _two_jobs(order, "processor", "1000/s", rows=300_000, until_calls=None)
    beside = _calls_beside(order, f"{calls}/{seconds}s", rows=3 * calls * ROWS_A_CALL, until_used=int(calls * 0.95))
    for record in (bound, busy, beside):
        order.keep(record)
    goals = (
        Goal("fair: how far two jobs of one account are apart, bound by the budget", bound["apart"], MOST_APART),
        Goal("fair: the same, bound by the processor", busy["apart"], MOST_APART),
        Goal("fair: seconds of the slowest call beside a file", beside["slowest"], SLOWEST_CALL),
        Goal("fair: calls beside a file that were not delivered", CALLS_ASKED - beside["delivered"], 0),
    )
    return Verdict(
        (
            _line("two jobs, bound by the budget", f"rates {bound['rates']}"),
            _line("two jobs, bound by the processor", f"rates {busy['rates']}"),
            _line("calls beside a file", f"median {beside['median']:.2f} s, slowest {beside['slowest']:.2f} s"),
        ),
        goals,
    )


def _line(name: str, note: str) -> tuple[str, ...]:
    return (name, "1", *["–"] * 8, note)


def _two_jobs(order: Order, bound: str, pace: str, rows: int, until_calls: int | None) -> Record:
    """The second asked for a second after the first."""
    folder = order.folder / bound
    folder.mkdir()
    files = [events.write(folder / f"events-{n}.ndjson", rows, first=n * rows) for n in range(2)]
    with at_a_distance(order, folder, OMNISENSE_PACE=pace) as (one, platform):
        jobs = [one.ask(files[0])]
        time.sleep(APART)
        jobs.append(one.ask(files[1]))
        until(lambda: _enough(one, platform, jobs, until_calls), END, f"two jobs, bound by the {bound}", every=0.3)
        left = [sorted(chunk.settled_at for chunk in one.chunks(job) if chunk.settled_at) for job in jobs]
    rates = _rates(left)
    apart = abs(rates[0] - rates[1]) / max(rates)
    return {"bound_by": bound, "rates": [round(rate, 2) for rate in rates], "apart": round(apart, 3)}


def _enough(one: Rig, platform: Platform, jobs: Sequence[str], calls: int | None) -> bool:
    if calls is not None:
        return platform.requests() >= calls
    return any(one.job(job).state == "finished" for job in jobs)


def _rates(left: Sequence[Sequence[float]]) -> list[float]:
    """Chunks a second of each job, from its first one until the earlier of them stopped."""
    end = min(each[-1] for each in left)
    return [sum(moment <= end for moment in each) / (end - each[0]) for each in left]


def _calls_beside(order: Order, pace: str, rows: int, until_used: int) -> Record:
    """One call every other second, from when the file has nearly used up its first window."""
    folder = order.folder / "calls"
    folder.mkdir()
    file = events.write(folder / "events.ndjson", rows)
    with at_a_distance(order, folder, OMNISENSE_PACE=pace) as (one, platform):
        one.ask(file)
        until(lambda: platform.requests() >= until_used, END, "the file uses up a window", every=0.1)
        asked = []
        for number in range(CALLS_ASKED):
            asked.append(one.call(CALL, f"call-{number}", _event(number)))
            time.sleep(CALL_EVERY)
        until(lambda: all(one.job(job).state == "finished" for job in asked), END, "the calls are delivered", every=0.2)
        took = [one.job(job).finished_at - one.job(job).created_at for job in asked]
    return {"delivered": len(took), "median": median(took), "slowest": max(took), "took": [round(t, 2) for t in took]}


def _event(number: int) -> Record:
    return {
        "email": f"caller{number}@shop.example.com",
        "user_event": {"identifier": "order", "segments": {"n": number}},
    }
