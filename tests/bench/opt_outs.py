"""How long an opt-out takes from being answered 200 until the other platforms have taken it: at several rates, idle,
and beside an import that has what the opt-outs leave of the account's budget.

Budgets are far above what the platforms allow (Omnisend takes 6 calls a second): what is measured is ours.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

from sqlalchemy import func, select

import sandbox.server
from sandbox.devino import Devino
from sandbox.omnisend import Omnisend
from sandbox.omnisense import Omnisense
from sandbox.server import Sandbox
from sandbox.window import Window
from tests.lab import events
from tests.lab.consent import waits_of
from tests.lab.goals import Goal
from tests.lab.rig import Rig, rig
from tests.lab.surroundings import bare
from tests.lab.waiting import until
from tests.lab.workers import Workers
from worker.ledger.receipts import receipts
from worker.ledger.tables import jobs
from worker.processes.embedded import HOST, free_port
from worker.processes.run import command

RATES, SECONDS, END = (2, 40, 100), 10.0, 90.0
SENDERS = 8
IDLE_GOAL, BUSY_GOAL = 2.0, 5.0
PLENTY, FOR_THE_FILE = "1000/s", 60  # calls a second; beside those of the opt-outs
SECRET = "s3cr3t-of-devino"


@dataclass
class House:
    """A whole installation, with its receiver at `port`, and when each opt-out was answered."""

    rig: Rig
    port: int
    stored: dict[str, float] = field(default_factory=dict)


def opt_outs(folder: Path, rows: int) -> Iterator[Goal]:
    """p95 of each rate, held to the goals; all percentiles are told aside."""
    with _house(folder / "idle", OMNISENSE_PACE=PLENTY) as one:
        for rate in RATES:
            yield _goal(f"{rate}/s, idle", _measured(one, f"idle{rate}", rate), IDLE_GOAL)
    file = events.write(folder / "events.ndjson", rows)
    for rate in RATES:
        # Each is told twice: what is on its way to the platform then may undo it.
        with _house(folder / f"busy{rate}", OMNISENSE_PACE=f"{FOR_THE_FILE + 2 * rate}/s") as one:
            job = one.rig.ask(file)
            until(partial(_accepted, one, job), END, "the import is under way")
            words = f"{rate}/s, while an import of {rows:,} rows runs"
            yield _goal(words, _measured(one, f"busy{rate}", rate), BUSY_GOAL)
            yield Goal(f"rows of it that were left then ({rate}/s)", rows - _accepted(one, job), 1, most=False)


@contextmanager
def _house(folder: Path, **told: str) -> Iterator[House]:
    folder.mkdir(parents=True)
    roles = (Omnisense(), Devino(), Omnisend(window=Window(100_000, 1.0)))
    with ExitStack() as stack:
        played: Sandbox = stack.enter_context(sandbox.server.start(roles=roles, latency=0.02))
        told |= {"OMNISEND_PACE": PLENTY, "LOG_LEVEL": "WARNING", "DEVINO_CALLBACK_SECRETS": SECRET}
        told |= {"PORT": str(free_port(HOST, 0))}
        one = stack.enter_context(rig(folder / "rig", played.environment(), **told))
        for name in ("urgent", "web"):
            others = Workers(folder / "rig", bare(**one.told), command(name))
            stack.callback(others.stop)
            others.start()
            others.ready()
        one.workers.start()
        one.workers.ready()
        yield House(one, int(told["PORT"]))


def _accepted(one: House, job: str) -> int:
    return int(one.rig.report(job)["rows"]["accepted"])


def _measured(one: House, name: str, rate: int) -> list[float]:
    """Seconds, for each platform that was told."""
    people = [f"{name}.{number}@shop.example.com" for number in range(int(rate * SECONDS))]
    before, began = _told(one), time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda place: _sender(one, people, place, rate, began), range(SENDERS)))
    until(lambda: _told(one) - before >= 2 * len(people), END, "every opt-out was taken by both platforms")
    own = one.rig.own
    return [
        wait for whom in people for wait in own.ledger.read(lambda tx, w=whom: waits_of(one.rig, tx, w, one.stored[w]))
    ]  # type: ignore[misc]


def _sender(one: House, people: list[str], place: int, rate: int, began: float) -> None:
    connection = HTTPConnection(HOST, one.port, timeout=30)
    for number in range(place, len(people), SENDERS):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        body = json.dumps([{"status": "unsubscribed", "email": people[number], "ts": int(time.time() * 1000)}])
        connection.request("POST", f"/callbacks/devino?secret_key={SECRET}", body)
        with connection.getresponse() as answer:
            answer.read()
            assert answer.status == 200
        one.stored[people[number]] = time.time()
    connection.close()


def _told(one: House) -> int:
    """How often a platform has taken an opt-out for the first time."""
    first = select(receipts.c.who, receipts.c.account).join(jobs, jobs.c.id == receipts.c.job_id)
    first = first.where(jobs.c.finished_at.is_not(None)).distinct()
    return one.rig.own.ledger.read(
        lambda tx: int(tx.execute(select(func.count()).select_from(first.subquery())).scalar_one())
    )


def _goal(when: str, waits: list[float], bound: float) -> Goal:
    ends = quantiles(waits, n=100)
    sys.stdout.write(
        f"opt-outs at {when}: p50 {ends[49]:.2f}, p95 {ends[94]:.2f}, p99 {ends[98]:.2f} s of {len(waits)}\n"
    )
    sys.stdout.flush()
    return Goal(f"opt-out stored → accepted, {when}: p95, seconds", round(ends[94], 2), bound)
