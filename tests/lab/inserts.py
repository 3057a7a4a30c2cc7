"""What a callback costs while an import runs: one row and one commit, beside workers who commit all the time."""

from __future__ import annotations

import time

from tests.lab import events
from tests.lab.experiment import Order, Verdict
from tests.lab.goals import Goal
from tests.lab.platform import Platform
from tests.lab.rig import IMPORT, STILL, Rig, rig
from tests.lab.series import LATENCY, PACE, PROCESSES
from worker.ledger import notices
from worker.ledger.ledger import Ledger

ROWS = 200_000
EVERY = 0.01
P99 = 0.020


def inserts(order: Order) -> Verdict:
    """Stored as a callback will be: a notice of its own transaction, every 10 ms from one more process."""
    file = events.write(order.folder / "events.ndjson", order.rows or ROWS)
    platform = Platform(LATENCY)
    try:
        with rig(order.folder / "run", platform.environ, **order.ledger, OMNISENSE_PACE=PACE) as one:
            one.workers.start()
            one.workers.ready()
            taken = sorted(_beside(one, one.ask(file)))
    finally:
        platform.stop()
    p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
    order.keep({"operation": IMPORT, "inserts": len(taken), "p50": p50, "p99": p99, "slowest": taken[-1]})
    note = f"{len(taken)} inserts: p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, slowest {taken[-1] * 1e3:.0f} ms"
    goal = Goal(f"inserts on {order.database} beside an import of {PROCESSES} processes: seconds, p99", p99, P99)
    return Verdict((("callback-like inserts", "1", f"{order.rows or ROWS:,}", *["–"] * 7, note),), (goal,))


def _beside(one: Rig, job: str) -> list[float]:
    """Seconds of each insert, from the order to the job's end."""
    ledger = Ledger(one.told["DATABASE_URL"])
    seconds: list[float] = []
    while one.job(job).state not in STILL:
        began = time.monotonic()
        ledger.write(lambda tx: notices.announce(tx, "lab.called", str(len(seconds))))
        seconds.append(time.monotonic() - began)
        time.sleep(EVERY)
    ledger.close()
    return seconds
