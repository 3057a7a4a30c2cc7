"""Two hours of a schedule for every minute: two beats, kills anywhere, a clock that jumps, Redis away."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import time_machine
from sqlalchemy import select

from schedules import look as look_module
from schedules import start as start_module
from schedules.look import look
from tests.schedules.conftest import NOON, call, finish, history
from worker.ledger.tables import jobs
from worker.processes.process import Process
from worker.settings import settings

# The last test with a database of the run waits for the end of its server, too.
pytestmark = pytest.mark.timeout(300)

SECONDS = 2 * 3600
BEAT = 10
REDIS_AWAY = range(3000, 3600)
JUMPS = {1200: 2 * 3600, 2400: -2 * 3600, 4800: -2 * 3600, 6000: 2 * 3600}


class Killed(BaseException):
    """The process is gone, wherever it was."""


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Wherever the ledger is written, and right after the job was recorded, a process may die."""
    chance, dead = random.Random(7), []

    def dying(name: str, real: object) -> object:
        def work(*words: object, **more: object) -> object:
            if chance.random() < 0.05:
                dead.append(f"before {name}")
                raise Killed
            result = real(*words, **more)  # type: ignore[operator]
            if chance.random() < 0.05:
                dead.append(f"after {name}")
                raise Killed
            return result

        return work

    for place, name in ((look_module.slots, "record"), (start_module, "record"), (start_module, "wake_up")):
        monkeypatch.setattr(place, name, dying(name, getattr(place, name)))
    monkeypatch.setattr(look_module.slots, "started", dying("started", look_module.slots.started))
    yield dead


def test_no_slot_runs_twice_and_none_is_forgotten(
    own: Process, clock: time_machine.Traveller, deaths: list[str]
) -> None:
    other = Process(settings())
    own.owner, other.owner = "one:1", "two:2"
    one = call(grace=60)
    seen = [NOON.timestamp()]
    for second in range(0, SECONDS, BEAT):
        clock.shift(BEAT + JUMPS.get(second, 0))
        if second not in REDIS_AWAY:
            _beats(own, other, one, seen)
    rows = history(own, one)
    made = own.ledger.read(lambda tx: tx.execute(select(jobs.c.id, jobs.c.key)).all())
    started = [row.job_id for row in rows if row.state == "started"]
    due = {slot for slot in range(int(seen[0]), int(max(seen)) + 1) if slot % 60 == 0}
    assert {row.slot for row in rows} == due, "neither run nor recorded"
    assert len(rows) == len(due)
    assert sorted(started) == sorted(job.id for job in made), "run twice, or not the slot's"
    assert len({job.key for job in made}) == len(made)
    assert all(row.reason and row.why for row in rows if row.state == "missed")
    assert {row.state for row in rows[:-3]} == {"started", "missed"}
    assert len(deaths) > 20
    other.ledger.close()


def _beats(own: Process, other: Process, one: object, seen: list[float]) -> None:
    import time

    finish(own, one)  # type: ignore[arg-type]
    for process in (own, other):
        seen.append(time.time())
        try:
            look(process, [one])  # type: ignore[list-item]
        except Killed:
            continue
