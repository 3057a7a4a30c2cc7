"""A file's job from recording to end: sums meet, refused rows are named, errors do what design §6 says."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine

from sandbox.server import Sandbox
from worker import outage
from worker.ledger import decisions, doors, jobs, reports
from worker.ledger.tables import chunks
from worker.processes.process import Process
from worker.runner import files

Report = dict[str, Any]
Record = Callable[..., str]
Move = Callable[[str], Report]


def event(n: int, **changed: Any) -> dict[str, Any]:
    row = {"email": f"p{n}@shop.example.com", "date": "2026-11-01 10:00:00Z", "identifier": "order"}
    return row | {"segments": {"order_id": n}} | changed


def chunk_rows(house: Process, job_id: str) -> list[Any]:
    from sqlalchemy import select

    return house.ledger.read(
        lambda tx: list(tx.execute(select(chunks).where(chunks.c.job_id == job_id).order_by(chunks.c.n)))
    )


def sums_meet(report: Report) -> bool:
    rows = report["rows"]
    parts = ("accepted", "refused", "unsure", "skipped", "pending")
    return bool(rows["total"] == sum(rows[part] for part in parts))


def test_every_row_arrives_once(imported: Record, move: Move, played: Sandbox) -> None:
    report = move(imported(*(event(n) for n in range(1200))))
    assert (report["state"], report["rows"]["accepted"], report["chunks"]["total"]) == ("finished", 1200, 3)
    counts = played.counts()
    assert (counts["distinct"], counts["doubled"], counts["requests"]) == (1200, 0, 3)


def test_broken_rows_are_refused_by_number_and_the_others_go(
    imported: Record, move: Move, played: Sandbox, house: Process
) -> None:
    rows: list[Any] = [event(n) for n in range(6)]
    rows[1] = event(1, date="2026-11-01 10:00:00")
    rows[2] = b"{broken"
    rows[4] = event(4, colour="red")
    job = imported(*rows)
    report = move(job)
    assert report["refused_by"] == {"colour.unknown": 1, "date.naive": 1, "row.json": 1}
    assert (report["rows"]["accepted"], report["state"], sums_meet(report)) == (3, "finished", True)
    named = house.ledger.read(lambda tx: reports.refused_rows(tx, job))
    assert [(row.row, row.code) for row in named] == [(2, "date.naive"), (3, "row.json"), (5, "colour.unknown")]
    assert all(row.reason and row.advice for row in named)


def test_a_chunk_without_one_good_row_makes_no_call(imported: Record, move: Move, played: Sandbox) -> None:
    report = move(imported(b"[]", b"1", b"nonsense"))
    assert (report["rows"]["refused"], report["state"], played.counts()["requests"]) == (3, "finished", 0)


def test_a_lost_answer_is_unsure_and_waits_for_a_person(
    imported: Record, move: Move, played: Sandbox, house: Process
) -> None:
    played.fault("cut", times=1)
    job = imported(*(event(n) for n in range(10)))
    report = move(job)
    assert (report["state"], report["rows"]["unsure"], sums_meet(report)) == ("undecided", 10, True)
    assert "jobs decide" in report["why"]
    house.ledger.write(lambda tx: decisions.decide(tx, job, "was-sent", "me"))
    report = move(job)
    assert (report["state"], report["rows"]["accepted"], played.counts()["requests"]) == ("finished", 10, 1)


@pytest.mark.parametrize(
    ("decision", "accepted", "skipped", "repeated", "requests"),
    [("was-sent", 10, 0, 0, 1), ("send", 10, 0, 0, 2), ("send-again", 10, 0, 10, 2), ("drop", 0, 10, 0, 1)],
)
def test_each_decision_does_what_it_says(
    imported: Record,
    move: Move,
    played: Sandbox,
    house: Process,
    decision: str,
    accepted: int,
    skipped: int,
    repeated: int,
    requests: int,
) -> None:
    played.fault("cut", times=1)
    job = imported(*(event(n) for n in range(10)))
    move(job)
    assert house.ledger.write(lambda tx: decisions.decide(tx, job, decision, "me")) == 1
    report = move(job)
    rows = report["rows"]
    assert (rows["accepted"], rows["skipped"], rows["repeated"]) == (accepted, skipped, repeated)
    assert (report["state"], sums_meet(report), played.counts()["requests"]) == ("finished", True, requests)


def test_the_same_refused_rows_are_named_once_after_a_second_sending(
    imported: Record, move: Move, played: Sandbox, house: Process
) -> None:
    played.fault("cut", times=1)
    job = imported(event(1), b"{broken", event(3))
    report = move(job)
    assert (report["rows"]["unsure"], report["rows"]["refused"]) == (2, 1)
    house.ledger.write(lambda tx: decisions.decide(tx, job, "send", "me"))
    report = move(job)
    assert (report["rows"]["accepted"], report["rows"]["refused"], sums_meet(report)) == (2, 1, True)
    assert len(house.ledger.read(lambda tx: reports.refused_rows(tx, job))) == 1


def test_429_waits_and_counts_no_try(imported: Record, move: Move, played: Sandbox, house: Process) -> None:
    played.fault("status", times=1, status=429, retry_after=30)
    job = imported(event(1))
    report = move(job)
    assert report["rows"]["pending"] == 1
    (chunk,) = chunk_rows(house, job)
    assert (chunk.state, chunk.tries) == ("waiting", 0)
    assert move(job)["rows"]["pending"] == 1
    with time_machine.travel(time.time() + 31):
        assert move(job)["state"] == "finished"


def test_wrong_keys_leave_the_rows_waiting_and_close_the_account(
    imported: Record, move: Move, played: Sandbox, house: Process
) -> None:
    played.fault("status", times=1, status=401)
    job = imported(event(1))
    assert move(job)["rows"]["pending"] == 1
    door = house.ledger.read(lambda tx: doors.get(tx, "omnisense/default"))
    assert door is not None
    assert door.state == "forbidden"
    assert "accounts resume" in door.why
    house.ledger.write(lambda tx: outage.resume(tx, "omnisense/default"))
    assert move(job)["state"] == "finished", "what waited for a person waits no longer"


def test_a_refused_request_refuses_its_rows_as_a_range_with_the_platforms_words(
    imported: Record, move: Move, played: Sandbox, house: Process
) -> None:
    played.fault("status", times=1, status=422, body='{"error": "foo@bar.com is no event"}')
    job = imported(event(1), b"{broken", event(3))
    report = move(job)
    assert report["refused_by"] == {"omnisense.422": 2, "row.json": 1}
    named = house.ledger.read(lambda tx: reports.refused_rows(tx, job))
    whole = next(row for row in named if row.code == "omnisense.422")
    assert (whole.row, whole.last) == (1, 3)
    assert "foo@bar.com" not in whole.reason


def test_an_outage_closes_the_door_and_costs_few_unsure(
    imported: Record, move: Move, played: Sandbox, house: Process
) -> None:
    played.fault("status", status=502)
    job = imported(*(event(n) for n in range(5000)))
    for _ in range(5):
        report = move(job)
    assert report["rows"]["unsure"] == 1000
    assert report["rows"]["pending"] == 4000
    played.clear()
    with time_machine.travel(time.time() + 6):
        report = move(job)
        report = move(job)
    assert (report["rows"]["accepted"], report["rows"]["unsure"], report["state"]) == (4000, 1000, "undecided")


def test_no_connection_is_never_unsure(
    imported: Record, move: Move, house: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker import platforms

    job = imported(*(event(n) for n in range(1500)))
    monkeypatch.setenv("OMNISENSE_BASE_URL", "http://127.0.0.1:1/api/v1")
    platforms.account.cache_clear()
    for _ in range(4):
        report = move(job)
    assert (report["rows"]["unsure"], report["rows"]["pending"]) == (0, 1500)


def test_a_file_changed_in_flight_fails_the_job_and_sends_nothing_wrong(
    imported: Record, move: Move, played: Sandbox, tmp_path: Path, house: Process
) -> None:
    job = imported(*(event(n) for n in range(1000)))
    house.stopping.set()
    row = house.ledger.read(lambda tx: jobs.get(tx, job))
    house.stopping.clear()
    from worker.runner.planner import plan

    plan(house, row, lambda: None)
    source = tmp_path / "events.ndjson"
    data = bytearray(source.read_bytes())
    data[10:12] = b"zz"
    os.utime(source)
    source.write_bytes(data)
    report = move(job)
    assert report["state"] == "failed"
    assert "changed" in report["why"]
    assert "row" in report["why"]
    assert (report["rows"]["skipped"], played.counts()["requests"]) == (1000, 0)
    assert report["skipped_by"] == {"job_failed": 1000}


def test_a_source_that_vanished_fails_the_job_with_a_sentence(imported: Record, move: Move, tmp_path: Path) -> None:
    job = imported(event(1))
    (tmp_path / "events.ndjson").unlink()
    report = move(job)
    assert report["state"] == "failed"
    assert "does not exist" in report["why"]


def test_a_paused_job_sends_nothing_and_a_resumed_one_goes_on(
    imported: Record, move: Move, played: Sandbox, house: Process
) -> None:
    job = imported(*(event(n) for n in range(10)))
    assert house.ledger.write(lambda tx: jobs.pause(tx, job, "by a person"))
    assert move(job)["state"] == "paused"
    assert played.counts()["requests"] == 0
    assert house.ledger.write(lambda tx: jobs.resume(tx, job))
    assert move(job)["state"] == "finished"


def test_a_cancelled_job_skips_what_was_never_sent(imported: Record, move: Move, house: Process) -> None:
    job = imported(*(event(n) for n in range(10)))
    row = house.ledger.read(lambda tx: jobs.get(tx, job))
    from worker.runner.planner import plan

    plan(house, row, lambda: None)
    house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    report = move(job)
    assert (report["state"], report["skipped_by"], sums_meet(report)) == ("cancelled", {"cancelled": 10}, True)


def test_rows_that_grow_when_encoded_are_sent_in_two_requests(imported: Record, move: Move, played: Sandbox) -> None:
    numbers = b'{"email":"a@b.co","date":"2026-11-01 10:00:00Z","identifier":"x","segments":{%s}}'
    values = b",".join(b'"k%d":1E9' % n for n in range(30_000))
    report = move(imported(numbers % values, numbers % values.replace(b"k", b"l")))
    assert (report["rows"]["accepted"], report["state"]) == (2, "finished")
    assert played.counts()["requests"] == 2


def test_a_process_asked_to_leave_claims_nothing_and_gives_back_what_it_holds(
    imported: Record, move: Move, house: Process, played: Sandbox
) -> None:
    job = imported(*(event(n) for n in range(2000)))
    row = house.ledger.read(lambda tx: jobs.get(tx, job))
    from worker.runner.planner import plan

    plan(house, row, lambda: None)
    house.stopping.set()
    files.move(house, house.ledger.read(lambda tx: jobs.get(tx, job)))
    assert {chunk.state for chunk in chunk_rows(house, job)} == {"waiting"}
    assert not any(chunk.suspect for chunk in chunk_rows(house, job))


def test_the_job_wakes_two_lanes_with_its_first_chunks(imported: Record, move: Move, woken: list[str]) -> None:
    job = imported(event(1))
    move(job)
    assert woken[:2] == [job, job]
