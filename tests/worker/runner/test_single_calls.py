"""Calls that are more than one request, that are looked up, that have their turn, and that are handed back a token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from sandbox.server import Sandbox
from worker import outage, platforms
from worker.ledger import chunks as moves
from worker.ledger import claims, decisions, jobs, planning
from worker.ledger.tables import chunks
from worker.ledger.types import Row
from worker.orders import intake
from worker.orders.order import read_order
from worker.platforms import operation
from worker.processes.process import Process
from worker.runner import call, suspects

CASCADE, MESSAGES, CONTACT = "devino.create_cascade", "devino.send_messages", "omnisend.save_contact"
SUBSCRIBER, NEWSLETTER = "omnisense.save_subscriber", "omnisense.send_newsletter"


@pytest.fixture
def ask(house: Process) -> Callable[..., str]:
    """Record a call; its job."""

    def record(name: str, payload: dict[str, Any] | None = None) -> str:
        operation = platforms.operation(name)
        return str(intake.put(house, read_order(operation, {"payload": payload or operation.example})).id)

    return record


def step(house: Process, job_id: str) -> list[Row[Any]]:
    """Move a call as one wake-up would, whatever it waits for; its chunks."""
    with house.ledger.begin() as tx:
        tx.execute(update(chunks).where(chunks.c.job_id == job_id).values(not_before=0))
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    call.move(house, job)
    return house.ledger.read(lambda tx: planning.all_of_call(tx, job_id))


def state(house: Process, job_id: str) -> str:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    return str(job.state)


def cascades(played: Sandbox) -> int:
    """How many were taken; each has a name of its own, so one taken twice would show."""
    counts = played.counts()
    assert counts["doubled"] == 0
    return int(counts["events"])


def test_a_cascade_whose_answer_was_cut_is_found_and_not_made_again(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    played.fault("cut", times=1)
    job = ask(CASCADE)
    assert [one.state for one in step(house, job)] == ["awaiting"]
    (found,) = step(house, job)
    assert (found.state, found.accepted, cascades(played)) == ("done", 1, 1)
    assert house.seal.open(found.answer)
    assert state(house, job) == "finished"


def test_a_cascade_that_never_arrived_goes_again_after_two_looks(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    played.fault("reset", times=1)
    job = ask(CASCADE)
    assert [one.state for one in step(house, job)] == ["awaiting"]
    (looked,) = step(house, job)
    assert (looked.state, looked.looks, cascades(played)) == ("awaiting", 1, 0)
    states = {step(house, job)[0].state for _ in range(2)}
    assert "done" in states
    assert cascades(played) == 1


@pytest.mark.parametrize(("name", "state"), [(CASCADE, "awaiting"), (NEWSLETTER, "unsure")])
def test_a_suspect_that_died_on_the_wire_is_looked_up_where_the_platform_can_be_asked(
    house: Process, ask: Callable[..., str], name: str, state: str
) -> None:
    job = ask(name)
    with house.ledger.begin() as tx:
        (chunk,) = moves.claim(tx, job, "somebody", 50)
        moves.mark(tx, claims.of(chunk))
        suspects.bury(tx, job, chunk)
    assert house.ledger.read(lambda tx: planning.of_call(tx, job)).state == state


def test_a_platform_that_answers_a_look_up_is_well(house: Process, played: Sandbox, ask: Callable[..., str]) -> None:
    played.fault("cut", times=2, method="POST")
    jobs_ = [ask(CASCADE) for _ in range(2)]
    for job in jobs_:
        step(house, job)
    assert not house.ledger.read(lambda tx: outage.is_open(tx, "devino/default"))
    step(house, jobs_[0])
    assert house.ledger.read(lambda tx: outage.is_open(tx, "devino/default"))


def test_a_look_up_that_fails_is_tried_again_and_in_the_end_left_to_a_person(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    played.fault("cut", times=1)
    job = ask(CASCADE)
    step(house, job)
    played.fault("status", status=502)
    (asked,) = step(house, job)
    assert (asked.state, asked.looks) == ("awaiting", 0)
    with house.ledger.begin() as tx:
        tx.execute(update(jobs.jobs).where(jobs.jobs.c.id == job).values(give_up_at=time.time() - 1))
    assert step(house, job)[0].state == "unsure"
    assert state(house, job) == "undecided"


def test_a_call_that_is_cancelled_while_it_is_looked_up_is_left_to_a_person(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    played.fault("cut", times=1)
    job = ask(CASCADE)
    step(house, job)
    with house.ledger.begin() as tx:
        jobs.stop(tx, job, "cancelled", "cancelled")
    assert house.ledger.read(lambda tx: planning.of_call(tx, job)).state == "unsure"


def test_a_lost_answer_in_a_job_that_was_cancelled_meanwhile_is_left_to_a_person(
    house: Process, played: Sandbox, ask: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, send = ask(CASCADE), house.client.send

    def cancelled_while_on_the_wire(*words: Any) -> Any:
        house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
        return send(*words)

    played.fault("cut", times=1)
    monkeypatch.setattr(house.client, "send", cancelled_while_on_the_wire)
    assert [one.state for one in step(house, job)] == ["unsure"], "nobody would look any more"


def test_an_account_that_a_person_paused_is_not_asked_what_became_of_a_call(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    played.fault("cut", times=1)
    job = ask(CASCADE)
    step(house, job)
    before = played.counts()["requests"]
    house.ledger.write(lambda tx: outage.forbid(tx, "devino/default", "somebody paused the account"))
    assert step(house, job)[0].state == "awaiting"
    assert played.counts()["requests"] == before
    house.ledger.write(lambda tx: outage.resume(tx, "devino/default"))
    assert step(house, job)[0].state == "done"


def test_a_call_of_an_account_that_a_person_paused_waits_for_that_person_and_says_so(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    house.ledger.write(lambda tx: outage.forbid(tx, "devino/default", "somebody paused the account"))
    (chunk,) = step(house, ask(CASCADE))
    assert (chunk.state, chunk.not_before > time.time() + 30) == ("waiting", True)
    assert "accounts resume" in chunk.why


def test_a_look_up_that_stumbles_over_a_mistake_of_ours_is_made_again(
    house: Process, played: Sandbox, ask: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played.fault("cut", times=1)
    job = ask(CASCADE)
    step(house, job)
    lookup = platforms.operation(CASCADE).lookup
    assert lookup is not None

    def stumbles(*_: Any) -> None:
        raise KeyError("somebody@shop.example.com")

    with monkeypatch.context() as broken:
        broken.setattr(
            platforms, "operation", lambda name: replace(operation(name), lookup=replace(lookup, found=stumbles))
        )
        (chunk,) = step(house, job)
    assert (chunk.state, "@" in chunk.why) == ("awaiting", False)
    assert step(house, job)[0].state == "done"


def test_an_answer_that_cant_be_sorted_leaves_its_rows_unsure(
    house: Process, played: Sandbox, ask: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_: Any) -> None:
        raise KeyError("contactIds")

    monkeypatch.setattr(platforms, "operation", lambda name: replace(operation(name), sort=stumbles))
    (chunk,) = step(house, ask(CONTACT))
    assert (chunk.state, chunk.accepted) == ("unsure", 0)


def test_recipients_with_variables_of_their_own_go_in_requests_of_their_own(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    emails = ["a@shop.example.com", {"email": "b@shop.example.com", "variables": {"name": "B"}}, "c@shop.example.com"]
    job = ask(NEWSLETTER, platforms.operation(NEWSLETTER).example | {"emails": emails})
    found = step(house, job)
    assert [(one.state, one.rows, one.first_row) for one in found] == [("done", 2, 1), ("done", 1, 3)]
    assert state(house, job) == "finished"


def test_what_an_answer_says_of_each_contact_becomes_its_outcome(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    job = ask(CASCADE)
    (made,) = step(house, job)
    task = house.seal.open(made.answer)
    contacts = [{"contact": {"email": "ok@shop.example.com"}}, {"contact": {"phone": "79103398080"}}]
    sent = ask(MESSAGES, {"taskId": int(re.findall(r"\d{4,}", str(task))[0]), "contacts": contacts})
    (chunk,) = step(house, sent)
    assert (chunk.state, chunk.accepted, chunk.refused) == ("done", 2, 0)
    assert int(played.counts()["events"]) == 3, "the cascade, and each contact once"


def test_calls_for_one_person_keep_their_order(house: Process, played: Sandbox, ask: Callable[..., str]) -> None:
    contact = platforms.operation(CONTACT).example
    played.fault("status", status=503, times=1, path="/v3/contacts")
    first, second = ask(CONTACT, contact | {"firstName": "One"}), ask(CONTACT, contact | {"firstName": "Two"})
    other = ask(CONTACT, contact | {"identifiers": [{"type": "email", "id": "other@shop.example.com"}]})
    assert step(house, first)[0].state == "waiting"
    assert step(house, second)[0].state == "waiting", "the older one has not gone yet"
    assert step(house, other)[0].state == "done", "another person waits for nobody"
    assert step(house, first)[0].state == "done"
    assert step(house, second)[0].state == "done"


def test_a_token_that_the_platform_gave_is_handed_back(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    payload = {"user": {"email": "who@shop.example.com", "first_name": "Who"}}
    (chunk,) = step(house, ask(SUBSCRIBER, payload))
    given = house.seal.open(chunk.answer)["trid"]
    assert house.ledger.read(lambda tx: house.people.kept(tx, chunk.person)) == given
    step(house, ask(SUBSCRIBER, payload | {"metadata": {"a": "1"}}))
    assert played.person("who@shop.example.com")["trid"] == given  # type: ignore[index] # it was just saved


def test_what_can_no_longer_be_on_time_is_refused_when_it_is_to_leave(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    past = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    example = platforms.operation(NEWSLETTER).example
    job = ask(NEWSLETTER, example | {"newsletter": example["newsletter"] | {"delivery_time": past}})
    found = step(house, job)
    assert [(one.state, one.refused) for one in found] == [("done", one.rows) for one in found]
    assert all("too_late" in one.refused_by for one in found)


def test_a_chunk_of_which_a_part_was_taken_is_not_sent_again(
    house: Process, played: Sandbox, ask: Callable[..., str]
) -> None:
    job = ask(CONTACT)
    with house.ledger.begin() as tx:
        values = {"state": "unsure", "rows": 3, "accepted": 1}
        tx.execute(update(chunks).where(chunks.c.job_id == job).values(**values))
    with house.ledger.begin() as tx, pytest.raises(decisions.HalfTaken):
        decisions.decide(tx, job, "send-again", "me")
    with house.ledger.begin() as tx:
        decisions.decide(tx, job, "drop", "me")
    settled = house.ledger.read(lambda tx: planning.of_call(tx, job))
    assert (settled.accepted, settled.skipped) == (1, 2)
