"""Who may not be written to is dropped from campaigns of messages, and what changed since the plan is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.worker.newsletters.conftest import deliver, row
from worker import platforms
from worker.cli import newsletters_shown
from worker.newsletters import due, moves
from worker.newsletters.document import WrongDocument
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process

Kept = Callable[..., Any]
CASCADE = platforms.operation("flows.cascade_send").example["cascade"]
CAMPAIGNS = [
    ("flows.cascade_send", {"cascade": CASCADE}),
    ("devino.send_messages", {"taskId": 7004}),
]


def stop(house: Process, address: str, channel: str) -> None:
    event = Event(address, channel, "unsubscription", time.time(), "test", "marketing")
    house.ledger.write(lambda tx: register.enter(house, tx, event, "test"))


def people(count: int) -> list[dict[str, Any]]:
    return [{"contact": {"email": f"p{n}@x.example.com", "phone": f"7910339808{n}"}} for n in range(count)]


@pytest.fixture(params=CAMPAIGNS, ids=[name for name, _ in CAMPAIGNS])
def campaign(request: pytest.FixtureRequest, planned: Kept) -> Kept:
    name, payload = request.param
    return lambda *who: planned(*who, operation=name, payload=payload)


def opt_out(house: Process, number: int) -> None:
    stop(house, f"p{number}@x.example.com", "email")
    for channel in ("sms", "viber"):
        stop(house, f"7910339808{number}", channel)


def test_who_opted_out_is_dropped_when_it_is_planned(house: Process, campaign: Kept) -> None:
    opt_out(house, 0)
    stop(house, "p1@x.example.com", "email")
    kept = campaign(*people(3))
    assert (kept.people, json.loads(kept.dropped)) == (2, {"opted_out": 1})
    assert json.loads(kept.notes)["partly"] == "without an address of theirs that opted out: 1"
    assert house.seal.open(kept.content)["contacts"][0] == {"contact": {"phone": "79103398081"}}


def test_nobody_is_planned_for_when_all_opted_out(house: Process, campaign: Kept) -> None:
    opt_out(house, 0)
    with pytest.raises(WrongDocument, match="nobody to go to: opted_out 1"):
        campaign(*people(1))


def test_what_changed_until_it_was_approved_and_until_it_went_is_told(house: Process, campaign: Kept) -> None:
    kept = campaign(*people(4))
    opt_out(house, 0)
    stop(house, "p1@x.example.com", "email")
    assert moves.approve(house, kept, "anna") == 1
    now = row(house, kept.id)
    changed = (
        "1 opted out since it was planned: left out; "
        "without an address of theirs that opted out since it was planned: 1"
    )
    assert json.loads(now.notes)["changed"] == changed
    due.look(house)
    opt_out(house, 2)
    report = deliver(house, kept.id)
    assert report["skipped_by"] == {"opted_out": 1}
    said = newsletters_shown.notes(row(house, kept.id), report)["since"]
    assert said == "1 opted out between the approval and their request: left out"


def test_somebody_who_stands_twice_gets_it_once(campaign: Kept) -> None:
    first, *_ = people(1)
    again = {"contact": {**first["contact"], "email": "P0@x.example.com"}}
    assert json.loads(campaign(first, again).dropped) == {"duplicate": 1}
