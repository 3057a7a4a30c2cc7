"""`worker.enqueue(…)`: straight into the ledger, from an application in Python."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from cryptography.fernet import Fernet
from redis import Redis

import worker.enqueue
from tests.worker.cli.conftest import KEYS, forget
from worker.ledger import jobs, reports
from worker.ledger.migrate import OldSchema, migrate
from worker.platforms import UnknownOperation
from worker.processes.process import process
from worker.runner.results import Refused
from worker.settings import SettingsError

CALL = "omnisense.record_user_event"
IMPORT = "omnisense.import_user_events"
PAYLOAD = {"email": "a@b.co", "user_event": {"identifier": "order"}}


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a shop's process was told, and an empty ledger; no Redis."""
    told = {"DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}", "SECRET_KEY": Fernet.generate_key().decode()}
    for name, value in (KEYS | told).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    forget()
    migrate(told["DATABASE_URL"])
    yield tmp_path
    process().ledger.close()
    forget()


def job(job_id: str) -> Any:
    return process().ledger.read(lambda tx: jobs.get(tx, job_id))


def test_it_is_on_disk_when_the_call_comes_back_without_any_redis(application: Path) -> None:
    found = process().ledger.read(lambda tx: reports.of(tx, worker.enqueue(CALL, payload=PAYLOAD, key="k")))
    assert found is not None
    assert (found["state"], found["key"], found["chunks"]["waiting"]) == ("running", "k", 1)


def test_a_redis_that_is_away_costs_a_moment_and_nothing_else(
    application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert job(worker.enqueue(CALL, PAYLOAD)).state == "running"


def test_dot_env_of_the_current_folder_is_read_as_the_command_reads_it(
    application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set before it is taken away, so that what `.env` brings is taken away again.
    for name in ("DATABASE_URL", "SECRET_KEY", "DEVINO_API_KEY"):
        monkeypatch.setenv(name, os.environ[name])
        monkeypatch.delenv(name)
    (application / ".env").write_text(
        f"DATABASE_URL=sqlite:///{application / 'ledger.db'}\nSECRET_KEY={Fernet.generate_key().decode()}\n"
        "DEVINO_API_KEY=from-dot-env\nOMNISENSE_API_KEY=not-this-one\n"
    )
    forget()
    assert job(worker.enqueue(CALL, PAYLOAD)).state == "running"
    assert (os.environ["DEVINO_API_KEY"], os.environ["OMNISENSE_API_KEY"]) == ("from-dot-env", "key")


def test_a_dot_env_that_cant_be_read_is_a_sentence_and_records_nothing(application: Path) -> None:
    (application / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        worker.enqueue(CALL, PAYLOAD)


def test_the_same_key_is_the_same_job_and_other_content_is_refused(application: Path) -> None:
    first = worker.enqueue(CALL, PAYLOAD, key="k")
    assert worker.enqueue.enqueue(CALL, PAYLOAD, key="k") == first
    with pytest.raises(Refused, match="key_reused"):
        worker.enqueue(CALL, PAYLOAD | {"email": "other@b.co"}, key="k")


def test_a_file_with_options_and_then_is_recorded_by_its_whole_path(application: Path) -> None:
    steps = [{"task": "shop.imported", "queue": "shop"}]
    found = job(worker.enqueue(IMPORT, source="events.ndjson", options={"on_unsure": "again"}, then=steps))
    assert (found.kind, found.source, found.on_unsure) == ("file", str(application / "events.ndjson"), "again")
    assert "shop.imported" in found.then


@pytest.mark.parametrize(
    ("words", "code", "reasons"),
    [
        ({"payload": {"user_event": {}, "x": 1}}, "user_event.identifier.missing", 3),
        ({"payload": PAYLOAD, "speed": 1, "key": 5}, "words.unknown", 2),
        ({"payload": {"at": object()}}, "words.not_json", 1),
        ({}, "payload.missing", 1),
        ({"source": 3}, "source.invalid", 1),
        ({"source": "a", "then": 3}, "then.invalid", 1),
    ],
)
def test_what_is_off_is_refused_with_every_reason_and_leaves_no_job(
    application: Path, words: dict[str, Any], code: str, reasons: int
) -> None:
    with pytest.raises(Refused) as refused:
        worker.enqueue(CALL, **words)
    assert (refused.value.code, len(refused.value.reasons)) == (code, reasons)
    assert process().ledger.read(jobs.newest) == []


def test_what_can_not_be_written_to_is_a_sentence(application: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownOperation, match="Did you mean"):
        worker.enqueue("omnisense.record_user_evnt", PAYLOAD)
    process().ledger.close()
    forget()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{application / 'nowhere.db'}")
    with pytest.raises(SettingsError, match="There is no ledger"):
        worker.enqueue(CALL, PAYLOAD)
    (application / "nowhere.db").touch()
    with pytest.raises(OldSchema, match="omniworker migrate"):
        worker.enqueue(CALL, PAYLOAD)


def test_it_wakes_a_worker_and_leaves_the_applications_own_celery_alone(
    application: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    before = current_app._get_current_object()  # type: ignore[attr-defined]
    with Redis.from_url(redis_url) as client:
        client.delete("omnisense")
        found = worker.enqueue(CALL, PAYLOAD)
        (message,) = client.lrange("omnisense", 0, -1)
        client.delete("omnisense")
    assert json.loads(base64.b64decode(json.loads(message)["body"]))[:2] == [[], {"wake": found}]
    assert b"a@b.co" not in message
    assert current_app._get_current_object() is before  # type: ignore[attr-defined]


def test_importing_it_sets_up_neither_our_celery_nor_our_logs(application: Path) -> None:
    script = "import sys, worker.enqueue; print('worker.celery' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_server_that_forks_after_its_first_order_goes_on(application: Path) -> None:
    worker.enqueue(CALL, PAYLOAD, key="parent")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if worker.enqueue(CALL, PAYLOAD, key="child") else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert {job(one).key for one in process().ledger.read(jobs.newest)} == {"parent", "child"}
