"""Jobs whose rows don't lie in a plain file: copied first, once, or given with the order."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from sandbox.server import Sandbox
from worker import platforms
from worker.ledger import jobs
from worker.ledger.tables import chunks
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner.planner import plan
from worker.runner.results import Refused
from worker.sources import remote

EVENTS = "omnisense.import_user_events"
Report = dict[str, Any]
Move = Callable[[str], Report]


def table(count: int) -> bytes:
    """CSV of user events."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["email", "date", "identifier", "order_id", "note"])
    writer.writerows([f"p{n}@x.example.com", "2026-11-01 10:00:00Z", "order", n, 'a "b",\nc'] for n in range(count))
    return written.getvalue().encode()


@pytest.fixture
def asked(house: Process) -> Callable[..., str]:
    """Record an order; the job's id."""

    def record(**words: Any) -> str:
        return str(intake.put(house, read_order(platforms.operation(EVENTS), words)).id)

    return record


def job_of(house: Process, job_id: str) -> Any:
    return house.ledger.read(lambda tx: jobs.get(tx, job_id))


def copies(house: Process) -> list[str]:
    folder = Path(house.settings.storage_url)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_packed_table_arrives_from_a_copy_that_is_private(
    asked: Callable[..., str], move: Move, played: Sandbox, house: Process, tmp_path: Path
) -> None:
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(table(1200)))
    job = asked(source="events.csv.gz")
    report = move(job)
    assert (report["state"], report["rows"]["accepted"], played.counts()["distinct"]) == ("finished", 1200, 1200)
    assert copies(house) == [f"{job}.csv"]
    place = Path(house.settings.storage_url)
    assert (place.stat().st_mode & 0o777, (place / f"{job}.csv").stat().st_mode & 0o777) == (0o700, 0o600)


def test_once_there_is_a_copy_the_original_may_go(
    asked: Callable[..., str], move: Move, house: Process, tmp_path: Path
) -> None:
    (tmp_path / "events.json").write_text(json.dumps({"user_events": [_event(n) for n in range(700)]}))
    job = asked(source="events.json")
    plan(house, job_of(house, job), lambda: None)
    (tmp_path / "events.json").unlink()
    assert move(job)["rows"]["accepted"] == 700


def test_a_copy_that_is_lost_stops_the_job_with_a_sentence(
    asked: Callable[..., str], move: Move, house: Process, tmp_path: Path, played: Sandbox
) -> None:
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(table(3)))
    job = asked(source="events.csv.gz")
    plan(house, job_of(house, job), lambda: None)
    (Path(house.settings.storage_url) / f"{job}.csv").unlink()
    report = move(job)
    assert (report["state"], played.counts()["requests"]) == ("failed", 0)
    assert "sealed copy" in report["why"]
    assert "STORAGE_URL" in report["why"]


def test_copying_that_is_interrupted_leaves_nothing_and_begins_again(
    asked: Callable[..., str], move: Move, house: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(table(20_000)))
    job = asked(source="events.csv.gz")
    monkeypatch.setattr("worker.sources.opening.ASK_EVERY", 0.0)
    house.stopping.set()
    plan(house, job_of(house, job), lambda: None)
    house.stopping.clear()
    assert copies(house) == []
    assert job_of(house, job).state == "planning"
    assert move(job)["rows"]["accepted"] == 20_000


def test_a_draft_of_a_killed_process_is_removed_and_never_read(
    asked: Callable[..., str], move: Move, house: Process, tmp_path: Path
) -> None:
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(table(5)))
    job = asked(source="events.csv.gz")
    Path(house.settings.storage_url).mkdir(parents=True)
    (Path(house.settings.storage_url) / f"{job}.csv.0bad.draft").write_bytes(table(5)[:100])
    assert move(job)["rows"]["accepted"] == 5
    assert copies(house) == [f"{job}.csv"]


def test_without_room_for_a_copy_nothing_is_sent(
    asked: Callable[..., str], move: Move, house: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(table(5)))
    monkeypatch.setattr("worker.sources.storage.ROOM_LEFT", 1 << 60)
    report = move(asked(source="events.csv.gz"))
    assert report["state"] == "failed"
    assert "no room" in report["why"]
    assert copies(house) == []


def test_rows_that_grow_when_encoded_are_sent_in_two_requests(
    asked: Callable[..., str], move: Move, played: Sandbox, tmp_path: Path
) -> None:
    """The cutter allows for the names of columns, but not for letters that JSON writes as six."""
    row = b"a@b.co,2026-11-01 10:00:00Z,x," + b"\x01" * 90_000 + b"\n"
    (tmp_path / "events.csv").write_bytes(b"email,date,identifier,note\n" + row * 4)
    report = move(asked(source="events.csv"))
    assert (report["rows"]["accepted"], report["state"]) == (4, "finished")
    assert played.counts()["requests"] > 1


def test_rows_that_were_given_arrive_and_are_sealed_in_the_ledger(
    asked: Callable[..., str], move: Move, house: Process, played: Sandbox
) -> None:
    job = asked(rows=[*(_event(n) for n in range(1100)), {"email": "nobody"}, 7])
    report = move(job)
    assert (report["rows"]["accepted"], report["rows"]["refused"], report["chunks"]["total"]) == (1100, 2, 3)
    assert report["refused_by"] == {"email.invalid": 1, "row.not_object": 1}
    assert played.counts()["distinct"] == 1100
    with house.ledger.engine.connect() as tx:
        stored = b"".join(bytes(row.payload) for row in tx.execute(chunks.select()))
    assert b"shop.example.com" not in stored


