"""`omniworker up` on one machine, from the outside: what an application and an operator see."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from celery.result import AsyncResult
from redis import Redis
from running_house import House, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

CALL = "omnisense.record_user_event"
IMPORT = "omnisense.import_user_events"
CANARY = "canary.4711@secret-shop.example.com"


def payload(address: str = CANARY, **more: Any) -> dict[str, Any]:
    return {"email": address, "user_event": {"identifier": "order", "segments": {"id": "1"} | more}}


def call(house: House, words: dict[str, Any], **options: Any) -> AsyncResult[Any]:
    return house.application().send_task(CALL, kwargs=words, queue="omnisense", **options)


def events(house: House, rows: int, name: str = "events.ndjson", first: int = 0) -> Path:
    path = house.folder / name
    with path.open("w") as file:
        for n in range(first, first + rows):
            row = {"email": f"p{n}@shop.example.com", "date": "2026-11-01 10:00:00Z", "identifier": name}
            file.write(json.dumps(row | {"segments": {"n": n}}) + "\n")
    return path


def test_a_call_from_a_bare_application_is_answered(house: House) -> None:
    found = call(house, {"payload": payload()}).get(timeout=60)
    assert found["state"] == "finished"
    assert found["answer"]["trid"]
    assert found["repeated"] is False


def test_the_same_key_is_the_same_job_and_one_request(house: House) -> None:
    before = house.platform.counts()["requests"]
    first = call(house, {"payload": payload(), "key": "order-1"}).get(timeout=60)
    second = call(house, {"payload": payload(), "key": "order-1"}).get(timeout=60)
    assert first["job"] == second["job"]
    assert house.platform.counts()["requests"] == before + 1


def test_a_message_delivered_twice_is_one_request(house: House) -> None:
    before = house.platform.counts()["requests"]
    first = call(house, {"payload": payload(twice=1)}, task_id="the-same-message")
    first.get(timeout=60)
    call(house, {"payload": payload(twice=1)}, task_id="the-same-message").get(timeout=60)
    house.run("jobs", "list")
    assert house.platform.counts()["requests"] == before + 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"payload": {"user_event": {"identifier": ""}}}, "user_event.identifier.empty"),
        ({"payload": "text"}, "payload.missing"),
        ({"payloads": {}}, "words.unknown"),
        ({"payload": {}, "options": {"speed": 1}}, "options.unknown"),
        ({"payload": {}, "account": "other"}, "not_connected"),
    ],
)
def test_what_is_off_is_refused_with_its_reasons_and_no_request(house: House, words: dict[str, Any], code: str) -> None:
    before = house.platform.counts()["requests"]
    result = call(house, words)
    with pytest.raises(Exception, match=re.escape(code)):
        result.get(timeout=60)
    assert result.state == "FAILURE"
    assert house.platform.counts()["requests"] == before


def test_while_it_waits_it_is_in_retry_and_ends_under_the_same_id(house: House) -> None:
    house.platform.fault("status", times=1, status=429, retry_after=4)
    result = call(house, {"payload": payload(waits=1)})
    until(lambda: result.state == "RETRY")
    assert result.get(timeout=60)["state"] == "finished"


def test_a_lost_answer_is_unsure_at_once_and_a_person_decides(house: House) -> None:
    house.platform.fault("cut", times=1)
    result = call(house, {"payload": payload(unsure=1), "key": "unsure-1"})
    with pytest.raises(Exception, match="lost"):
        result.get(timeout=60)
    job = json.loads(house.run("jobs", "list", "--state", "undecided", "--json").stdout)
    assert job
    shown = house.run("jobs", "unsure")
    assert shown.returncode == 0
    assert "order" not in shown.stdout


def test_links_fire_with_the_result_and_errors_fire_link_error(house: House) -> None:
    app = house.application()
    linked = app.signature(CALL, kwargs={"payload": payload("linked@b.co", second=1)}, queue="omnisense")
    words = {"payload": payload("linked@b.co", first=1)}
    first = app.send_task(CALL, kwargs=words, queue="omnisense", link=[_ignoring(linked)])
    first.get(timeout=60)
    # Both, or the second would still be on its way and take the fault that the next test has prepared for itself.
    until(lambda: house.platform.events("linked@b.co") == 2)


def test_revoked_while_it_waits_it_is_never_sent(house: House) -> None:
    house.platform.fault("status", times=1, status=429, retry_after=6)
    app = house.application()
    result = call(house, {"payload": payload("revoked@b.co"), "key": "revoked"})
    until(lambda: result.state == "RETRY")
    app.control.revoke(result.id)
    until(lambda: result.state == "REVOKED")
    (job,) = until(lambda: [job for job in _listed(house, "cancelled") if job["key"] == "revoked"])
    assert job["skipped_by"] == {"cancelled": 1}
    assert house.platform.events("revoked@b.co") == 0


def _ignoring(signature: Any) -> Any:
    return signature.set(immutable=True)


def test_a_file_is_imported_by_a_command_that_waits(house: House) -> None:
    events(house, 3000)
    done = house.run("import", IMPORT, "events.ndjson", "--wait", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert (report["state"], report["rows"]["accepted"]) == ("finished", 3000)


def test_a_file_of_contacts_goes_in_batches_and_is_told_of(house: House) -> None:
    path = house.folder / "contacts.csv"
    lines = [f"c{n}@shop.example.com,subscribed,2024-05-01 10:00:00Z,blue\n" for n in range(149)]
    undated = "late@shop.example.com,subscribed,,\n"
    path.write_text("".join(["email,status,subscribed_at,colour\n", *lines, undated]))
    words = ("import", "omnisend.import_contacts", "contacts.csv", "--consent-date", "subscribed_at")
    done = house.run(*words, "--wait", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 3, done.stderr
    assert (report["rows"]["accepted"], report["refused_by"]) == (149, {"status.no_consent_date": 1})
    found = house.platform.state("omnisend", email="c7@shop.example.com")
    assert found["contacts"][0]["customProperties"] == {"colour": "blue"}
    assert found["batches"]["items"] == 149


def test_a_file_with_refused_rows_ends_with_3_and_names_them(house: House) -> None:
    path = events(house, 5, "mixed.ndjson", first=900_000)
    path.write_text(path.read_text() + '{"email": "x@y.zz", "date": "yesterday", "identifier": "order"}\n')
    done = house.run("import", IMPORT, str(path), "--wait", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert report["refused_by"] == {"date.invalid": 1}
    named = house.run("jobs", "refused", report["job"])
    assert "date.invalid" in named.stdout
    assert "6" in named.stdout


def test_a_file_ordered_by_an_application_tells_it_when_it_ended(house: House) -> None:
    path = events(house, 700, "ordered.ndjson", first=1_000_000)
    app = house.application()
    steps = [{"task": "shop.imported", "queue": "shop", "kwargs": {"list": "a"}}]
    words = {"source": str(path), "key": "ordered", "then": steps}
    job = app.send_task(IMPORT, kwargs=words, queue="bulk").get(timeout=60)
    client = Redis.from_url(house.redis_url)
    (message,) = until(lambda: client.lrange("shop", 0, -1))
    sent = json.loads(message)
    assert sent["headers"]["task"] == "shop.imported"
    assert house.run("jobs", "show", job).returncode == 0


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere.ndjson", "does not exist"),
        ("/etc/passwd", "outside INBOX"),
        (".", "not a file"),
        ("/dev/zero", "INBOX"),
    ],
)
def test_a_source_that_can_not_be_taken_is_a_sentence(house: House, name: str, sentence: str) -> None:
    done = house.run("import", IMPORT, name)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_flushed_redis_in_mid_import_loses_nothing(house: House) -> None:
    events(house, 15_000, "flushed.ndjson", first=2_000_000)
    before = house.platform.counts()["distinct"]
    house.platform.set_latency(0.05)
    job = house.run("import", IMPORT, "flushed.ndjson", "--json")
    name = json.loads(job.stdout)["job"]
    until(lambda: house.platform.counts()["distinct"] > before + 2000)
    Redis.from_url(house.redis_url).flushall()
    report = until(lambda: _ended(house, name))
    house.platform.set_latency(0.01)
    assert (report["state"], report["rows"]["accepted"]) == ("finished", 15_000)
    assert house.platform.counts()["distinct"] == before + 15_000


def test_a_worker_killed_in_mid_import_loses_nothing_and_comes_back(house: House) -> None:
    events(house, 15_000, "killed.ndjson", first=3_000_000)
    before = house.platform.counts()
    house.platform.set_latency(0.05)
    name = json.loads(house.run("import", IMPORT, "killed.ndjson", "--json").stdout)["job"]
    until(lambda: house.platform.counts()["distinct"] > before["distinct"] + 2000)
    for pid in _workers(house):
        os.kill(pid, signal.SIGKILL)
    report = until(lambda: _ended(house, name), 90)
    house.platform.set_latency(0.01)
    rows = report["rows"]
    assert rows["total"] == 15_000 == rows["accepted"] + rows["unsure"]
    taken = house.platform.counts()
    assert before["distinct"] + rows["accepted"] <= taken["distinct"] <= before["distinct"] + 15_000
    assert taken["doubled"] == before["doubled"]


def test_the_jobs_commands_are_celerys_too(house: House) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "celery", "-A", "worker", "jobs", "list", "--json"]
    done = subprocess.run(command, cwd=house.folder, env=house.environ, capture_output=True, text=True, check=False)
    if "No such command" in done.stderr:
        pytest.skip("the package is not installed, so Celery does not know our commands")
    assert json.loads(done.stdout)


def test_nothing_of_a_payload_is_said_or_left_in_redis(house: House) -> None:
    call(house, {"payload": payload()}, kwargsrepr=f"{{'payload': '{CANARY}'}}").get(timeout=60)
    app = house.application()
    app.send_task("omnisense.no_such_task", kwargs={"payload": payload()}, queue="omnisense")
    until(lambda: any("no_such_task" in line for line in house.said))
    assert not [line for line in house.said if CANARY in line]
    dump = Redis.from_url(house.redis_url)
    kept = [dump.dump(key) for key in dump.scan_iter()]
    assert not [value for value in kept if value and CANARY.encode() in value]
    assert not [path for path in (house.folder / "var").glob("omniworker.db*") if CANARY.encode() in path.read_bytes()]


def test_stopped_it_leaves_nothing_and_starts_again_on_the_same_folder(house: House) -> None:
    pids = _workers(house)
    url = house.redis_url
    assert house.stop() == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    house.start("--only", "worker", "--only", "urgent")
    assert house.redis_url == url


def _listed(house: House, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.run("jobs", "list", "--state", state, "--json").stdout)["jobs"]
    return found


def _ended(house: House, job: str) -> Any:
    report = json.loads(house.run("jobs", "show", job, "--json").stdout)
    return report if report["state"] in ("finished", "undecided", "failed") else None


def _workers(house: House) -> list[int]:
    assert house.process is not None
    children = Path(f"/proc/{house.process.pid}/task/{house.process.pid}/children").read_text().split()
    named = [int(pid) for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert named
    return named
