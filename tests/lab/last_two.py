"""The last two chunks of a job, settled at the same moment: the job has to end each time."""

from __future__ import annotations

import time

from tests.lab.database import ledger_at
from tests.lab.experiment import Order, Verdict
from tests.lab.goals import Goal
from tests.last_two import at_once, job_of_two, processes, settling, states
from worker.ledger.ledger import Ledger
from worker.ledger.migrate import migrate

ROUNDS = 1000


def last_two(order: Order) -> Verdict:
    began, rounds = time.monotonic(), order.runs or ROUNDS
    with ledger_at(order.database, order.folder) as url:
        migrate(url)
        with processes(url, 2) as lanes:
            left = sum(not _ends(lanes, number) for number in range(rounds))
    order.keep({"rounds": rounds, "not_ended": left, "seconds": time.monotonic() - began})
    note = f"{order.database}: {left} jobs did not end"
    goals = (Goal(f"last two on {order.database}, {rounds} times: jobs that did not end", left, 0),)
    return Verdict((("two lanes settle the last two", str(rounds), *["–"] * 8, note),), goals)


def _ends(lanes: list[Ledger], number: int) -> bool:
    job_id, held = job_of_two(lanes[0], number)
    at_once(lanes, *(settling(job_id, one) for one in held))
    return states(lanes[0], job_id) == ("finished", ["done", "done"])
