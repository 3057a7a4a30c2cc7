"""Opt-outs that Omnisend only lists: read by slots, announced once each, on both databases."""

from __future__ import annotations

import datetime as dt
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from sandbox.server import Sandbox
from schedules.declared import declared, schedule
from schedules.look import look, look_at
from schedules.reading import Reading
from schedules.schedule import Schedule
from schedules.start import start
from tasks import follow_ups
from tests.schedules.conftest import history, states
from tests.worker.runner.conftest import house, played, woken  # noqa: F401 - fixtures
from worker import notices, platforms
from worker.ledger import alarms, consents, jobs, owners, receipts
from worker.ledger import notices as ledger_notices
from worker.ledger import slots as ledger_slots
from worker.ledger.consents import Place
from worker.ledger.notices import notices as table
from worker.ledger.schedules import schedules
from worker.ledger.slots import slots
from worker.orders.words import MARKETING
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process
from worker.runner import call

NAME, SOURCE = "omnisend-opt-outs", "omnisend/default"
OUT, IN = "unsubscribed", "subscribed"
DATE = "2026-10-01T12:00:00Z"
AT = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC).timestamp()
LIST = "/v3/contacts"

Shop = Callable[..., None]
Due = Callable[[], Schedule]


def contact(n: int, status: str = OUT, date: str = DATE) -> dict[str, Any]:
    email = {"type": "email", "id": f"p{n}@example.com", "channels": {"email": {"status": status, "statusDate": date}}}
    return {"identifiers": [email]}


@pytest.fixture(autouse=True)
def unwoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no broker: a test moves the jobs of opt-outs by hand."""
    monkeypatch.setattr(follow_ups, "wake_up", lambda _job: True)


@pytest.fixture
def shop(played: Sandbox) -> Shop:  # noqa: F811
    """Contacts change at Omnisend itself."""
    role: Any = played._stage.role_called("Omnisend")

    def save(*contents: dict[str, Any]) -> None:
        for one in contents:
            role.contacts.save(one, dt.datetime.now(dt.UTC))

    return save


@pytest.fixture
def due(house: Process) -> Due:  # noqa: F811
    """A further slot is due, of the schedule with pages of two contacts."""

    def make() -> Schedule:
        found = schedule(NAME)
        assert found.reads is not None
        reads = replace(found.reads, payload={**found.reads.payload, "limit": 2})
        found = replace(found, reads=reads, payload=reads.payload)
        slot = int(time.time()) + len(history(house, found))
        house.ledger.write(lambda tx: tx.execute(insert(slots).values(schedule=NAME, slot=slot, state="due")))
        return found

    return make


def read(house: Process, one: Schedule) -> int:  # noqa: F811
    """Look until nothing is left to read; the number of looks."""
    for looks in range(1, 20):
        look_at(house, one)
        if not {"due", "reading"} & set(states(house, one)):
            return looks
    raise AssertionError(states(house, one))


def told(house: Process) -> list[str]:  # noqa: F811
    """The addresses of the notices, in order."""
    wanted = select(table.c.content).where(table.c.kind == "omnisend.opted_out").order_by(table.c.id)
    return [house.seal.open(one)["address"] for one in house.ledger.read(lambda tx: tx.execute(wanted).scalars().all())]


def stands(house: Process, address: str, channel: str = "email") -> Any:  # noqa: F811
    return house.ledger.read(lambda tx: consents.at(tx, Place(register.hashed(house, tx, address), channel, MARKETING)))


def people(*numbers: int) -> list[str]:
    return [f"p{n}@example.com" for n in numbers]


def test_an_opt_out_at_omnisend_enters_the_register_with_its_own_date(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    number = {"type": "phone", "id": "+443031237301", "channels": {"sms": {"status": OUT, "statusDate": DATE}}}
    shop({"identifiers": [*contact(1)["identifiers"], number]}, contact(2, IN))
    one = due()
    assert read(house, one) == 1
    assert history(house, one)[0].why == "It read 1 page with 1 contact; opt-outs that were not known: 2."
    notices.hand_out(house)
    for address, channel in (("p1@example.com", "email"), ("443031237301", "sms")):
        found = stands(house, address, channel)
        assert (found.state, found.reason, found.at, found.source) == ("out", "unsubscription", AT, SOURCE)
    assert stands(house, "443031237301", "viber") is None
    assert stands(house, "p2@example.com") is None


def test_a_long_list_is_read_over_several_looks_and_announced_once(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    shop(*map(contact, range(15)))
    assert read(house, due()) == 3
    assert told(house) == people(*range(15))
    for _ in range(2):
        one = due()
        read(house, one)
        assert told(house) == people(*range(15))
        assert history(house, one)[-1].why == "It read 8 pages with 15 contacts; opt-outs that were not known: 0."
        notices.hand_out(house)
    assert {row.state for row in house.ledger.read(lambda tx: tx.execute(select(table.c.state)).all())} == {"handed"}


def test_who_opts_out_again_later_is_told_of_again(house: Process, shop: Shop, due: Due) -> None:  # noqa: F811
    shop(contact(1))
    read(house, due())
    notices.hand_out(house)
    shop(contact(1, IN, "2026-10-02T12:00:00Z"), contact(1, OUT, "2026-10-03T12:00:00Z"))
    read(house, due())
    notices.hand_out(house)
    assert told(house) == people(1, 1)
    assert stands(house, "p1@example.com").at == AT + 2 * 86400


def test_what_the_register_knows_is_not_announced(house: Process, shop: Shop, due: Due) -> None:  # noqa: F811
    """Of another source, a second's fraction later than Omnisend keeps it, and graver."""
    event = Event("p1@example.com", "email", "complaint", AT + 0.4, "devino/default", MARKETING)
    house.ledger.write(lambda tx: register.enter(house, tx, event, "devino/default"))
    shop(contact(1), contact(2))
    read(house, due())
    assert told(house) == people(2)


