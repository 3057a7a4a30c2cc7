"""How long an opt-out takes from being on disk until the other platforms have taken it: idle, and beside an import that
has the whole of the account's budget."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

import sandbox.server
from sandbox.server import Sandbox
from tests.lab import events
from tests.lab.consent import waits_of
from tests.lab.goals import Goal
from tests.lab.rig import Rig, rig
from tests.lab.surroundings import bare
from tests.lab.waiting import until
from tests.lab.workers import Workers
from worker.ledger import jobs
from worker.people import register
from worker.people.consent import Event
from worker.processes.run import command

MANY, EVERY, END = 40, 0.5, 60.0
IDLE_GOAL, BUSY_GOAL = 2.0, 5.0


def opt_outs(folder: Path, rows: int) -> Iterator[Goal]:
    """p95 of both, held to the goals; all percentiles are told aside."""
    with sandbox.server.start(latency=0.02) as played, _house(folder, played) as one:
        yield _goal("idle", _measured(one, "idle"), IDLE_GOAL)
        file = folder / "events.ndjson"
        events.write(file, rows)
        job = one.ask(file)
        until(lambda: one.report(job)["rows"]["accepted"], END, "the import is under way")
        yield _goal(f"while an import of {rows:,} rows runs", _measured(one, "busy"), BUSY_GOAL)
        assert one.job(job).state in jobs.MOVING, "the import ended before the opt-outs did"


@contextmanager
def _house(folder: Path, played: Sandbox) -> Iterator[Rig]:
    with rig(folder / "rig", played.environment(), LOG_LEVEL="WARNING") as one:
        urgent = Workers(folder, bare(**one.told), command("urgent"))
        try:
            for workers in (one.workers, urgent):
                workers.start()
                workers.ready()
            yield one
        finally:
            urgent.stop()


def _measured(one: Rig, name: str) -> list[float]:
    """Seconds, for each platform that was told."""
    people = [f"{name}{number}@shop.example.com" for number in range(MANY)]
    for whom in people:
        event = Event(whom, "email", "unsubscription", time.time(), "devino/default", "marketing")
        one.own.ledger.write(lambda tx, event=event: register.enter(one.own, tx, event, "bench"))  # type: ignore[misc]
        time.sleep(EVERY)
    found: list[float] = []

    def all_told() -> bool:
        found[:] = [wait for whom in people for wait in one.own.ledger.read(lambda tx, w=whom: waits_of(one, tx, w))]
        return len(found) == 2 * MANY

    until(all_told, END, "every opt-out was taken by both platforms")
    return found


def _goal(when: str, waits: list[float], bound: float) -> Goal:
    ends = quantiles(waits, n=100)
    sys.stdout.write(f"opt-outs {when}: p50 {ends[49]:.2f}, p95 {ends[94]:.2f}, p99 {ends[98]:.2f} s of {len(waits)}\n")
    return Goal(f"opt-out stored → accepted, {when}: p95, seconds", round(ends[94], 2), bound)
