"""A process of the runner's own: a ledger in a file, a real Redis for the budget, the sandbox as the platform.

No Celery: wake-ups are written down instead of being sent, and a test moves a job by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

import sandbox.server
from sandbox.server import Sandbox
from worker import platforms
from worker.housekeeping import sweeper
from worker.ledger import jobs, reports
from worker.orders import intake
from worker.orders.order import read_order
from worker.pace import connect
from worker.processes import process as process_module
from worker.processes.process import Process
from worker.runner import files, flows
from worker.settings import settings

EVENTS = "omnisense.import_user_events"


@pytest.fixture(scope="module")
def played() -> Iterator[Sandbox]:
    with sandbox.server.start() as server:
        yield server


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were woken, in order."""
    names: list[str] = []
    for room in (files, flows, sweeper):
        monkeypatch.setattr(room, "wake_up", lambda job, times=1: names.extend([job.id] * times))
    return names


@pytest.fixture
def house(
    tmp_path: Path,
    redis_url: str,
    database_url: str,
    played: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    woken: list[str],
) -> Iterator[Process]:
    played.reset()
    told = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "INBOX": str(tmp_path)}
    told |= {"SECRET_KEY": Fernet.generate_key().decode(), "OMNISENSE_PACE": "1000/s"} | played.environment()
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    connect(redis_url).flushall()
    platforms.account.cache_clear()
    process_module.process.cache_clear()
    own = Process(settings())
    monkeypatch.setattr(process_module, "process", lambda: own)
    yield own
    own.ledger.close()
    platforms.account.cache_clear()


def event(n: int, **changed: Any) -> dict[str, Any]:
    row = {"email": f"p{n}@shop.example.com", "date": "2026-11-01 10:00:00Z", "identifier": "order"}
    return row | {"segments": {"order_id": n}} | changed


def lines(*rows: Any) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


@pytest.fixture
def imported(house: Process, tmp_path: Path) -> Callable[..., str]:
    """Record an import of these rows (dictionaries, or raw bytes); the job's id."""

    def record(*rows: Any, **words: Any) -> str:
        source = tmp_path / "events.ndjson"
        source.write_bytes(lines(*rows))
        order = read_order(platforms.operation(EVENTS), {"source": str(source), **words})
        return str(intake.put(house, order).id)

    return record


@pytest.fixture
def move(house: Process) -> Callable[..., dict[str, Any]]:
    """Move a job as one wake-up would; its report."""

    def step(job_id: str) -> dict[str, Any]:
        job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
        files.move(house, job)
        return report(house, job_id)

    return step


def report(house: Process, job_id: str) -> dict[str, Any]:
    found = house.ledger.read(lambda tx: reports.of(tx, job_id))
    assert found is not None
    return found