def test_rows_that_were_given_are_halved_like_those_of_a_file(
    asked: Callable[..., str], move: Move, played: Sandbox
) -> None:
    numbers = {f"k{n}": 0.000001 for n in range(16_000)}  # 1e-06 as Python writes it, and longer as it is sent
    rows = [_event(n, segments=numbers) for n in range(3)]
    assert move(asked(rows=rows))["rows"]["accepted"] == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"rows": []}, "at least one"),
        ({"rows": {"email": "a@b.co"}}, "list of rows"),
        ({"rows": [{"note": "x" * (1 << 20)}]}, "more than the 1,048,576"),
        ({"rows": [{}], "source": "x"}, "does not know rows"),
        (
            {"rows": [{}], "options": {"format": "csv"}},
            "the options format: it takes changed_only, max_refused, on_unsure",
        ),
        ({"source": "x", "options": {"form": "csv"}}, "the options form: it takes changed_only, defused, "),
        ({"source": "x", "options": {"encoding": "cp1215"}}, "Did you mean"),
        ({"source": "x", "options": {"time_zone": "Europe/Pariss"}}, "Europe/Paris"),
    ],
)
def test_an_order_that_cant_be_followed_is_refused_with_a_sentence(
    words: dict[str, Any], sentence: str, asked: Callable[..., str]
) -> None:
    with pytest.raises(Refused) as refused:
        asked(**words)
    assert sentence in " ".join(refused.value.reasons)


@pytest.fixture
def bucket(house: Process, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket `inbox` of a server on this machine, below whose `in/` jobs may read; its client."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (keys | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    remote._client_for.cache_clear()
    client = boto3.client("s3")
    client.create_bucket(Bucket="inbox")
    house.settings.values["INBOX"] += ",s3://inbox/in/"  # type: ignore[index] # a dictionary, in tests
    yield client
    remote._client_for.cache_clear()
    server.stop()


@pytest.mark.parametrize("storage_url", ["here", "s3://inbox/copies"])
def test_an_object_arrives_from_its_copy_wherever_copies_lie(
    storage_url: str, bucket: Any, asked: Callable[..., str], move: Move, house: Process, tmp_path: Path
) -> None:
    place = str(tmp_path / storage_url) if storage_url == "here" else storage_url
    house.settings.values["STORAGE_URL"] = place  # type: ignore[index]
    for name, content in {"a.csv": table(700), "b.csv.gz": gzip.compress(table(600))}.items():
        bucket.put_object(Bucket="inbox", Key=f"in/{name}", Body=content)
    for name, rows in {"a.csv": 700, "b.csv.gz": 600}.items():
        report = move(asked(source=f"s3://inbox/in/{name}"))
        assert (report["state"], report["rows"]["accepted"]) == ("finished", rows)


def test_an_object_replaced_in_the_middle_stops_the_job(
    bucket: Any, asked: Callable[..., str], move: Move, monkeypatch: pytest.MonkeyPatch, played: Sandbox
) -> None:
    bucket.put_object(Bucket="inbox", Key="in/a.csv", Body=table(1000))
    job = asked(source="s3://inbox/in/a.csv")
    read = remote._read_at

    def replaced(*words: Any) -> bytes:
        begin = read(*words)
        bucket.put_object(Bucket="inbox", Key="in/a.csv", Body=table(1001))
        return begin

    monkeypatch.setattr(remote, "_read_at", replaced)
    report = move(job)
    assert (report["state"], played.counts()["requests"]) == ("failed", 0)
    assert "changed while it was being read" in report["why"]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("s3://inbox/in/missing.csv", "does not exist"),
        ("s3://other/in/a.csv", "outside INBOX"),
        ("s3://inbox/inner/a.csv", "outside INBOX"),
        ("s3://inbox/in/../a.csv", "no address of an object"),
        ("s3://inbox/in/.env", "dot-file"),
        ("https://example.com/a.csv", "only files and s3:// are"),
    ],
)
def test_an_object_that_may_not_be_read_is_refused(
    address: str, sentence: str, bucket: Any, asked: Callable[..., str], move: Move
) -> None:
    report = move(asked(source=address))
    assert report["state"] == "failed"
    assert sentence in report["why"]


def test_storage_that_is_away_costs_time_and_no_job(
    bucket: Any, asked: Callable[..., str], move: Move, house: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_object(Bucket="inbox", Key="in/a.csv", Body=table(3))
    job = asked(source="s3://inbox/in/a.csv")
    here = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    remote._client_for.cache_clear()
    assert move(job)["state"] == "planning"
    monkeypatch.setenv("AWS_ENDPOINT_URL", here)
    remote._client_for.cache_clear()
    monkeypatch.setattr("worker.runner.planner.AFTER_AWAY", 0)
    house.ledger.write(lambda tx: tx.exec_driver_sql("UPDATE jobs SET not_before = 0"))
    assert move(job)["rows"]["accepted"] == 3


def _event(n: int, **changed: Any) -> dict[str, Any]:
    row = {"email": f"p{n}@shop.example.com", "date": "2026-11-01 10:00:00Z", "identifier": "order"}
    return row | {"segments": {"order_id": n}} | changed
