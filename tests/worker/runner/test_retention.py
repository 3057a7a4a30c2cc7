"""What of an ended job goes after RETENTION_DAYS, what stays, and what an undecided request keeps."""

from __future__ import annotations

import gzip
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from sqlalchemy import func, select, update

from sandbox.server import Sandbox
from tests.worker.runner.conftest import EVENTS, event, lines, report
from worker import platforms
from worker.housekeeping import retention
from worker.ledger import alarms, jobs, tickets
from worker.ledger.tables import chunks, refusals
from worker.ledger.tables import jobs as jobs_table
from worker.ledger.tables import tickets as tickets_table
from worker.orders import intake
from worker.orders.order import read_order
from worker.people import traces
from worker.processes.process import Process
from worker.runner import call
from worker.sources import remote

CALL = "omnisense.record_user_event"
DAY = 86400.0
Move = Callable[[str], dict[str, Any]]


def age(house: Process, job_id: str, days: float) -> None:
    """As if everything of it had happened so many days sooner."""

    def work(tx: Any) -> None:
        sooner = days * DAY
        tx.execute(
            update(jobs_table)
            .where(jobs_table.c.id == job_id)
            .values(finished_at=jobs_table.c.finished_at - sooner, created_at=jobs_table.c.created_at - sooner)
        )
        tx.execute(update(chunks).where(chunks.c.job_id == job_id).values(sent_at=chunks.c.sent_at - sooner))

    house.ledger.write(work)


def job_of(house: Process, job_id: str) -> Any:
    return house.ledger.read(lambda tx: jobs.get(tx, job_id))


def full(house: Process, job_id: str) -> int:
    """How many of its chunks hold a payload or an answer."""
    which = (chunks.c.job_id == job_id, chunks.c.payload.is_not(None) | chunks.c.answer.is_not(None))
    return int(house.ledger.read(lambda tx: tx.execute(select(func.count(chunks.c.id)).where(*which)).scalar_one()))


def named_refused(house: Process, job_id: str) -> int:
    counted = select(func.count(refusals.c.id)).where(refusals.c.job_id == job_id)
    return int(house.ledger.read(lambda tx: tx.execute(counted).scalar_one()))


@pytest.fixture
def given(house: Process) -> Callable[..., str]:
    """Rows that came with their order."""

    def record(*rows: Any, **words: Any) -> str:
        return str(intake.put(house, read_order(platforms.operation(EVENTS), {"rows": list(rows), **words})).id)

    return record


@pytest.fixture
def asked(house: Process) -> str:
    """A call that was delivered."""
    payload = {"email": "p@shop.example.com", "user_event": {"identifier": "order", "segments": {}}}
    job = intake.put(house, read_order(platforms.operation(CALL), {"payload": payload, "key": "k"}))
    call.move(house, job)
    return str(job.id)


def test_rows_and_refusals_go_and_the_report_stays_as_it_was(
    house: Process, given: Callable[..., str], move: Move
) -> None:
    job = given(*map(event, range(600)), {"identifier": "no address"}, then=[{"task": "t", "queue": "q"}])
    before = move(job)
    assert (full(house, job) > 0, named_refused(house, job)) == (True, 1)
    age(house, job, 31)
    retention.let_go(house)
    assert (full(house, job), named_refused(house, job), job_of(house, job).then) == (0, 0, "[]")
    after = report(house, job)
    changed = {"created_at", "finished_at"}
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}


def test_what_ended_later_stays(house: Process, given: Callable[..., str], move: Move) -> None:
    job = given(event(1), {"identifier": "no address"})
    move(job)
    age(house, job, 29)
    assert retention.let_go(house) is False
    assert (full(house, job), named_refused(house, job), job_of(house, job).let_go_at) == (1, 1, None)


def test_a_large_job_goes_in_small_batches_each_a_transaction(
    house: Process, given: Callable[..., str], move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = given(*({"identifier": "no address"} for _ in range(25)))
    move(job)
    age(house, job, 31)
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 10)
    sizes = []
    write = house.ledger.write

    def measured(work: Any, **how: Any) -> Any:
        before = named_refused(house, job)
        came = write(work, **how)
        sizes.append(before - named_refused(house, job))
        return came

    monkeypatch.setattr(house.ledger, "write", measured)
    retention.let_go(house)
    assert [size for size in sizes if size] == [10, 10, 5]
    assert job_of(house, job).let_go_at is not None


def test_a_call_keeps_its_key_and_says_what_became_of_it(house: Process, asked: str) -> None:
    age(house, asked, 31)
    retention.let_go(house)
    assert full(house, asked) == 0
    payload = {"email": "p@shop.example.com", "user_event": {"identifier": "order", "segments": {}}}
    again = intake.put(house, read_order(platforms.operation(CALL), {"payload": payload, "key": "k"}))
    assert (again.id, again.state) == (asked, "finished")
    found = house.ledger.read(lambda tx: list(tx.execute(select(chunks).where(chunks.c.job_id == asked))))
    assert call._accepted(house, found) == {"job": asked, "state": "finished", "answer": None, "repeated": False}


