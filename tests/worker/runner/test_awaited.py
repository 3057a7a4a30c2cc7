"""Rows that a platform takes first and tells of later: contacts in Omnisend's batches, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sandbox.server import Sandbox
from tests.worker.runner.conftest import lines, report
from worker import outage, platforms
from worker.cli.refused_sheet import write_sheet
from worker.errors import Busy
from worker.ledger import agenda, claims, decisions, jobs, leases, looking, reports
from worker.ledger.tables import chunks as chunks_table
from worker.ledger.tables import jobs as jobs_table
from worker.operation import Pace
from worker.orders import intake
from worker.orders.order import read_order
from worker.pace import connect
from worker.processes.process import Process
from worker.runner import awaiting, books, files

CONTACTS = "omnisend.import_contacts"
CONSENT = "2024-05-01T10:00:00Z"
Report = dict[str, Any]
Put = Callable[..., str]
Move = Callable[[str], Report]


def contact(n: int, **changed: Any) -> dict[str, Any]:
    return {"email": f"c{n}@shop.example.com", "status": "subscribed", "statusDate": CONSENT, "age": n} | changed


@pytest.fixture
def put(house: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Record an import of these contacts; the job's id."""
    monkeypatch.setenv("OMNISEND_PACE", "1000/s")
    platforms.account.cache_clear()

    def record(*rows: Any, **options: Any) -> str:
        source = tmp_path / "contacts.ndjson"
        source.write_bytes(lines(*rows))
        words = {"source": str(source), "options": {"via": "batches", **options}}
        return str(intake.put(house, read_order(platforms.operation(CONTACTS), words)).id)

    return record


@pytest.fixture
def step(house: Process, played: Sandbox) -> Move:
    """Move a job as one wake-up would, with whatever waits for a moment due now; its report."""

    def once(job_id: str) -> Report:
        house.ledger.write(lambda tx: tx.execute(update(chunks_table).values(not_before=0)))
        job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
        files.move(house, job)
        return report(house, job_id)

    return once


@pytest.fixture
def to_the_end(step: Move) -> Move:
    def moved(job_id: str) -> Report:
        for _ in range(20):
            found = step(job_id)
            if found["state"] not in ("planning", "running"):
                return found
        raise AssertionError(found)

    return moved


@pytest.fixture(autouse=True)
def at_once(house: Process, played: Sandbox) -> None:
    played.play("omnisend", seconds=0)


def of_batches(played: Sandbox) -> dict[str, int]:
    found: dict[str, int] = played.state("omnisend", email="nobody@example.com")["batches"]
    return found


def all_chunks(house: Process, job: str) -> list[Any]:
    return list(
        house.ledger.read(
            lambda tx: tx.execute(
                select(chunks_table).where(chunks_table.c.job_id == job).order_by(chunks_table.c.n)
            ).all()
        )
    )


def refusals(house: Process, job: str) -> list[tuple[int, int | None, str]]:
    return [(row.row, row.last, row.code) for row in house.ledger.read(lambda tx: reports.refused_rows(tx, job))]


def test_a_batch_is_awaited_then_told(put: Put, step: Move, house: Process, played: Sandbox) -> None:
    job = put(*(contact(n) for n in range(250)))
    first = step(job)
    assert (first["rows"]["pending"], first["chunks"]["sending"]) == (250, 3)
    assert {row.state for row in all_chunks(house, job)} == {"awaiting"}
    assert all(row.not_before > 0 and row.receipt for row in all_chunks(house, job))
    last = step(job)
    assert (last["state"], last["rows"]["accepted"]) == ("finished", 250)
    assert of_batches(played) == {"batches": 3, "items": 250, "contacts": 250, "again": 0}
    assert played.counts()["by_path"] == {"/v3/batches": 3} | {
        f"/v3/batches/{row.receipt}": 1 for row in all_chunks(house, job)
    }


def test_each_contact_gets_its_own_answer(put: Put, to_the_end: Move, house: Process, played: Sandbox) -> None:
    played.play("omnisend", seconds=0, answers={"c3@shop.example.com": [409], "c7@shop.example.com": [400]})
    job = put(contact(1), contact(2, status="what"), contact(3), b"{broken", contact(5), contact(6), contact(7))
    found = to_the_end(job)
    assert found["rows"] | {"accepted": 3, "refused": 4, "pending": 0} == found["rows"]
    assert refusals(house, job) == [
        (2, None, "status.invalid"),
        (3, None, "omnisend.409"),
        (4, None, "row.json"),
        (7, None, "omnisend.400"),
    ]
    assert found["refused_by"] == {"omnisend.400": 1, "omnisend.409": 1, "row.json": 1, "status.invalid": 1}


