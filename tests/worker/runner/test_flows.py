"""`flows.cascade_send`: one cascade and each contact once, whatever is lost or killed between its steps."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import update

import sandbox.server
from sandbox.server import Sandbox
from tests.worker.runner.conftest import report
from worker import notices, platforms
from worker.ledger import decisions, jobs, planning, tickets
from worker.ledger.tables import chunks
from worker.ledger.tables import jobs as jobs_table
from worker.ledger.types import Row
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import books, call, flows
from worker.runner.results import Refused

NAME = "flows.cascade_send"
STEPS = ["create", "read", "send"]
CREATE, SEND = "/omni-task-api/tasks", "/omni-scheduler/api/messages"
Ask = Callable[..., str]


class Killed(BaseException):
    """What a kill is to the code it meets: nothing after it runs."""


def payload(**changes: Any) -> dict[str, Any]:
    example = copy.deepcopy(platforms.operation(NAME).example)
    contacts = [{"contact": {"phone": f"7910339808{n}"}} for n in range(3)]
    return example | {"contacts": contacts} | changes


@pytest.fixture
def played() -> Iterator[Sandbox]:
    """Of each test's own: the sandbox forgets no cascade."""
    with sandbox.server.start() as server:
        yield server


@pytest.fixture
def ask(house: Process) -> Ask:
    def record(**words: Any) -> str:
        order = read_order(platforms.operation(NAME), {"payload": payload(), **words})
        return str(intake.put(house, order).id)

    return record


def job_of(house: Process, job_id: str) -> Row[Any]:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    return job


def move(house: Process, job_id: str) -> dict[str, Any]:
    call.move(house, job_of(house, job_id))
    return report(house, job_id)


def steps_of(house: Process, job_id: str) -> list[Row[Any]]:
    return house.ledger.read(lambda tx: jobs.steps_of(tx, job_id))


def cascades(played: Sandbox) -> list[dict[str, Any]]:
    told = played.environment()
    query = {"ascending": "true", "count": "100", "offset": "0", "orderBy": "ID"}
    key = {"Authorization": f"Key {told['DEVINO_API_KEY']}"}
    answer = requests.get(told["DEVINO_BASE_URL"] + CREATE, params=query, headers=key, timeout=60).json()
    return [one for one in answer["result"] if one["taskName"].startswith("Order paid")]


def once(played: Sandbox, contacts: int = 3) -> bool:
    """One cascade, which the sandbox counts too, and each contact once."""
    counts = played.counts()
    return len(cascades(played)) == 1 and (counts["events"], counts["distinct"]) == (contacts + 1, contacts + 1)


def sent_nothing(played: Sandbox) -> bool:
    return played.counts()["distinct"] == len(cascades(played))


def answer_of(house: Process, job_id: str) -> Any:
    return house.seal.open(house.ledger.read(lambda tx: planning.of_call(tx, job_id)).answer)


def test_a_cascade_is_created_read_and_sent_to_each_contact(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask(key="order-4711")
    found = move(house, job_id)
    assert (found["state"], found["rows"]["total"], found["rows"]["accepted"]) == ("finished", 3, 3)
    assert [(step.step, step.state) for step in steps_of(house, job_id)] == [(name, "finished") for name in STEPS]
    assert once(played)
    answer = answer_of(house, job_id)
    assert (answer["taskId"], list(answer["triggerIds"])) == (str(cascades(played)[0]["id"]), ["0"])
    assert len(answer["sent"]["result"]["sendAnswers"]) == 3


def test_its_task_lies_in_the_queue_of_its_platform() -> None:
    from worker.runner.tasks import routes

    assert routes([platforms.operation(NAME)]) == {NAME: {"queue": "devino"}}


@pytest.mark.parametrize("killed_at", range(3))
def test_a_kill_after_any_step_was_recorded_goes_on_there(
    killed_at: int, house: Process, played: Sandbox, ask: Ask, woken: list[str]
) -> None:
    job_id = ask()

    def die(process: Process, step: Row[Any]) -> None:
        if STEPS.index(step.step) == killed_at:
            raise Killed
        call.move(process, step)

    with pytest.raises(Killed):
        flows.move(house, job_of(house, job_id), die)
    assert move(house, job_id)["state"] == "running"  # the step is there: nobody takes it twice
    left = steps_of(house, job_id)[-1]
    move(house, left.id)
    notices.hand_out(house)
    assert job_id in woken
    assert move(house, job_id)["rows"]["accepted"] == 3
    assert len(steps_of(house, job_id)) == 3
    assert once(played)


def test_a_creation_whose_answer_is_lost_is_looked_up_and_never_made_twice(
    house: Process, played: Sandbox, ask: Ask, woken: list[str]
) -> None:
    played.fault("cut", times=1, path=CREATE)
    job_id = ask()
    assert move(house, job_id)["state"] == "running"
    (create,) = steps_of(house, job_id)
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(not_before=0)))
    assert move(house, create.id)["state"] == "finished"
    notices.hand_out(house)
    assert woken == [job_id]
    assert move(house, job_id)["state"] == "finished"
    assert once(played)


