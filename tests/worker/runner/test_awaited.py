"""Rows that a platform takes first and tells of later: contacts in Omnisend's batches, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sandbox.server import Sandbox
from tests.worker.runner.conftest import lines, report
from worker import intake, platforms
from worker.ledger import jobs, reports
from worker.ledger.tables import chunks as chunks_table
from worker.order import read_order
from worker.process import Process
from worker.runner import books, files

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
        (4, None, 3),
        (1, "2,4", 1),
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