def test_our_own_opt_out_does_not_come_back_and_theirs_travels(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    def deliver() -> list[str]:
        while notices.hand_out(house) or house.ledger.read(ledger_notices.any_waiting):
            pass
        moving = select(jobs.jobs.c.id).where(jobs.jobs.c.state.in_(jobs.MOVING))
        done = []
        for job_id in house.ledger.read(lambda tx: tx.execute(moving).scalars().all()):
            job = house.ledger.read(lambda tx, job_id=job_id: jobs.get(tx, job_id))
            assert job is not None
            call.move(house, job)
            call.move(house, job)  # the first may only have made the budget
            done.append(job.operation)
        return done

    wish = Event("p1@example.com", "email", "wish", time.time() - 5, "anna", MARKETING)
    house.ledger.write(lambda tx: register.enter(house, tx, wish, "anna"))
    assert sorted(deliver()) == ["omnisend.save_contact", "omnisense.save_subscriber"]
    shop(contact(2))
    read(house, due())
    assert told(house) == people(2)
    assert deliver() == ["omnisense.save_subscriber"]
    hash_of = house.ledger.write(lambda tx: register.hashed(house, tx, "p2@example.com"))
    notes = {row.account: row.note for row in house.ledger.read(lambda tx: receipts.of(tx, hash_of)) if row.account}
    assert notes[SOURCE] == "it told of this itself"


def test_who_died_between_two_pages_has_lost_and_doubled_nothing(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop(*map(contact, range(9)))
    one = due()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Reading, "_over", dies)
        patch.setattr(ledger_slots, "put_back", dies)
        with pytest.raises(KeyboardInterrupt):
            look_at(house, one)
    assert states(house, one) == ["reading"]
    look_at(house, one)
    assert told(house) == people(*range(6)), "somebody else read on under a lease that still ran"
    house.ledger.write(lambda tx: tx.execute(update(slots).values(lease_until=time.time() - 1)))
    assert read(house, one) == 1
    assert told(house) == people(*range(9))


def test_who_died_on_this_very_machine_is_not_waited_for(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in decision 3: its lease would run for three minutes more."""
    shop(*map(contact, range(9)))
    one = due()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger_slots, "put_back", dies)
        with pytest.raises(KeyboardInterrupt):
            look_at(house, one)
    assert history(house, one)[0].lease_until > time.time() + 60
    with subprocess.Popen(["sleep", "600"]) as gone:
        dead = f"{owners.machine()}:{gone.pid}:{owners.started(gone.pid)}"
        gone.kill()
    house.ledger.write(lambda tx: tx.execute(update(slots).values(owner=dead)))
    assert read(house, one) == 1
    assert told(house) == people(*range(9))


def test_of_a_schedule_that_was_removed_nothing_is_read_any_more(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    shop(*map(contact, range(9)))
    one = due()
    look_at(house, one)
    look(house, [])
    assert states(house, one) == ["reading"], "it may only be away while its file is written"
    house.ledger.write(lambda tx: tx.execute(update(schedules).values(known_until=time.time() - 700)))
    look(house, [])
    (row,) = history(house, one)
    assert (row.state, row.reason, row.place, row.owner) == ("missed", "removed", None, None)
    assert row.why == "The schedule was removed while its list was being read."
    assert [alarm.kind for alarm in house.ledger.read(alarms.raised)] == ["slot.missed"]
    assert told(house) == people(*range(6)), "what was told stays told"


def test_a_page_that_is_lost_with_its_place_is_read_again(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    shop(*map(contact, range(9)))
    one = due()
    look_at(house, one)
    house.ledger.write(lambda tx: tx.execute(update(slots).values(place=None)))
    read(house, one)
    assert told(house) == people(*range(9))


def test_while_omnisend_is_away_the_slot_waits_and_then_goes_on(
    house: Process,  # noqa: F811
    played: Sandbox,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    shop(*map(contact, range(9)))
    one = due()
    look_at(house, one)
    played.fault("status", path=LIST, status=503, times=50)
    look_at(house, one)
    assert states(house, one) == ["reading"]
    assert history(house, one)[0].not_before > time.time() + 5
    assert "Omnisend" in history(house, one)[0].why
    played.clear()
    house.ledger.write(lambda tx: tx.execute(update(slots).values(not_before=0)))
    platforms_door_opens(house)
    read(house, one)
    assert told(house) == people(*range(9))


def platforms_door_opens(house: Process) -> None:  # noqa: F811
    from worker.ledger.doors import doors

    house.ledger.write(lambda tx: tx.execute(doors.delete()))


def test_a_place_that_omnisend_no_longer_takes_is_left_for_the_first_page(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    shop(*map(contact, range(9)))
    one = due()
    look_at(house, one)
    foreign = house.seal.close({"payload": {"next": "https://elsewhere.example.com/v3/contacts?after=1"}, "pages": 3})
    house.ledger.write(lambda tx: tx.execute(update(slots).values(place=foreign)))
    look_at(house, one)
    assert states(house, one) == ["reading"]
    house.ledger.write(lambda tx: tx.execute(update(slots).values(not_before=0)))
    read(house, one)
    assert told(house) == people(*range(9))


def test_a_list_that_can_not_be_asked_for_is_missed_with_an_alarm(
    house: Process,  # noqa: F811
    due: Due,
) -> None:
    one = due()
    assert one.reads is not None
    look_at(house, replace(one, reads=replace(one.reads, payload={"limit": 0})))
    assert states(house, one) == ["refused"]
    assert [row.kind for row in house.ledger.read(alarms.raised)] == ["slot.missed"]


def test_a_list_in_a_circle_ends(house: Process, shop: Shop, due: Due) -> None:  # noqa: F811
    """Its last page names the first as the next: seen without a memory of all pages."""
    from worker.runner import walk

    shop(*map(contact, range(15)))
    one = due()
    asked: list[Any] = []
    real = walk.Walk.steps

    def circle(self: walk.Walk, first: Any) -> Any:
        for page in real(self, first):
            asked.append(first)
            yield page if page.following else walk.Page(page.rows, dict(one.payload or {}))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk.Walk, "steps", circle)
        read(house, one)
    assert len(asked) <= 3 * 8
    assert told(house) == people(*range(15))


def test_a_slot_that_a_person_asks_for_does_not_read_beside_another(
    house: Process,  # noqa: F811
    shop: Shop,
    due: Due,
) -> None:
    shop(*map(contact, range(9)))
    one = due()
    look_at(house, one)
    asked = house.ledger.write(lambda tx: ledger_slots.ask(tx, NAME, 4711, "anna"))
    start(house, one, asked.id)
    assert sorted(states(house, one)) == ["overlap", "reading"]
    again = house.ledger.write(lambda tx: ledger_slots.ask(tx, NAME, history(house, one)[-1].slot, "anna"))
    assert again.state == "reading"


def test_every_connected_account_has_one_and_no_other(
    house: Process,  # noqa: F811
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hourly() -> list[tuple[str, str | None]]:
        return [(one.name, one.account) for one in declared() if one.name.startswith(NAME)]

    assert hourly() == [(NAME, "default")]
    (tmp_path / "accounts.toml").write_text('[omnisend.berlin]\napi_key = { env = "BERLIN" }\n[omnisend.rome]\n')
    monkeypatch.setenv("ACCOUNTS_FILE", str(tmp_path / "accounts.toml"))
    monkeypatch.setenv("BERLIN", "x")
    platforms.account.cache_clear()
    assert hourly() == [(f"{NAME}-berlin", "berlin"), (NAME, "default")]
    monkeypatch.delenv("OMNISEND_API_KEY")
    platforms.account.cache_clear()
    assert hourly() == [(f"{NAME}-berlin", "berlin")]
