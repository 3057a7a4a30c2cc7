"""One experiment's own folder, Redis, ledger and workers against a platform; and jobs, recorded as a command would."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from celery import Celery
from cryptography.fernet import Fernet
from sqlalchemy import Connection, Row, select

from tests.lab.database import ledger_at
from tests.lab.machines import Machines, site
from tests.lab.redis_server import OwnRedis
from tests.lab.surroundings import bare
from tests.lab.waiting import until
from tests.lab.workers import Workers
from worker import platforms
from worker.ledger import decisions, doors, jobs, owners, posts, reports
from worker.ledger.migrate import migrate
from worker.ledger.tables import chunks
from worker.orders.intake import put
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.settings import SETTINGS, Settings, read
from worker.wake import wake_up

IMPORT = "omnisense.import_user_events"
STILL = ("finished", "undecided", "failed", "cancelled", "paused")


class Rig:
    """`redis` and `workers` can be struck at; the rest asks and looks."""

    def __init__(self, folder: Path, database: str, machines: int, told: Mapping[str, str], *ahead: Path) -> None:
        self.redis = OwnRedis(folder / "redis")
        self.told = {
            "DATABASE_URL": database,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": Fernet.generate_key().decode(),
            "INBOX": str(folder.parent),
            "ALLOW_LOCAL": "1",
            "WORKER_PROCESSES": "2",
            **told,
        }
        migrate(self.told["DATABASE_URL"])
        self.workers = _workers(folder, machines, self.told, ahead)
        self._app = Celery("lab", broker=self.redis.url, set_as_current=True)
        self.own = Process(Settings(read(SETTINGS, self.told)))

    def ask(self, source: Path, operation: str = IMPORT, **words: Any) -> str:
        """Record an import of this file and wake the workers, who may not be there; the job's id."""
        job = put(self.own, read_order(platforms.operation(operation), {"source": str(source), **words}))
        wake_up(job)
        return str(job.id)

    def call(self, operation: str, key: str, payload: Mapping[str, Any], account: str = "default") -> str:
        """Record a call and wake the workers; the job's id. Known already, it is the same job."""
        words = {"payload": payload, "key": key, "account": account}
        job = put(self.own, read_order(platforms.operation(operation), words))
        wake_up(job)
        return str(job.id)

    def rows(self, operation: str, rows: list[Any]) -> str:
        """Record rows that come with the order, and wake the workers; the job's id."""
        job = put(self.own, read_order(platforms.operation(operation), {"rows": rows}))
        wake_up(job)
        return str(job.id)

    def job(self, job_id: str) -> Row[Any]:
        job = self.own.ledger.read(lambda tx: jobs.get(tx, job_id))
        assert job is not None
        return job

    def report(self, job_id: str) -> dict[str, Any]:
        report = self.own.ledger.read(lambda tx: reports.of(tx, job_id))
        assert report is not None
        return report

    def still(self, job_id: str, seconds: float) -> str:
        """Wait until nothing moves the job any more by itself; its state."""

        def state() -> str | None:
            now = str(self.job(job_id).state)
            return now if now in STILL else None

        return str(until(state, seconds, f"the job ends ({self.workers.log})"))

    def chunks(self, job_id: str) -> list[Row[Any]]:
        wanted = select(chunks).where(chunks.c.job_id == job_id).order_by(chunks.c.first_row)
        return self.own.ledger.read(lambda tx: list(tx.execute(wanted)))

    def door(self, account: str) -> str:
        """Why nothing goes for this account; empty when something does."""
        door = self.own.ledger.read(lambda tx: doors.get(tx, account))
        return str(door.why) if door is not None and door.state != "open" else ""

    def decide(self, job_id: str, decision: str, numbers: list[int]) -> None:
        """A person's word on unsure chunks; none for none."""

        def work(tx: Connection) -> int:
            return decisions.decide(tx, job_id, decision, "lab", numbers)

        if numbers:
            self.own.ledger.write(work)
            wake_up(self.job(job_id))

    def at_work(self) -> int:
        """How many worker processes say in the ledger that they live, and do."""
        return sum(not owners.dead(row.id) for row in self.own.ledger.read(posts.living))

    def stop(self) -> None:
        self.workers.stop()
        self.own.ledger.close()
        self._app.close()
        self.redis.stop()


def _workers(folder: Path, machines: int, told: Mapping[str, str], ahead: tuple[Path, ...]) -> Workers | Machines:
    if machines == 1:
        return Workers(folder, bare(*ahead, **told))
    return Machines(folder, bare(*ahead, site(folder), **told), machines)


@contextmanager
def rig(
    folder: Path, platform: Mapping[str, str], *ahead: Path, database: str = "sqlite", machines: int = 1, **told: str
) -> Iterator[Rig]:
    """Everything that was started is ended with the block. `told` goes to the workers' environment."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, platform))
        platforms.account.cache_clear()
        ledger = stack.enter_context(ledger_at(database, folder))
        one = Rig(folder, ledger, machines, {**platform, **told}, *ahead)
        stack.callback(one.stop)
        yield one