def test_messages_whose_answer_is_lost_are_unsure_until_a_person_decides(
    house: Process, played: Sandbox, ask: Ask
) -> None:
    played.fault("cut", times=1, path=SEND)
    job_id = ask()
    found = move(house, job_id)
    assert (found["state"], found["rows"]["unsure"], found["rows"]["pending"]) == ("undecided", 3, 0)
    send = steps_of(house, job_id)[-1]
    house.ledger.write(lambda tx: decisions.decide(tx, send.id, "was-sent", "me"))
    notices.hand_out(house)
    found = move(house, job_id)
    assert (found["state"], found["rows"]["accepted"], found["rows"]["unsure"]) == ("finished", 3, 0)
    assert once(played)


def test_a_creation_that_a_person_decided_has_no_answer_and_nothing_follows(
    house: Process, played: Sandbox, ask: Ask
) -> None:
    job_id = ask()
    with pytest.raises(Killed):
        flows.move(house, job_of(house, job_id), _die)
    (create,) = steps_of(house, job_id)
    lost = update(chunks).where(chunks.c.job_id == create.id).values(state="unsure")
    house.ledger.write(lambda tx: tx.execute(lost) and books.call_ended(tx, create.id))
    assert move(house, job_id)["state"] == "undecided"
    house.ledger.write(lambda tx: decisions.decide(tx, create.id, "was-sent", "me"))
    found = move(house, job_id)
    assert (found["state"], found["refused_by"]) == ("finished", {"step.no_answer": 3})
    assert sent_nothing(played)


def _die(_process: Process, _step: Row[Any]) -> None:
    raise Killed


def test_what_the_platform_refuses_of_a_step_is_refused_of_the_flow(house: Process, played: Sandbox, ask: Ask) -> None:
    played.fault("status", status=400, path=CREATE, times=1)
    job_id = ask()
    found = move(house, job_id)
    assert (found["state"], found["rows"]["refused"]) == ("finished", 3)
    assert sum(found["refused_by"].values()) == 3
    assert (len(steps_of(house, job_id)), cascades(played)) == (1, [])


def test_what_is_off_is_refused_before_anything_is_created(house: Process, played: Sandbox, ask: Ask) -> None:
    cascade = {**payload()["cascade"], "type": "SIMPLE"}
    for changed in ({"cascade": cascade}, {"templates": {"7": {"smsTemplate": {"text": "x"}}}}, {"contacts": []}):
        job_id = ask(payload=payload(**changed))
        assert move(house, job_id)["rows"]["refused"] == 1
    assert cascades(played) == []


def test_the_same_key_is_the_same_flow_and_other_content_is_refused(house: Process, played: Sandbox, ask: Ask) -> None:
    first = ask(key="order-4711")
    move(house, first)
    assert ask(key="order-4711") == first
    move(house, first)
    with pytest.raises(Refused, match="key_reused"):
        ask(key="order-4711", payload=payload(templates={}))
    assert once(played)