def test_what_was_not_done_goes_again_and_nothing_else(
    put: Put, to_the_end: Move, house: Process, played: Sandbox
) -> None:
    played.play("omnisend", seconds=0, answers={"c2@shop.example.com": [503, 429], "c4@shop.example.com": [500]})
    job = put(*(contact(n) for n in range(1, 6)), contact(6, status="what"))
    found = to_the_end(job)
    assert found["rows"] | {"total": 6, "accepted": 5, "refused": 1, "pending": 0} == found["rows"]
    assert of_batches(played) | {"contacts": 4, "again": 0} == of_batches(played)
    assert [(row.rows, row.only, row.accepted) for row in all_chunks(house, job)] == [
        (4, "1,3,5-6", 3),
        (1, "4", 1),
        (1, "2", 1),
    ]
    assert played.state("omnisend", email="c2@shop.example.com")["contacts"][0]["customProperties"] == {"age": 2}


def test_a_stopped_batch_goes_on_with_what_it_did_not_come_to(put: Put, to_the_end: Move, played: Sandbox) -> None:
    played.play("omnisend", seconds=0, stop_after=40)
    found = to_the_end(put(*(contact(n) for n in range(100))))
    assert (found["state"], found["rows"]["accepted"]) == ("finished", 100)
    assert of_batches(played) == {"batches": 2, "items": 100, "contacts": 100, "again": 0}


def test_a_contact_that_is_never_come_to_is_given_up(
    put: Put, to_the_end: Move, house: Process, played: Sandbox
) -> None:
    played.play("omnisend", seconds=0, answers={f"c{n}@shop.example.com": [503] * 9 for n in (1, 2)})
    job = put(*(contact(n) for n in range(4)))
    assert to_the_end(job)["refused_by"] == {"gave_up": 2}
    assert refusals(house, job) == [(2, None, "gave_up"), (3, None, "gave_up")]
    assert of_batches(played)["batches"] == books.TRIES


def test_a_batch_whose_answer_was_lost_is_found_again(
    put: Put, to_the_end: Move, house: Process, played: Sandbox
) -> None:
    job = put(*(contact(n) for n in range(4)))
    other = put(*(contact(n) for n in range(10, 14)))
    to_the_end(other)
    played.fault("cut", path="/v3/batches", method="POST", times=1)
    job = put(*(contact(n) for n in range(20, 24)))
    assert to_the_end(job)["rows"]["accepted"] == 4
    assert of_batches(played) == {"batches": 2, "items": 8, "contacts": 8, "again": 0}


def test_a_batch_that_never_came_goes_once_more(put: Put, to_the_end: Move, played: Sandbox) -> None:
    played.fault("reset", times=1)
    assert to_the_end(put(*(contact(n) for n in range(4))))["rows"]["accepted"] == 4
    assert of_batches(played) == {"batches": 1, "items": 4, "contacts": 4, "again": 0}


def test_csv_brings_its_dates_of_consent_in_a_column(
    house: Process, to_the_end: Move, tmp_path: Path, played: Sandbox
) -> None:
    source = tmp_path / "contacts.csv"
    source.write_text(
        "email,status,firstName,tags,agreed,colour\n"
        'ann@shop.example.com,subscribed,Ann,"vip, shop",2024-05-01 10:00:00+02:00,blue\n'
        "bob@shop.example.com,subscribed,Bob,,,red\n"
        "cid@shop.example.com,unsubscribed,Cid,,,\n"
        "dot@shop.example.com,,Dot,,,\n"
    )
    words = {"source": str(source), "options": {"via": "batches", "consent_date": "agreed"}}
    job = str(intake.put(house, read_order(platforms.operation(CONTACTS), words)).id)
    assert to_the_end(job)["refused_by"] == {"status.no_consent_date": 1}
    ann, cid, dot = (
        played.state("omnisend", email=f"{name}@shop.example.com")["contacts"][0] for name in ("ann", "cid", "dot")
    )
    assert ann["identifiers"][0]["channels"]["email"] == {"status": "subscribed", "statusDate": "2024-05-01T08:00:00Z"}
    assert (ann["tags"], ann["customProperties"]) == (["vip", "shop"], {"colour": "blue"})
    asked_at = house.ledger.read(lambda tx: jobs.get(tx, job)).created_at
    said = cid["identifiers"][0]["channels"]["email"]
    assert said["status"] == "unsubscribed"
    assert abs(datetime.fromisoformat(said["statusDate"]).timestamp() - asked_at) < 0.01
    assert dot["identifiers"][0]["channels"]["email"]["statusDate"] == "2000-01-01T00:00:00Z"