def test_whom_it_spoke_to_goes_with_what_it_said(house: Process, asked: str) -> None:
    def kept(tx: Any) -> list[Any]:
        who = traces.hashed(house, tx, "p@shop.example.com")
        return traces.traces.of(tx, str(who), 10)

    assert [row.job_id for row in house.ledger.read(kept)] == [asked]
    age(house, asked, 31)
    retention.let_go(house)
    assert house.ledger.read(kept) == []


def test_a_signature_that_nobody_fetched_goes_and_is_not_published_again(house: Process, asked: str) -> None:
    house.ledger.write(lambda tx: tickets.open_held(tx, "task", asked, b"sealed", "somebody", 60))
    age(house, asked, 31)
    retention.let_go(house)
    ticket = house.ledger.read(lambda tx: tx.execute(select(tickets_table)).one())
    assert (ticket.state, ticket.signature) == ("handed", b"")


def test_an_undecided_job_is_kept_whole_for_ninety_days_then_dropped_aloud(
    house: Process, given: Callable[..., str], move: Move, played: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    played.fault("cut", times=1)
    job = given(*map(event, range(10)))
    assert move(job)["state"] == "undecided"
    age(house, job, 89)
    retention.let_go(house)
    assert (full(house, job), report(house, job)["state"]) == (1, "undecided")
    age(house, job, 2)
    with caplog.at_level(logging.ERROR, logger="worker.housekeeping.retention"):
        assert retention.let_go(house) is True
    assert job in caplog.text
    found = report(house, job)
    assert (found["state"], found["rows"]["unsure"], found["skipped_by"]) == ("finished", 0, {"dropped": 10})
    (alarm,) = house.ledger.read(alarms.raised)
    assert (alarm.kind, alarm.subject, "10 requests" not in alarm.sentence) == ("job.dropped", job, True)
    retention.let_go(house)
    assert len(house.ledger.read(alarms.raised)) == 1
    house.ledger.write(lambda tx: tx.execute(update(alarms.alarms).values(since=time.time() - 90_000)))
    retention.let_go(house)
    assert house.ledger.read(alarms.raised) == []


def test_a_cancelled_job_with_an_unsure_request_waits_for_its_decision(
    house: Process, given: Callable[..., str], move: Move, played: Sandbox
) -> None:
    played.fault("cut", times=1)
    job = given(*map(event, range(10)))
    move(job)
    house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    age(house, job, 31)
    retention.let_go(house)
    assert job_of(house, job).let_go_at is None


@pytest.fixture(params=["folder", "bucket"])
def copies(
    request: pytest.FixtureRequest, house: Process, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[], list[str]]]:
    """STORAGE_URL is a folder, or a bucket; the names of what lies there."""
    values: Any = house.settings.values
    if request.param == "folder":
        values["STORAGE_URL"] = str(tmp_path / "copies")
        yield lambda: sorted(path.name for path in (tmp_path / "copies").iterdir())
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (keys | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    remote._client_for.cache_clear()
    client = boto3.client("s3")
    bucket = f"copies-{os.urandom(4).hex()}"  # such a server forgets nothing while its process lives
    client.create_bucket(Bucket=bucket)
    values["STORAGE_URL"] = f"s3://{bucket}/here"
    yield lambda: sorted(entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", []))
    remote._client_for.cache_clear()
    server.stop()


def packed(house: Process, tmp_path: Path, name: str) -> str:
    """A file that has to be copied."""
    source = tmp_path / name
    source.write_bytes(gzip.compress(lines(*map(event, range(5)))))
    return str(intake.put(house, read_order(platforms.operation(EVENTS), {"source": str(source)})).id)


def test_copies_go_from_wherever_they_lie_and_only_those_of_old_jobs(
    house: Process, move: Move, tmp_path: Path, copies: Callable[[], list[str]]
) -> None:
    old, young = (packed(house, tmp_path, name) for name in ("a.ndjson.gz", "b.ndjson.gz"))
    assert (move(old)["state"], move(young)["state"]) == ("finished", "finished")
    assert len(copies()) == 2
    age(house, old, 31)
    retention.let_go(house)
    assert [name.rpartition("/")[2] for name in copies()] == [f"{young}.ndjson"]


def test_a_copy_whose_job_was_never_planned_goes_with_its_drafts(house: Process, tmp_path: Path) -> None:
    house.settings.values["STORAGE_URL"] = str(tmp_path / "copies")  # type: ignore[index]
    job = packed(house, tmp_path, "a.ndjson.gz")
    house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    (tmp_path / "copies").mkdir()
    for name in (f"{job}.ndjson", f"{job}.ndjson.1234.draft", "other.ndjson"):
        (tmp_path / "copies" / name).write_text("x")
    age(house, job, 31)
    retention.let_go(house)
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["other.ndjson"]


def test_a_storage_that_is_away_keeps_the_job_for_the_next_round(
    house: Process, move: Move, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.settings.values["STORAGE_URL"] = str(tmp_path / "copies")  # type: ignore[index]
    job = packed(house, tmp_path, "a.ndjson.gz")
    move(job)
    age(house, job, 31)
    with monkeypatch.context() as away:
        away.setattr(retention, "remove_copies", _raises)
        retention.let_go(house)
    assert job_of(house, job).let_go_at is None
    retention.let_go(house)
    assert job_of(house, job).let_go_at == pytest.approx(time.time(), abs=5)


def _raises(*_: Any) -> None:
    raise OSError("the disk is away")
