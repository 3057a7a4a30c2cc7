"""Whatever was asked for is found again by whom it speaks to and by what its answer named, with what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.worker.runner.conftest import EVENTS, event, lines
from worker import platforms
from worker.ledger import jobs, planning
from worker.orders import intake
from worker.orders.order import read_order
from worker.people import found, traces
from worker.people.consent import Event
from worker.people.register import enter
from worker.processes.process import Process
from worker.runner import call

ANNA, PHONE = "anna@shop.example.com", "79160000002"
NEWSLETTER = {"newsletter": {"newsletter_template_id": 45}}
CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "omnisense.save_subscriber": ({"user": {"email": ANNA, "phone": "+7 916 000-00-02"}}, " Anna@Shop.example.com"),
    "omnisense.record_user_event": ({"email": ANNA, "user_event": {"identifier": "product.view"}}, ANNA),
    "omnisense.send_newsletter": (NEWSLETTER | {"emails": ["x@example.com", {"email": ANNA}]}, ANNA),
    "devino.send_messages": ({"taskId": 7004, "contacts": [{"contact": {"phone": PHONE}}]}, "+7 (916) 000-00-02"),
    "omnisend.save_contact": ({"email": ANNA}, ANNA.upper()),
    "omnisend.update_contact": ({"email": ANNA, "lastName": "P"}, ANNA),
    "devino.get_cascade": ({"taskId": 7004}, "7004"),
}
Find = Callable[[str], dict[str, Any]]


@pytest.fixture
def find(house: Process) -> Find:
    def look(text: str) -> dict[str, Any]:
        house.ledger.write(house.people.key)
        return house.ledger.read(lambda tx: found.known(house, tx, text))

    return look


@pytest.fixture
def ask(house: Process) -> Callable[..., str]:
    def put(name: str, **words: Any) -> str:
        return str(intake.put(house, read_order(platforms.operation(name), words)).id)

    return put


def carry(house: Process, job_id: str) -> None:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    call.move(house, job)


def outcomes(said: list[dict[str, Any]]) -> list[tuple[str, int | None, str]]:
    return [(one["job"], one["row"], one["outcome"]) for one in said]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_found_before_and_after_it_is_sent(name: str, ask: Any, house: Process, find: Find) -> None:
    payload, text = CALLS[name]
    job_id = ask(name, payload=payload)
    [(_, row, outcome)] = outcomes(find(text)["calls"])
    assert (row is not None, outcome) == (True, "waiting")
    carry(house, job_id)
    [(found_id, _, outcome)] = outcomes(find(text)["calls"])
    assert found_id == job_id
    assert outcome in ("accepted", "refused")
    assert find("nobody@shop.example.com")["calls"] == []


def test_what_an_answer_named_finds_its_call(ask: Any, house: Process, find: Find) -> None:
    made = ask("omnisense.save_subscriber", payload={"user": {"email": ANNA}})
    carry(house, made)
    chunk = house.ledger.read(lambda tx: planning.of_call(tx, made))
    trid = house.seal.open(chunk.answer)["trid"]
    assert outcomes(find(str(trid))["calls"]) == [(made, 1, "accepted")]
    example = platforms.operation("devino.create_cascade").example
    cascade = ask("devino.create_cascade", payload=example)
    carry(house, cascade)
    chunk = house.ledger.read(lambda tx: planning.of_call(tx, cascade))
    task_id = str(house.seal.open(chunk.answer)["result"]["result"])
    sent = ask("devino.send_messages", payload={"taskId": int(task_id), "contacts": [{"contact": {"email": ANNA}}]})
    assert [one[0] for one in outcomes(find(task_id)["calls"])] == [sent, cascade]


def test_each_message_of_a_request_is_found_by_its_id(ask: Any, house: Process, find: Find) -> None:
    people = [{"contact": {"email": ANNA}}, {"contact": {"phone": PHONE}}]
    job_id = ask("devino.send_messages", payload={"taskId": 7004, "contacts": people})
    carry(house, job_id)
    chunk = house.ledger.read(lambda tx: planning.of_call(tx, job_id))
    ids = [one["result"] for one in house.seal.open(chunk.answer)["result"]["sendAnswers"]]
    assert [outcomes(find(one)["calls"]) for one in ids] == [[(job_id, 1, "accepted")], [(job_id, 2, "accepted")]]


def test_who_was_left_out_of_a_newsletter_is_told_from_who_was_not(ask: Any, house: Process, find: Find) -> None:
    out = Event("x@example.com", "email", "wish", 1.0, "eva", "marketing")
    house.ledger.write(lambda tx: enter(house, tx, out, "eva"))
    job_id = ask("omnisense.send_newsletter", payload=NEWSLETTER | {"emails": ["x@example.com", ANNA]})
    carry(house, job_id)
    assert outcomes(find(ANNA)["calls"]) == [(job_id, 2, "accepted")]
    [left] = find("x@example.com")["calls"]
    assert (left["row"], left["outcome"], left["code"]) == (1, "skipped", "opted_out")


def test_a_payload_that_nobody_can_send_is_found_with_the_reason(ask: Any, house: Process, find: Find) -> None:
    job_id = ask("omnisense.record_user_event", payload={"email": ANNA, "user_event": {}})
    carry(house, job_id)
    [one] = find(ANNA)["calls"]
    assert (one["outcome"], one["code"]) == ("refused", "user_event.identifier.missing")


def test_an_answer_that_was_lost_is_said_to_be_so(ask: Any, house: Process, played: Sandbox, find: Find) -> None:
    job_id = ask("omnisense.record_user_event", payload={"email": ANNA, "user_event": {"identifier": "a.b"}})
    played.fault("cut", times=1)
    carry(house, job_id)
    assert [one["outcome"] for one in find(ANNA)["calls"]] == ["unsure"]


def test_rows_that_came_with_an_order_are_found_one_by_one(
    ask: Any, house: Process, find: Find, move: Callable[..., dict[str, Any]]
) -> None:
    job_id = ask(EVENTS, rows=[event(1), event(2, date="yesterday"), event(3)])
    assert outcomes(find("p3@shop.example.com")["calls"]) == [(job_id, 3, "waiting")]
    while move(job_id)["state"] == "running":
        pass
    assert outcomes(find("P3@shop.example.com")["calls"]) == [(job_id, 3, "accepted")]
    assert outcomes(find("p2@shop.example.com")["calls"]) == [(job_id, 2, "refused")]


def test_of_very_many_the_traces_are_left_before_the_request_is_made(
    ask: Any, house: Process, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "AT_ONCE", 3)
    people = [f"p{n}@shop.example.com" for n in range(8)]
    job_id = ask("omnisense.send_newsletter", payload=NEWSLETTER | {"emails": people})
    assert find(people[7])["calls"] == []
    carry(house, job_id)
    assert [outcomes(find(people[n])["calls"]) for n in (0, 7)] == [[(job_id, n, "accepted")] for n in (1, 8)]


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("a.ndjson", [{"contact": {"email": ANNA}}, {"contact": {"phone": "+7 916-000-00-02"}}]),
        ("b.csv", b"email,phone\nAnna@shop.example.com,\n,7916 0000002\n"),
    ],
)
def test_rows_of_files_are_found_in_any_spelling_with_what_became_of_them(
    file: str, rows: Any, ask: Any, house: Process, tmp_path: Path, move: Callable[..., dict[str, Any]]
) -> None:
    (tmp_path / file).write_bytes(rows if isinstance(rows, bytes) else lines(*rows))
    job_id = ask("devino.send_messages", source=str(tmp_path / file), payload={"taskId": 7004})
    while move(job_id)["state"] in ("planning", "running"):
        pass
    first = 2 if file.endswith("csv") else 1
    assert outcomes(list(found.files(house, "ANNA@shop.example.com "))) == [(job_id, first, "accepted")]
    assert outcomes(list(found.files(house, "+7 (916) 000 00 02"))) == [(job_id, first + 1, "accepted")]
    assert list(found.files(house, "anna@shop.example")) == []
    house.ledger.write(house.people.key)
    whole = house.ledger.read(lambda tx: found.known(house, tx, "7004"))["calls"]
    assert outcomes(whole) == [(job_id, None, "2 accepted")]


def test_escaped_letters_are_read(ask: Any, house: Process, tmp_path: Path, move: Callable[..., Any]) -> None:
    row = json.dumps(event(1)).replace("p1@", "p1\\u0040")
    (tmp_path / "e.ndjson").write_text(f"{row}\n")
    job_id = ask(EVENTS, source=str(tmp_path / "e.ndjson"))
    move(job_id)
    assert [one["row"] for one in found.files(house, "p1@shop.example.com")] == [1]


def test_rows_that_came_with_an_order_go_though_the_last_of_very_many_names_nobody(
    ask: Any, house: Process, move: Any
) -> None:
    rows = [{"email": f"p{n}@shop.example.com"} for n in range(traces.AT_ONCE)]
    job_id = ask("omnisense.import_subscribers", rows=[*rows, {"first_name": "Nobody"}])
    assert move(job_id)["rows"] | {"total": 0} == {
        **{"total": 0, "accepted": traces.AT_ONCE, "refused": 1, "unsure": 0},
        **{"skipped": 0, "pending": 0, "repeated": 0},
    }