def test_no_key_of_a_caller_is_that_of_a_step(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask()
    create = read_order(
        platforms.operation("devino.create_cascade"), {"payload": payload()["cascade"], "key": f"{job_id}:create"}
    )
    theirs = intake.put(house, create).id
    move(house, job_id)
    assert theirs not in [step.id for step in steps_of(house, job_id)]


def test_many_who_move_it_at_once_take_each_step_once(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask()
    movers = [threading.Thread(target=move, args=(house, job_id)) for _ in range(6)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join(60)
    assert move(house, job_id)["rows"]["accepted"] == 3
    assert len(steps_of(house, job_id)) == 3
    assert once(played)


@pytest.mark.parametrize("killed_at", [None, 0, 2])
def test_a_flow_that_is_cancelled_takes_its_steps_with_it(
    killed_at: int | None, house: Process, played: Sandbox, ask: Ask
) -> None:
    job_id = ask()

    def die(process: Process, step: Row[Any]) -> None:
        if STEPS.index(step.step) == killed_at:
            raise Killed
        call.move(process, step)

    if killed_at is not None:
        with pytest.raises(Killed):
            flows.move(house, job_of(house, job_id), die)
    house.ledger.write(lambda tx: jobs.stop(tx, job_id, "cancelled", "cancelled"))
    notices.hand_out(house)
    found = report(house, job_id)
    assert (found["state"], found["rows"]["skipped"], found["rows"]["unsure"]) == ("cancelled", 3, 0)
    assert sent_nothing(played)


def test_a_flow_that_is_paused_takes_no_further_step(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask()
    house.ledger.write(lambda tx: jobs.pause(tx, job_id, "a person said so"))
    assert move(house, job_id)["state"] == "paused"
    assert steps_of(house, job_id) == []
    house.ledger.write(lambda tx: jobs.resume(tx, job_id))
    assert move(house, job_id)["state"] == "finished"


def test_a_flow_that_is_paused_pauses_its_step_and_goes_on_with_it(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask()
    with pytest.raises(Killed):
        flows.move(house, job_of(house, job_id), _die)
    house.ledger.write(lambda tx: jobs.pause(tx, job_id, "a person said so"))
    (step,) = steps_of(house, job_id)
    call.move(house, step)
    assert (step.state, sent_nothing(played), cascades(played)) == ("paused", True, [])
    house.ledger.write(lambda tx: jobs.resume(tx, job_id))
    assert steps_of(house, job_id)[0].state == "running"
    call.move(house, step)
    assert move(house, job_id)["state"] == "finished"
    assert once(played)


def test_a_step_that_was_paused_by_itself_stays_so(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask()
    with pytest.raises(Killed):
        flows.move(house, job_of(house, job_id), _die)
    (step,) = steps_of(house, job_id)
    house.ledger.write(lambda tx: jobs.pause(tx, step.id, "its own reason"))
    house.ledger.write(lambda tx: jobs.pause(tx, job_id, "a person said so"))
    house.ledger.write(lambda tx: jobs.resume(tx, job_id))
    assert [(one.state, one.why) for one in steps_of(house, job_id)] == [("paused", "its own reason")]


def test_a_step_that_ends_makes_the_ticket_of_its_flow_due(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask()
    with pytest.raises(Killed):
        flows.move(house, job_of(house, job_id), _die)
    ticket = house.ledger.write(lambda tx: tickets.open_held(tx, "task", job_id, b"", house.owner, 60))
    assert ticket is not None
    house.ledger.write(lambda tx: tickets.wait(tx, ticket, 30))
    move(house, steps_of(house, job_id)[0].id)
    notices.hand_out(house)
    assert [row.id for row in house.ledger.write(lambda tx: tickets.due(tx, 30, 10))] == ["task"]


def test_steps_are_jobs_that_name_their_flow(house: Process, played: Sandbox, ask: Ask) -> None:
    job_id = ask()
    move(house, job_id)
    with house.ledger.begin() as tx:
        parents = {row.parent for row in tx.execute(jobs_table.select()).all()}
    assert parents == {None, job_id}
    assert [step.key for step in steps_of(house, job_id)] == [f"{job_id}:{name}" for name in STEPS]