def test_a_short_file_goes_one_by_one(house: Process, to_the_end: Move, played: Sandbox, put: Put) -> None:
    assert to_the_end(put(*(contact(n) for n in range(100)), via=None))["rows"]["accepted"] == 100
    assert played.counts()["by_path"] == {"/v3/contacts": 100}
    played.reset()
    played.play("omnisend", seconds=0)
    assert to_the_end(put(*(contact(n) for n in range(101)), via=None, batch_size=50))["rows"]["accepted"] == 101
    assert played.counts()["by_path"]["/v3/batches"] == 2
    assert played.counts()["by_path"]["/v3/contacts"] == 1


@pytest.mark.parametrize("status", [404, 410])
def test_where_there_are_no_batches_each_contact_goes_alone(
    put: Put, to_the_end: Move, house: Process, played: Sandbox, status: int
) -> None:
    played.play("omnisend", seconds=0, missing=status)
    job = put(*(contact(n) for n in range(7)), contact(8, status="what"), batch_size=4)
    found = to_the_end(job)
    assert found["rows"] | {"total": 8, "accepted": 7, "refused": 1} == found["rows"]
    assert f"takes no rows together here (omnisend.{status})" in found["why"]
    assert played.counts()["by_path"]["/v3/contacts"] == 7
    assert played.counts()["by_path"]["/v3/batches"] <= 2


