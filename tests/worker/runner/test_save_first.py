"""A newsletter with `save_first`: everybody is saved, then it goes once to whoever was, whatever is killed between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sandbox.server
from sandbox.server import Sandbox
from tests.worker.runner.conftest import report
from worker import platforms
from worker.ledger import jobs
from worker.ledger.types import Row
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import call, flows
from worker.runner.results import Refused

NAME = "omnisense.send_newsletter"
LETTER = {"newsletter_template_id": 45, "title": "Hello"}
PEOPLE = [f"p{n}@shop.example.com" for n in range(3)]
Ask = Callable[..., str]


class Killed(BaseException):
    """What a kill is to the code it meets: nothing after it runs."""


@pytest.fixture
def played() -> Iterator[Sandbox]:
    with sandbox.server.start() as server:
        yield server


@pytest.fixture
def ask(house: Process) -> Ask:
    def record(emails: list[Any] = PEOPLE, save_first: Any = True, **words: Any) -> str:
        payload = {"newsletter": LETTER, "emails": emails}
        told = {"payload": payload, "options": {"save_first": save_first}, **words}
        return str(intake.put(house, read_order(platforms.operation(NAME), told)).id)

    return record


def job_of(house: Process, job_id: str) -> Row[Any]:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    return job


def move(house: Process, job_id: str) -> dict[str, Any]:
    call.move(house, job_of(house, job_id))
    return report(house, job_id)


def steps_of(house: Process, job_id: str) -> list[tuple[str, str]]:
    found = house.ledger.read(lambda tx: jobs.steps_of(tx, job_id))
    return [(step.step, step.state) for step in found]


def mails(played: Sandbox, emails: list[str] = PEOPLE) -> list[int]:
    letter = {**LETTER, "is_transactional": False}
    return played.taken([{"newsletter": letter, "email": email} for email in emails], "Omnisense")


def test_strangers_get_it_because_they_are_saved_first(house: Process, played: Sandbox, ask: Ask) -> None:
    assert move(house, ask(save_first=False))["rows"]["accepted"] == 3
    assert mails(played) == [0, 0, 0], "Omnisense ignores whom it does not know"
    job_id = ask()
    found = move(house, job_id)
    assert (found["state"], found["rows"]["total"], found["rows"]["accepted"]) == ("finished", 3, 3)
    assert steps_of(house, job_id) == [("save", "finished"), ("send", "finished")]
    assert mails(played) == [1, 1, 1]


def test_of_somebody_who_is_known_nothing_changes(house: Process, played: Sandbox, ask: Ask) -> None:
    known = {"user": {"email": PEOPLE[0], "first_name": "Ada", "optin": False}}
    saved = read_order(platforms.operation("omnisense.save_subscriber"), {"payload": known})
    move(house, str(intake.put(house, saved).id))
    move(house, ask())
    person = played.person(PEOPLE[0], "Omnisense")
    assert person is not None
    assert (person["user"]["first_name"], person["user"]["optin"]) == ("Ada", False)
    assert mails(played) == [0, 1, 1], "an opt-out is no stranger"


def test_who_cant_be_saved_is_refused_and_not_sent_to(house: Process, played: Sandbox, ask: Ask) -> None:
    played.fault("status", times=1, status=422, path="/subscriber", body='{"error": "no such mailbox"}')
    found = move(house, ask())
    assert (found["rows"]["accepted"], found["rows"]["refused"]) == (2, 1)
    assert found["refused_by"] == {"omnisense.422": 1}
    assert mails(played) == [0, 1, 1]


def test_if_nobody_could_be_saved_nothing_is_sent(house: Process, played: Sandbox, ask: Ask) -> None:
    played.fault("status", status=422, path="/subscriber", body='{"error": "no such mailbox"}')
    job_id = ask()
    assert move(house, job_id)["rows"]["refused"] == 3
    assert steps_of(house, job_id) == [("save", "finished")]
    assert played.counts()["by_path"].keys() == {"/api/v1/subscriber"}


@pytest.mark.parametrize("killed_at", ["save", "send"])
def test_a_kill_after_a_step_was_recorded_goes_on_there(
    killed_at: str, house: Process, played: Sandbox, ask: Ask
) -> None:
    job_id = ask()

    def die(process: Process, step: Row[Any]) -> None:
        if step.step == killed_at:
            raise Killed
        call.move(process, step)

    with pytest.raises(Killed):
        flows.move(house, job_of(house, job_id), die)
    for step in house.ledger.read(lambda tx: jobs.steps_of(tx, job_id)):
        move(house, step.id)
    assert move(house, job_id)["rows"]["accepted"] == 3
    assert mails(played) == [1, 1, 1]


def test_a_newsletter_whose_answer_was_lost_is_unsure_and_not_sent_again(
    house: Process, played: Sandbox, ask: Ask
) -> None:
    played.fault("cut", times=1, path="/newsletter")
    job_id = ask()
    assert move(house, job_id)["rows"]["unsure"] == 3
    assert move(house, job_id)["state"] == "undecided"
    assert mails(played) == [1, 1, 1]


def test_the_option_is_part_of_what_a_key_stands_for(house: Process, ask: Ask) -> None:
    job_id = ask(key="tonight")
    assert ask(key="tonight") == job_id
    with pytest.raises(Refused, match="key_reused"):
        ask(key="tonight", save_first=False)


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        (NAME, {"save_first": "yes"}, "options.save_first"),
        (NAME, {"save_last": True}, "options.unknown"),
        ("omnisense.save_subscriber", {"save_first": True}, "options.unknown"),
    ],
)
def test_what_an_operation_does_not_know_is_refused(house: Process, name: str, options: Any, code: str) -> None:
    operation = platforms.operation(name)
    with pytest.raises(Refused) as error:
        read_order(operation, {"payload": operation.example, "options": options})
    assert error.value.code == code
