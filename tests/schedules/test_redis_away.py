"""Two hours of a schedule for every minute in which the Redis server is really stopped for ten minutes, and killed once
between a slot's start and its wake-up: no slot runs twice, none is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from celery import Celery
from sqlalchemy import select

from schedules import beat, start
from tests.lab.redis_server import OwnRedis
from tests.schedules.conftest import NOON, call, finish, history
from worker import pace
from worker.ledger import alarms
from worker.ledger.tables import jobs
from worker.processes.process import Process
from worker.settings import settings
from worker.wake import wake_up

# The last test with a database of the run waits for the end of its server, too.
pytestmark = pytest.mark.timeout(300)

MINUTES, EVERY = 120, 30
AWAY = (50, 60)
KILLED = 90
ONE = call(grace=90)
Poke = Callable[[], None]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    made = OwnRedis(tmp_path / "redis")
    yield made
    if made.process.poll() is None:
        made.stop()


@pytest.fixture
def beats(own: Process, redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    """Two processes with a budget on that Redis, whose clock is the machine's whatever the test's is."""
    monkeypatch.setenv("REDIS_URL", redis.url)
    monkeypatch.setattr(
        pace, "time", SimpleNamespace(time=time_machine.escape_hatch.time.time, monotonic=time.monotonic)
    )
    made = [Process(settings()), Process(settings())]
    for number, one in enumerate(made):
        one.owner = f"somebody:{number}"
    yield made
    for one in made:
        one.ledger.close()


@pytest.fixture
def poke(beats: list[Process], redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> Poke:
    """What beat does to both, with wake-ups that go to that Redis."""
    task = beat.LookTask()
    app = Celery("test", broker=redis.url, set_as_current=False)
    monkeypatch.setattr(start, "wake_up", partial(wake_up, app=app))
    monkeypatch.setattr(beat, "declared", lambda: [ONE])

    def both() -> None:
        for one in beats:
            with monkeypatch.context() as patch:
                patch.setattr(beat, "process", lambda one=one: one)
                task.run()

    return both


def test_no_slot_runs_twice_and_none_is_lost(
    own: Process,
    redis: OwnRedis,
    poke: Poke,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    poke()
    seen = time.time()
    for second in range(EVERY, MINUTES * 60 + 1, EVERY):
        clock.shift(EVERY)
        finish(own, ONE)
        if second == AWAY[0] * 60:
            redis.kill()
            before = len(history(own, ONE))
        if second == AWAY[1] * 60:
            assert len(history(own, ONE)) == before, "nothing is looked at while the clock can't be compared"
            redis.start()
        if second == KILLED * 60:
            _dies_before_the_wake_up(redis, monkeypatch)
        poke()
    _each_once(own, seen)
    assert "no schedule was looked at: Error 111" in caplog.text
    assert "could not be woken" in caplog.text


def _dies_before_the_wake_up(redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    real = start.wake_up

    def dying(*words: object) -> bool:
        monkeypatch.setattr(start, "wake_up", real)
        redis.kill()
        woken = bool(real(*words))  # type: ignore[arg-type]
        redis.start()
        return woken

    monkeypatch.setattr(start, "wake_up", dying)


def _each_once(own: Process, seen: float) -> None:
    rows = history(own, ONE)
    due = [slot for slot in range(int(seen) + 1, int(time.time()) + 1) if slot % 60 == 0]
    assert [row.slot for row in rows] == due, "neither run nor recorded, or twice"
    made = own.ledger.read(lambda tx: tx.execute(select(jobs.c.id, jobs.c.key)).all())
    started = [row.job_id for row in rows if row.state == "started"]
    assert sorted(started) == sorted(job.id for job in made), "run twice, or not the slot's"
    assert len({job.key for job in made}) == len(made)
    away = [row for row in rows if AWAY[0] <= (row.slot - NOON.timestamp()) / 60 < AWAY[1]]
    assert [row.reason for row in away] == ["stood_in"] * 8 + [None] * 2, [row.reason for row in away]
    assert {row.state for row in rows if row not in away} == {"started"}
    assert own.ledger.read(alarms.raised) == []