def test_a_kill_on_the_wire_leaves_a_batch_that_is_found(
    put: Put, to_the_end: Move, house: Process, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request was taken and the process died before it could write that down."""
    job = put(*(contact(n) for n in range(10)))
    with monkeypatch.context() as patch:
        patch.setattr(books, "book", lambda *_: None)
        files.move(house, house.ledger.read(lambda tx: jobs.get(tx, job)))
        house.ledger.flush()
    assert [row.state for row in all_chunks(house, job)] == ["sending"]
    house.ledger.write(
        lambda tx: leases.end_leases(tx, [row.owner for row in all_chunks(house, job)], platforms.looked_up())
    )
    assert [row.state for row in all_chunks(house, job)] == ["awaiting"]
    assert to_the_end(job)["rows"]["accepted"] == 10
    assert of_batches(played) == {"batches": 1, "items": 10, "contacts": 10, "again": 0}


def test_a_kill_while_asking_costs_nothing(put: Put, step: Move, to_the_end: Move, house: Process) -> None:
    job = put(*(contact(n) for n in range(10)))
    step(job)
    taken = house.ledger.write(lambda tx: looking_due(tx, job))
    assert taken is not None
    house.ledger.write(lambda tx: leases.end_leases(tx, ["dead"], platforms.looked_up()))
    assert not house.ledger.write(lambda tx: looking.look_up(tx, claims.of(taken), 0, "late"))
    assert to_the_end(job)["rows"]["accepted"] == 10


def looking_due(tx: Any, job: str) -> Any:
    tx.execute(update(chunks_table).values(not_before=0))
    return looking.claim_awaiting(tx, job, "dead", 60)


def test_a_batch_that_vanished_is_a_persons_to_decide(put: Put, step: Move, house: Process, played: Sandbox) -> None:
    job = put(*(contact(n) for n in range(10)))
    step(job)
    played.play("omnisend", forget=True)
    for _ in range(3):
        assert step(job)["state"] == "running"
    found = step(job)
    assert (found["state"], found["rows"]["unsure"]) == ("undecided", 10)
    assert "keeps them for 7 days" in all_chunks(house, job)[0].why
    house.ledger.write(lambda tx: decisions.decide(tx, job, "send", "ann"))
    step(job)
    assert step(job)["rows"]["accepted"] == 10


def test_a_batch_older_than_seven_days_has_told_nobody(put: Put, step: Move, house: Process, played: Sandbox) -> None:
    job = put(*(contact(n) for n in range(10)))
    step(job)
    played.play("omnisend", forget=True)
    week = 7.1 * 86400
    house.ledger.write(lambda tx: tx.execute(update(chunks_table).values(sent_at=chunks_table.c.sent_at - week)))
    assert step(job)["rows"]["unsure"] == 10
    assert "in that time" in all_chunks(house, job)[0].why


def test_a_cancelled_job_asks_no_more(put: Put, step: Move, house: Process, played: Sandbox) -> None:
    job = put(*(contact(n) for n in range(10)))
    step(job)
    house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    before = played.counts()["requests"]
    found = step(job)
    assert (found["rows"]["unsure"], found["rows"]["pending"], found["chunks"]["awaiting"]) == (10, 0, 0)
    assert played.counts()["requests"] == before


def test_an_answer_that_comes_after_the_job_was_cancelled(
    put: Put, house: Process, monkeypatch: pytest.MonkeyPatch, played: Sandbox
) -> None:
    job = put(*(contact(n) for n in range(10)))
    book = books.book

    def late(process: Process, tx: Any, sent: Any, result: Any) -> None:
        jobs.stop(tx, job, "cancelled", "cancelled")
        book(process, tx, sent, result)

    monkeypatch.setattr(books, "book", late)
    files.move(house, house.ledger.read(lambda tx: jobs.get(tx, job)))
    house.ledger.flush()
    assert report(house, job)["rows"] | {"unsure": 10, "pending": 0} == report(house, job)["rows"]
    assert of_batches(played)["batches"] == 1


def test_a_refused_batch_is_halved(put: Put, to_the_end: Move, house: Process, played: Sandbox) -> None:
    played.fault("status", path="/v3/batches", method="POST", status=413, times=1)
    job = put(*(contact(n) for n in range(10)), contact(11, status="what"))
    found = to_the_end(job)
    assert found["rows"] | {"total": 11, "accepted": 10, "refused": 1} == found["rows"]
    assert [(row.rows, row.only) for row in all_chunks(house, job)] == [(1, "11"), (5, "1-5"), (5, "6-10")]


def test_rows_that_were_given_go_again_too(house: Process, to_the_end: Move, played: Sandbox) -> None:
    played.play("omnisend", seconds=0, answers={"c2@shop.example.com": [503]})
    words = {"rows": [contact(n) for n in range(5)], "options": {"via": "batches"}}
    job = str(intake.put(house, read_order(platforms.operation(CONTACTS), words)).id)
    assert to_the_end(job)["rows"]["accepted"] == 5
    assert of_batches(played)["again"] == 0


def test_only_what_changed_goes_next_time(put: Put, to_the_end: Move, played: Sandbox) -> None:
    played.play("omnisend", seconds=0, answers={"c2@shop.example.com": [409]})
    rows = [contact(n) for n in range(5)]
    assert to_the_end(put(*rows, changed_only=True))["rows"]["accepted"] == 4
    found = to_the_end(put(*rows, changed_only=True))
    assert (found["rows"]["accepted"], found["skipped_by"]) == (1, {"unchanged": 4})


def test_what_an_import_of_all_rows_sent_between_two_of_the_changed_ones_is_not_forgotten(
    put: Put, to_the_end: Move, played: Sandbox
) -> None:
    v1, v2 = contact(1, age=1), contact(1, age=2)
    to_the_end(put(v1, contact(5), changed_only=True))
    to_the_end(put(v2, contact(7)))
    assert to_the_end(put(v1, contact(8), changed_only=True))["rows"]["accepted"] == 2
    assert _age_of(played, 1) == 1
    found = to_the_end(put(v1, contact(7), changed_only=True))
    assert found["skipped_by"] == {"unchanged": 2}


def _age_of(played: Sandbox, n: int) -> Any:
    kept = played.state("omnisend", email=f"c{n}@shop.example.com")["contacts"]
    return kept[0]["customProperties"]["age"]


def test_of_rows_about_one_person_the_last_counts_though_it_was_accepted_once(
    put: Put, to_the_end: Move, played: Sandbox
) -> None:
    v1, v2 = contact(1, age=1), contact(1, age=2)
    to_the_end(put(v1, contact(5), changed_only=True))
    found = to_the_end(put(v2, v1, contact(6), changed_only=True))
    assert (found["rows"]["accepted"], _age_of(played, 1)) == (3, 1)
    assert to_the_end(put(v1, v1, contact(6), changed_only=True))["skipped_by"] == {"unchanged": 3}


def test_the_platform_is_asked_more_rarely_the_more_is_awaited(house: Process, put: Put, step: Move) -> None:
    later = platforms.operation(CONTACTS).later
    assert later is not None
    pace = Pace(400, 60)
    job = put(*(contact(n) for n in range(100)), batch_size=2)
    waits = house.ledger.read(lambda tx: [awaiting.wait(tx, job, later, pace, looks) for looks in (0, 1, 2, 3, 4, 9)])
    assert waits == [5, 10, 20, 40, 60, 60]
    step(job)
    assert house.ledger.read(lambda tx: awaiting.wait(tx, job, later, pace)) == 15  # 50 of them, 200 looks a minute


def test_whoever_sweeps_wakes_a_job_for_what_it_awaits(house: Process, put: Put, step: Move) -> None:
    job = put(*(contact(n) for n in range(10)))
    step(job)
    due = all_chunks(house, job)[0].not_before
    house.ledger.write(lambda tx: tx.execute(update(jobs_table).values(wake_at=0)))
    assert house.ledger.write(lambda tx: agenda.to_wake(tx, due - 1, 5)) == []
    assert [row.id for row in house.ledger.write(lambda tx: agenda.to_wake(tx, due + 1, 5))] == [job]


def test_while_the_door_is_shut_nothing_is_asked(house: Process, put: Put, step: Move, played: Sandbox) -> None:
    job = put(*(contact(n) for n in range(10)))
    step(job)
    played.fault("status", status=401, times=1)
    assert step(job)["rows"]["pending"] == 10
    before = played.counts()["requests"]
    assert step(job)["chunks"]["awaiting"] == 1
    assert played.counts()["requests"] == before
    house.ledger.write(lambda tx: outage.resume(tx, "omnisend/default"))
    assert step(job)["rows"]["accepted"] == 10


def test_refused_rows_of_parts_stand_beside_their_own_columns(
    put: Put, to_the_end: Move, house: Process, played: Sandbox, tmp_path: Path
) -> None:
    """What went again lies in the same stretch of the file as what was settled before."""
    played.play("omnisend", seconds=0, answers={f"c{n}@shop.example.com": [503, 409] for n in (2, 4)})
    played.play("omnisend", answers={"c1@shop.example.com": [400]})
    job = put(*(contact(n) for n in range(1, 6)))
    assert to_the_end(job)["refused_by"] == {"omnisend.400": 1, "omnisend.409": 2}
    found = house.ledger.read(lambda tx: jobs.get(tx, job))
    assert write_sheet(house, found, tmp_path / "refused.csv").rows == 3
    sheet = (tmp_path / "refused.csv").read_text()
    assert [sheet.count(f"c{n}@shop.example.com") for n in range(1, 6)] == [1, 1, 0, 1, 0]


def test_two_who_stop_and_tell_at_the_same_moment(put: Put, step: Move, house: Process) -> None:
    """Whoever tells locks the job before the chunk, as who stops it does; one of the two comes second, and finds it."""
    job = put(*(contact(n) for n in range(10)))
    step(job)
    house.ledger.write(lambda tx: tx.execute(update(chunks_table).values(not_before=0)))
    stopping = threading.Thread(
        target=lambda: house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    )
    stopping.start()
    files.move(house, house.ledger.read(lambda tx: jobs.get(tx, job)))
    stopping.join()
    rows = report(house, job)["rows"]
    assert rows["accepted"] + rows["unsure"] == 10


def test_questions_count_when_redis_is_wiped(
    put: Put, step: Move, house: Process, played: Sandbox, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    played.play("omnisend", seconds=1000)
    job = put(*(contact(n) for n in range(10)), batch_size=5)
    monkeypatch.setenv("OMNISEND_PACE", "20/m")
    platforms.account.cache_clear()
    for _ in range(3):
        step(job)
    account = platforms.account("omnisend/default")
    assert played.counts()["requests"] > 2
    connect(redis_url).flushall()
    with pytest.raises(Busy, match="read from the ledger"):
        house.budget.take(account.id, account.pace)
    with pytest.raises(Busy, match="used") as caught:
        house.budget.take(account.id, account.pace)
    assert caught.value.wait > 30
