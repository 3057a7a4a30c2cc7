"""Two machines that share PostgreSQL, Redis and, where it is there, RabbitMQ: what an application sees of them."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from cryptography.fernet import Fernet
from running_house import ROOT, House, until

from sandbox.server import Sandbox
from tests.lab.machines import Machines, site
from tests.own_postgresql import OwnPostgreSQL
from tests.own_rabbitmq import OwnRabbitMQ

pytestmark = [pytest.mark.journey, pytest.mark.postgresql, pytest.mark.timeout(240)]

CALL = "omnisense.record_user_event"
IMPORT = "omnisense.import_user_events"


class Fleet(House):
    """Two machines, and the folder from which commands are given."""

    machines: Machines

    @property
    def redis_url(self) -> str:
        return self.environ["REDIS_URL"]

    def application(self) -> Celery:
        """On RabbitMQ an application has to say one thing more: what kind of queues ours are."""
        broker = self.environ.get("CELERY_BROKER_URL", self.redis_url)
        app = self.application_on(broker)
        app.conf.task_create_missing_queue_type = "classic" if broker == self.redis_url else "quorum"
        return app


@pytest.fixture(scope="module", params=["redis", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, platform: Sandbox, redis_url: str
) -> Iterator[Fleet]:
    server: OwnPostgreSQL = request.getfixturevalue("postgresql")
    folder = tmp_path_factory.mktemp("fleet")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    told = {
        "PYTHONPATH": os.pathsep.join([str(site(folder)), str(ROOT)]),
        "LAB_HOST_NAME": "office",
        "DATABASE_URL": server.database(),
        "REDIS_URL": redis_url,
        "SECRET_KEY": Fernet.generate_key().decode(),
        "OMNISENSE_PACE": "500/s",
        "WORKER_PROCESSES": "1",
        "INBOX": str(folder),
    }
    if request.param == "rabbitmq":
        broker: OwnRabbitMQ = request.getfixturevalue("rabbitmq")
        told["CELERY_BROKER_URL"] = broker.url
    own = Fleet(folder, kept | told | platform.environment(), platform)
    refused = own.run("run", "worker")
    assert "Run `omniworker migrate`" in refused.stderr, refused.stderr
    assert own.run("migrate").returncode == 0
    own.machines = Machines(folder, own.environ, 2)
    own.machines.start()
    own.machines.ready()
    yield own
    own.machines.stop()
    shutil.rmtree(folder)


def payload(address: str, **more: Any) -> dict[str, Any]:
    return {"email": address, "user_event": {"identifier": "order", "segments": {"id": "1"} | more}}


def events(fleet: Fleet, rows: int, name: str) -> Path:
    path = fleet.folder / name
    fixed = {"date": "2026-11-01 10:00:00Z", "identifier": f"{name} {time.time()}"}
    rows_of = (fixed | {"email": f"p{n}@shop.example.com", "segments": {"n": n}} for n in range(rows))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows_of))
    return path


def ended(fleet: Fleet, job: str) -> Any:
    report = json.loads(fleet.run("jobs", "show", job, "--json").stdout)
    return report if report["state"] in ("finished", "undecided", "failed") else None


def test_a_call_from_a_bare_application_is_answered(fleet: Fleet) -> None:
    words = {"payload": payload("call@b.co"), "key": "order-1"}
    found = fleet.application().send_task(CALL, kwargs=words, queue="omnisense").get(timeout=60)
    assert (found["state"], found["repeated"]) == ("finished", False)
    again = fleet.application().send_task(CALL, kwargs=words, queue="omnisense").get(timeout=60)
    assert again["job"] == found["job"]


def test_a_call_that_waits_ends_under_the_same_id(fleet: Fleet) -> None:
    fleet.platform.fault("status", times=1, status=429, retry_after=3)
    result = fleet.application().send_task(CALL, kwargs={"payload": payload("w@b.co", waits=1)}, queue="omnisense")
    until(lambda: result.state == "RETRY")
    assert result.get(timeout=60)["state"] == "finished"


def test_a_file_ordered_by_an_application_is_delivered_and_its_end_is_told(fleet: Fleet) -> None:
    before = fleet.platform.counts()["distinct"]
    path = events(fleet, 3000, "ordered.ndjson")
    steps = [{"task": "shop.imported", "queue": "shop", "kwargs": {}}]
    order = fleet.application().send_task(IMPORT, kwargs={"source": str(path), "then": steps}, queue="bulk")
    report = until(lambda: ended(fleet, order.get(timeout=60)))
    assert (report["state"], report["rows"]["accepted"]) == ("finished", 3000)
    assert fleet.platform.counts()["distinct"] == before + 3000
    told: list[Any] = []
    with fleet.application().connection_for_read() as broker:
        queue = broker.SimpleQueue("shop", queue_opts={"durable": True})
        told.append(queue.get(timeout=60))
        queue.close()
    assert told[0].headers["task"] == "shop.imported"


@pytest.mark.parametrize("struck", ["one machine", "both machines"])
def test_workers_killed_in_mid_import_lose_nothing(fleet: Fleet, struck: str) -> None:
    before = fleet.platform.counts()
    fleet.platform.set_latency(0.05)
    path = events(fleet, 15_000, f"killed-{struck[:3]}.ndjson")
    name = json.loads(fleet.run("import", IMPORT, str(path), "--json").stdout)["job"]
    until(lambda: fleet.platform.counts()["distinct"] > before["distinct"] + 2000)
    machines = fleet.machines.each[:1] if struck == "one machine" else fleet.machines.each
    for machine in machines:
        machine.kill()
    for machine in machines:
        machine.start()
    report = until(lambda: ended(fleet, name), 90)
    fleet.platform.set_latency(0.01)
    rows, taken = report["rows"], fleet.platform.counts()
    assert rows["total"] == 15_000 == rows["accepted"] + rows["unsure"]
    assert before["distinct"] + rows["accepted"] <= taken["distinct"] <= before["distinct"] + 15_000
    assert taken["doubled"] == before["doubled"]


def test_the_doctor_sees_processes_of_both_machines_and_every_queue(fleet: Fleet) -> None:
    words = {"payload": payload("stranded@b.co")}
    fleet.application().send_task(CALL, kwargs=words)  # somebody left out queue=
    checks = {check["name"]: check["says"] for check in json.loads(fleet.run("doctor", "--json").stdout)["checks"]}
    assert "PostgreSQL" in checks["ledger"]
    assert "machine-1" in checks["processes"]
    assert "machine-2" in checks["processes"]
    assert checks["queues"].endswith("waiting.")
    assert f"{CALL} 1 times (queue='omnisense')" in checks["queue celery"]


def test_stopped_in_order_they_leave_within_25_seconds(fleet: Fleet) -> None:
    assert fleet.machines.leave() < 25
    fleet.machines.start()
    fleet.machines.ready()
