"""A ledger and a clock of the test's own; jobs are recorded, and ended by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet

from schedules import start
from schedules.look import look_at
from schedules.schedule import Schedule
from worker import platforms
from worker.ledger import jobs, slots
from worker.ledger.types import Row
from worker.processes.process import Process
from worker.settings import settings

CALL = "omnisense.record_user_event"
FILE = "omnisense.import_user_events"
NOON = dt.datetime(2026, 11, 26, 12, 0, 30, tzinfo=dt.UTC)


@pytest.fixture
def told(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ("API_KEY", "MASTER_KEY", "ADMIN_EMAIL", "ADMIN_TOKEN")
    values = {f"OMNISENSE_{name}": "x" for name in keys} | {"OMNISENSE_BASE_URL": "http://127.0.0.1:9/api/v1"}
    values |= {"DATABASE_URL": database_url, "SECRET_KEY": Fernet.generate_key().decode(), "INBOX": str(tmp_path)}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "wake_up", lambda _job, _times=1: True)
    platforms.account.cache_clear()


@pytest.fixture
def own(told: None) -> Iterator[Process]:
    made = Process(settings())
    yield made
    made.ledger.close()
    platforms.account.cache_clear()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


def call(name: str = "minutely", cron: str = "* * * * *", **more: Any) -> Schedule:
    return Schedule(name, cron, CALL, payload=platforms.operation(CALL).example, **more)


def file(name: str = "nightly", cron: str = "* * * * *", source: str = "rows.ndjson", **more: Any) -> Schedule:
    return Schedule(name, cron, FILE, source=source, **more)


def history(own: Process, schedule: Schedule) -> list[Row[Any]]:
    """The oldest first."""
    return own.ledger.read(lambda tx: slots.newest(tx, schedule.name, 100_000))[::-1]


def states(own: Process, schedule: Schedule) -> list[str]:
    return [row.reason or row.state for row in history(own, schedule)]


def finish(own: Process, schedule: Schedule) -> None:
    """Every job that was started is over."""
    running = [row.job_id for row in history(own, schedule) if row.job_state in slots.RUNS]
    own.ledger.write(lambda tx: [jobs.stop(tx, one, "cancelled", "cancelled") for one in running])


@pytest.fixture
def after(own: Process, clock: time_machine.Traveller) -> Callable[..., list[str]]:
    """Let time pass, look, and give back what became of the slots."""

    def step(schedule: Schedule, seconds: float = 0, *, ended: bool = True) -> list[str]:
        clock.shift(seconds)
        if ended:
            finish(own, schedule)
        look_at(own, schedule)
        return states(own, schedule)

    return step
