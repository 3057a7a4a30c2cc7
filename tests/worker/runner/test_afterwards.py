"""What a job asked to be sent in the end: `then` however it ended, `on_error` besides when not all went well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from sandbox.server import Sandbox
from tests.worker.runner.conftest import event
from worker import afterwards, platforms
from worker.ledger import decisions, jobs
from worker.ledger.notices import notices
from worker.notices import hand_out
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner.results import Refused

Record = Callable[..., str]
Move = Callable[[str], dict[str, Any]]
WELL, ILL = {"task": "shop.imported", "queue": "shop"}, {"task": "shop.look", "queue": "night", "kwargs": {"by": "me"}}
BOTH = {"then": [WELL], "on_error": [ILL]}
Sent = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the broker took."""
    taken: Sent = []

    def take(task: str, queue: str, kwargs: dict[str, Any]) -> bool:
        taken.append((task, queue, kwargs))
        return True

    monkeypatch.setattr(afterwards, "send", take)
    return taken


def names(house: Process, sent: Sent) -> list[str]:
    hand_out(house)
    return [task for task, _, _ in sent]


def test_a_job_without_a_mistake_sends_then_alone(house: Process, imported: Record, move: Move, sent: Sent) -> None:
    report = move(imported(event(1), event(2), **BOTH))
    assert names(house, sent) == ["shop.imported"]
    assert sent == [("shop.imported", "shop", {"report": report})]


def test_a_refused_row_sends_both(house: Process, imported: Record, move: Move, sent: Sent) -> None:
    report = move(imported(event(1), event(2, identifier=""), **BOTH))
    assert names(house, sent) == ["shop.imported", "shop.look"]
    assert sent[1] == ("shop.look", "night", {"by": "me", "report": report})


def test_lost_answers_send_both_once_whatever_is_decided(
    house: Process, played: Sandbox, imported: Record, move: Move, sent: Sent
) -> None:
    job = imported(event(1), **BOTH)
    played.fault("cut", times=1)
    assert move(job)["state"] == "undecided"
    assert names(house, sent) == ["shop.imported", "shop.look"]
    house.ledger.write(lambda tx: decisions.decide(tx, job, "was-sent", "me"))
    assert move(job)["state"] == "finished"
    assert len(names(house, sent)) == 2


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_job_that_is_stopped_sends_both(house: Process, imported: Record, sent: Sent, state: str) -> None:
    job = imported(event(1), **BOTH)
    house.ledger.write(lambda tx: jobs.stop(tx, job, state, "cancelled"))
    assert names(house, sent) == ["shop.imported", "shop.look"]


def test_a_broker_that_is_away_for_the_one_does_not_send_the_other_again(
    house: Process, imported: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = imported(event(1), **BOTH)
    tried: list[str] = []

    def take(task: str, *_: Any) -> bool:
        tried.append(task)
        return task == "shop.imported"

    monkeypatch.setattr(afterwards, "send", take)
    house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    for _ in range(2):
        hand_out(house)
        due(house)
    assert tried == ["shop.imported", "shop.look", "shop.look"]


def due(house: Process) -> None:
    house.ledger.write(lambda tx: tx.execute(update(notices).values(not_before=0)))


@pytest.mark.parametrize("steps", [[{"task": "x"}], [{"task": "x", "queue": ""}], ["x"]])
def test_an_on_error_without_a_queue_is_refused_at_the_door(imported: Record, steps: Any) -> None:
    with pytest.raises(Refused, match=r"on_error\.invalid"):
        imported(event(1), on_error=steps)


def test_a_job_of_before_keeps_its_key_and_another_on_error_is_other_content(house: Process) -> None:
    words = {"rows": [event(1)], "key": "k"}
    operation = platforms.operation("omnisense.import_user_events")
    plain, empty, other = (read_order(operation, words | more) for more in ({}, {"on_error": []}, {"on_error": [ILL]}))
    assert plain.content == empty.content != other.content
