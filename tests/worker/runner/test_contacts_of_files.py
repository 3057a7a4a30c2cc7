"""Contacts of a file go to a cascade that is there: what Devino says of each is its row's, nobody is sent to twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from worker import platforms
from worker.facts.wire import CalledBack
from worker.ledger import chunks, planning, reports
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import call, preparing, results
from worker.runner.planner import plan

SEND, CREATE = "devino.send_messages", "devino.create_cascade"


@pytest.fixture
def cascade(house: Process) -> int:
    """An API cascade that is there already."""
    payload = platforms.operation(CREATE).example
    job = intake.put(house, read_order(platforms.operation(CREATE), {"payload": payload}))
    call.move(house, job)
    chunk = house.ledger.read(lambda tx: planning.of_call(tx, job.id))
    return int(house.seal.open(chunk.answer)["result"]["result"])


def test_a_file_goes_to_the_cascade_and_each_refused_contact_is_its_row(
    house: Process,
    move: Any,
    played: Sandbox,
    cascade: int,
    tmp_path: Path,
) -> None:
    rows = [f"p{n}@shop.example.com,79103{n:06}" for n in range(250)]
    rows[3], rows[7] = "p3@refused.test,", "nobody,"
    source = tmp_path / "contacts.csv"
    source.write_text("\n".join(["email,phone", *rows]))
    order = read_order(platforms.operation(SEND), {"source": str(source), "payload": {"taskId": cascade}})
    job = intake.put(house, order).id
    found = move(job)
    assert found["rows"] == {**found["rows"], "total": 250, "accepted": 248, "refused": 2, "unsure": 0}
    assert found["chunks"]["total"] == 3
    named = house.ledger.read(lambda tx: reports.refused_rows(tx, job))
    assert [(one.row, one.code) for one in named] == [(5, "invalid.email"), (9, "contact.email.invalid")]


def test_a_lost_answer_is_unsure_and_nothing_goes_twice(
    house: Process,
    move: Any,
    played: Sandbox,
    cascade: int,
    tmp_path: Path,
) -> None:
    source = tmp_path / "contacts.ndjson"
    source.write_text(json.dumps({"contact": {"email": "a@shop.example.com"}}) + "\n")
    order = read_order(platforms.operation(SEND), {"source": str(source), "payload": {"taskId": cascade}})
    played.fault("cut", times=1)
    job = intake.put(house, order).id
    assert move(job)["rows"]["unsure"] == 1
    assert move(job)["rows"]["unsure"] == 1


def test_without_a_cascade_nothing_is_recorded(house: Process, tmp_path: Path) -> None:
    with pytest.raises(results.Refused) as wrong:
        read_order(platforms.operation(SEND), {"source": str(tmp_path / "x.csv")})
    assert wrong.value.code == "taskId.missing"


def test_devino_is_told_where_to_tell_what_became_of_each_row(
    house: Process, cascade: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "contacts.csv"
    source.write_text("email,phone\nnobody,\na@shop.example.com,\nb@shop.example.com,\n")
    order = read_order(platforms.operation(SEND), {"source": str(source), "payload": {"taskId": cascade}})
    job = intake.put(house, order)
    plan(house, job, lambda: None)
    chunk = house.ledger.write(lambda tx: chunks.claim(tx, job.id, "somebody", 60))[0]
    told = CalledBack("https://hooks.example.com/x", lambda row: f"row {row}")
    monkeypatch.setattr(preparing, "called_back", lambda *_: told)
    body = json.loads(preparing.prepare(house, job, chunk).pack().request.body or b"")
    assert [one["contact"]["email"] for one in body["contacts"]] == ["a@shop.example.com", "b@shop.example.com"]
    assert [one["callbackUrl"] for one in body["contacts"]] == [told.url] * 2
    assert "row 2" in body["contacts"][1]["callbackData"].values()
