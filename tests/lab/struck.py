"""The experiments that strike at a running import: kills, deploys, a Redis that is wiped or dies."""

from __future__ import annotations

from tests.lab import strikes
from tests.lab.cargo import CONTACTS, PEOPLE
from tests.lab.experiment import Order, Record, Verdict, line, promises
from tests.lab.goals import Goal
from tests.lab.series import Series
from tests.lab.strikes import Strike

ROWS = 50_000
ROWS_IN_BATCHES = 10_000
LEAVE = 25.0


def kills(order: Order) -> Verdict:
    """The whole process tree of the worker side is killed at a random moment, and started again at once."""
    series = Series(order, order.rows or ROWS)
    records = _runs(order, series, strikes.kill_workers, 30)
    beyond = [record["unsure_chunks"] - record["wire"] for record in records if not record["stuck"]]
    wire = [record["wire"] for record in records]
    goals = (
        *promises("kills", records),
        Goal("kills: unsure chunks beyond the calls on the wire", max(beyond, default=0), series.processes),
    )
    note = f"on the wire {min(wire)}–{max(wire)}; undisturbed {series.usual:.1f} s"
    return Verdict((line("SIGKILL of all worker processes", order.rows or ROWS, records, note),), goals)


def parts(order: Order) -> Verdict:
    """The same kills while files of CSV go in forms, which may come twice without harm."""
    rows = order.rows or ROWS * 4
    records = _runs(order, Series(order, rows, cargo=PEOPLE), strikes.kill_workers, 20)
    unsure = sum(record.get("unsure", 0) for record in records)
    again = sum(record.get("again", 0) for record in records)
    goals = (*promises("parts", records), Goal("parts: rows unsure", unsure, 0))
    note = f"{again:,} rows came again, which does no harm"
    return Verdict((line("SIGKILL while parts of CSV go", rows, records, note),), goals)


def batches(order: Order) -> Verdict:
    """The same kills while contacts go in batches, of which the platform tells later."""
    rows = order.rows or ROWS_IN_BATCHES
    records = _runs(order, Series(order, rows, cargo=CONTACTS), strikes.kill_workers, 6)
    unsure = sum(record.get("unsure", 0) for record in records)
    again = sum(record.get("again", 0) for record in records)
    goals = (*promises("batches", records), Goal("batches: rows unsure", unsure, 0))
    note = f"{again:,} rows came again, which does no harm"
    return Verdict((line("SIGKILL while batches are awaited", rows, records, note),), goals)


def sigterm(order: Order) -> Verdict:
    """SIGTERM in mid-import, as a deploy sends it."""
    records = _runs(order, Series(order, order.rows or ROWS), strikes.stop_workers, 20)
    slowest = max(record["took"] for record in records)
    unsure = sum(record.get("unsure_chunks", 0) for record in records)
    goals = (
        *promises("sigterm", records),
        Goal("sigterm: unsure chunks", unsure, 0),
        Goal("sigterm: seconds to leave", slowest, LEAVE),
    )
    note = f"left within {slowest:.1f} s"
    return Verdict((line("SIGTERM to the workers", order.rows or ROWS, records, note),), goals)


def redis(order: Order) -> Verdict:
    """FLUSHALL, and SIGKILL of Redis, which comes back with its data after 1 to 3 seconds."""
    rows = order.rows or ROWS
    series = Series(order, rows, revived=True)
    found = [
        (name, _runs(order, series, strike, 5))
        for name, strike in (("FLUSHALL", strikes.flush_redis), ("SIGKILL of Redis", strikes.kill_redis))
    ]
    goals: list[Goal] = []
    for name, records in found:
        dead = [record for record in records if not record.get("revived")]
        goals += (*promises(name, records), Goal(f"{name}: runs whose workers did not take the next job", len(dead), 0))
    return Verdict(tuple(line(name, rows, records) for name, records in found), tuple(goals))


def _runs(order: Order, series: Series, strike: Strike, usual: int) -> list[Record]:
    records = []
    for number in range(order.runs or usual):
        records.append({"strike": strike.__name__, "run": number + 1, **series.run(strike)})
        order.keep(records[-1])
    return records
