"""All contacts of Omnisend beside the register, each night: opt-outs are announced, everything else only reported."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, update

from sandbox.server import Sandbox
from schedules import differing
from schedules.declared import declared, schedule
from schedules.look import look_at
from schedules.schedule import Schedule
from tests.schedules.conftest import history
from tests.schedules.test_reading import AT, DATE, IN, OUT, Shop, contact, people, read, shop, told  # noqa: F401
from tests.worker.runner.conftest import house, played, woken  # noqa: F401 - fixtures
from worker import notices
from worker.cli import main, office
from worker.ledger import alarms, consents, slots
from worker.ledger.consents import consents as consents_table
from worker.ledger.differences import differences
from worker.ledger.notices import notices as notices_table
from worker.orders.words import MARKETING
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process

NAME = "omnisend-comparison"
LONG_AGO, LATER = "2026-09-01T12:00:00Z", "2026-10-02T12:00:00Z"
Due = Callable[[], Schedule]
Known = Callable[..., None]


@pytest.fixture(autouse=True)
def unwoken(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import follow_ups

    monkeypatch.setattr(follow_ups, "wake_up", lambda _job: True)


@pytest.fixture
def due(house: Process) -> Due:  # noqa: F811
    """A further slot of the comparison is due, with pages of two contacts."""

    def make() -> Schedule:
        found = schedule(NAME)
        assert found.reads is not None
        reads = replace(found.reads, payload={**found.reads.payload, "limit": 2})
        slot = int(time.time()) + len(history(house, found))
        values = {"schedule": NAME, "slot": slot, "state": "due"}
        house.ledger.write(lambda tx: tx.execute(insert(slots.slots).values(**values)))
        return replace(found, reads=reads, payload=reads.payload)

    return make


@pytest.fixture
def known(house: Process) -> Known:  # noqa: F811
    """The register was told this, two hours ago."""

    def enter(n: int, reason: str, date: str) -> None:
        at = dt.datetime.fromisoformat(date).timestamp()
        event = Event(f"p{n}@example.com", "email", reason, at, "devino/default", MARKETING)
        house.ledger.write(lambda tx: register.enter(house, tx, event, "devino/default"))
        house.ledger.write(lambda tx: tx.execute(update(consents_table).values(changed_at=time.time() - 7200)))

    return enter


def found(house: Process) -> dict[str, str]:  # noqa: F811
    """The kind of each difference, by address."""
    rows = house.ledger.read(lambda tx: tx.execute(select(differences)).all())
    return {house.seal.open(row.content)["address"]: row.kind for row in rows}


def raised(house: Process) -> list[str]:  # noqa: F811
    return [row.kind for row in house.ledger.read(alarms.raised)]


def test_what_differs_is_reported_by_kind_and_only_opt_outs_are_taken(
    house: Process,  # noqa: F811
    played: Sandbox,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
    known: Known,
) -> None:
    for n, reason, date in (
        (1, "act", LONG_AGO),
        (2, "complaint", LATER),
        (3, "unsubscription", LONG_AGO),
        (5, "act", LATER),
        (6, "unsubscription", DATE),
        (7, "bounce", DATE),
    ):
        known(n, reason, date)
    shop(*(contact(n, IN) for n in (1, 2, 3, 4, 7)), *(contact(n) for n in (5, 6, 8)))
    before = house.ledger.read(consents.last_change)
    read(house, due())
    assert found(house) == {
        "p2@example.com": "opt_out_missing",
        "p3@example.com": "opt_in_later",
        "p4@example.com": "opt_in_unknown",
        "p5@example.com": "opt_out_lifted",
        "austin.powers@example.com": "opt_in_unknown",
    }
    assert sorted(told(house)) == people(5, 8)
    assert house.ledger.read(consents.last_change) == before, "an opt-in was applied"
    assert history(house, schedule(NAME))[0].why == (
        "It read 5 pages with 9 contacts; opt-outs that were not known: 2; subscribed there though opted out here: 1; "
        "agreed there after opting out here: 1; subscribed there and unknown here: 2; "
        "opted out there before agreeing here: 1."
    )
    assert raised(house) == ["consent.differs"]


def test_an_opt_out_that_was_not_known_enters_with_its_own_date_and_once(
    house: Process,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
) -> None:
    shop(contact(1))
    for _ in range(2):
        read(house, due())
        notices.hand_out(house)
    assert told(house) == people(1)
    place = lambda tx: consents.Place(register.hashed(house, tx, "p1@example.com"), "email", MARKETING)  # noqa: E731
    row = house.ledger.read(lambda tx: consents.at(tx, place(tx)))
    assert (row.state, row.reason, row.at, row.source) == ("out", "unsubscription", AT, "omnisend/default")
    assert house.ledger.read(lambda tx: tx.execute(select(notices_table.c.id)).all())


def test_an_opt_out_that_may_still_be_on_its_way_is_no_difference(
    house: Process,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
) -> None:
    event = Event("p1@example.com", "email", "wish", time.time(), "anna", MARKETING)
    house.ledger.write(lambda tx: register.enter(house, tx, event, "anna"))
    shop(contact(1, IN))
    read(house, due())
    assert "p1@example.com" not in found(house)
    assert raised(house) == []


def test_the_alarm_ends_with_the_comparison_that_finds_none_missing(
    house: Process,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
    known: Known,
) -> None:
    known(1, "wish", LATER)
    shop(contact(1, IN))
    read(house, due())
    assert raised(house) == ["consent.differs"]
    shop(contact(1, OUT, LATER))
    read(house, due())
    assert raised(house) == []


def test_who_died_between_pages_or_began_anew_has_counted_nothing_twice(
    house: Process,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop(*(contact(n, IN) for n in range(15)))
    one = due()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(slots, "put_back", dies)
        with pytest.raises(KeyboardInterrupt):
            look_at(house, one)
    house.ledger.write(lambda tx: tx.execute(update(slots.slots).values(lease_until=None, owner=None)))
    look_at(house, one)
    foreign = house.seal.close({"payload": {"next": "https://elsewhere.example.com/v3/contacts?after=1"}, "pages": 3})
    house.ledger.write(lambda tx: tx.execute(update(slots.slots).values(place=foreign)))
    look_at(house, one)
    assert found(house) == {}
    house.ledger.write(lambda tx: tx.execute(update(slots.slots).values(not_before=0)))
    read(house, one)
    assert len(house.ledger.read(lambda tx: tx.execute(select(differences)).all())) == len(found(house)) == 16
    assert "subscribed there and unknown here: 16" in history(house, one)[0].why


def test_of_each_kind_the_first_are_kept_and_all_are_counted(
    house: Process,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
    known: Known,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(differing, "KEPT", 3)
    known(1, "wish", LATER)
    shop(*(contact(n, IN) for n in range(9)))
    read(house, due())
    assert sorted(found(house).values()) == ["opt_in_unknown"] * 3 + ["opt_out_missing"]
    assert "subscribed there and unknown here: 9" in history(house, schedule(NAME))[0].why


def test_no_address_lies_open_and_the_command_shows_it(
    house: Process,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
    known: Known,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(office, "for_reading", lambda: house)
    known(1, "wish", LATER)
    shop(contact(1, IN), contact(2, IN))
    read(house, due())
    rows = house.ledger.read(lambda tx: tx.execute(select(differences)).all())
    assert not any(b"example.com" in row.content or "@" in row.who for row in rows)
    shown = CliRunner().invoke(main, ["schedules", "differences", NAME, "--kind", "opt_out_missing", "--json"])
    (only,) = json.loads(shown.stdout)["differences"]
    assert (only["address"], only["channel"], only["there_since"]) == ("p1@example.com", "email", DATE)
    assert (only["here"]["state"], only["here"]["reason"]) == ("out", "wish")
    listed = CliRunner().invoke(main, ["schedules", "differences", NAME])
    assert "p2@example.com" in listed.stdout
    nothing: Any = CliRunner().invoke(main, ["schedules", "differences", "omnisend-comparisons"])
    assert (nothing.exit_code, "Nothing was compared" in nothing.output) == (1, True)


def test_every_connected_account_is_compared(house: Process) -> None:  # noqa: F811
    assert [(one.name, one.cron) for one in declared()][-1] == (NAME, "50 4 * * *")


def test_a_missed_comparison_that_is_asked_for_again_names_nobody_twice(
    house: Process,  # noqa: F811
    shop: Shop,  # noqa: F811
    due: Due,
) -> None:
    shop(*(contact(n, IN) for n in range(7)))
    one = due()
    look_at(house, one)
    (row,) = history(house, one)
    assert row.state == "reading"
    house.ledger.write(lambda tx: slots.miss(tx, [row.id], "beat", "gone", "It was declared no more.", slots.MISS_READ))
    house.ledger.write(lambda tx: slots.ask(tx, NAME, row.slot, "anna"))
    read(house, one)
    assert len(house.ledger.read(lambda tx: tx.execute(select(differences)).all())) == len(found(house)) == 8
