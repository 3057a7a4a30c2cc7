"""Where an opt-out goes: from a platform's notice to the other platforms, judged by what the sandbox has then."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox
from tasks import follow_ups, travel
from worker import notices, outage, platforms, references
from worker.cli.consent_shown import known_of
from worker.errors import Busy
from worker.ledger import chunks, claims, jobs, receipts
from worker.ledger import notices as told
from worker.orders import intake
from worker.orders.order import read_order
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process
from worker.runner import call
from worker.sources.refused import SourceAway
from worker.wake import queue_of

ANN = "ann@example.com"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were woken, with their queues."""
    names: list[str] = []
    monkeypatch.setattr(follow_ups, "wake_up", lambda job: names.append(job.id))
    return names


@pytest.fixture
def go(house: Process, rung: list[str]) -> Callable[[], list[str]]:
    """Hand out everything that waits and deliver what that set going; the operations of the jobs."""

    def step() -> list[str]:
        done = []
        for _ in range(3):
            notices.hand_out(house)
            while rung:
                job = house.ledger.read(lambda tx: jobs.get(tx, rung[0]))
                assert job is not None
                rung.pop(0)
                call.move(house, job)
                call.move(house, job)  # the first may only have made the budget
                done.append(str(job.operation))
        return done

    return step


@pytest.fixture
def notice(house: Process) -> Callable[..., None]:
    """What the receiver writes when Omnisense calls."""

    def tell(kind: str = "omnisense.opted_out", at: float = AT, **content: Any) -> None:
        said = {"email": ANN, "notification_type": "optout", "optout_type": "unsubscription"} | content
        house.ledger.write(
            lambda tx: told.announce(
                tx, kind, "", account=kind.partition(".")[0] + "/default", content=house.seal.close(said),
                happened_at=at, urgent=True,
            )
        )  # fmt: skip

    return tell


def told_of(house: Process, address: str = ANN) -> dict[str, str | None]:
    def look(tx: Any) -> dict[str, str | None]:
        found = receipts.of(tx, register.hashed(house, tx, address))
        return {row.account: row.note or row.job_state for row in found if row.account}

    return house.ledger.read(look)


def role(played: Sandbox, title: str) -> Any:
    """The platform as the sandbox plays it, for what it has in the end."""
    return played._stage.role_called(title)


def at_omnisend(played: Sandbox, **whom: str) -> dict[str, Any] | None:
    found = role(played, "Omnisend").state(whom or {"email": ANN})["contacts"]
    return found[0] if found else None


def status(contact: dict[str, Any] | None, channel: str = "email") -> dict[str, Any]:
    assert contact is not None
    [identifier] = [one for one in contact["identifiers"] if channel in one["channels"]]
    found: dict[str, Any] = identifier["channels"][channel]
    return found


def at_omnisense(played: Sandbox, address: str = ANN) -> Any:
    return role(played, "Omnisense").subscribers.find(address)


def test_an_opt_out_at_omnisense_reaches_omnisend_with_its_own_date(
    house: Process,
    played: Sandbox,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    notice()
    assert go() == ["omnisend.save_contact"]
    assert status(at_omnisend(played)) == {"status": "unsubscribed", "statusDate": "2026-03-01T12:00:00Z"}
    found = told_of(house)
    assert found["omnisend/default"] == "finished"
    assert found["omnisense/default"] == "it told of this itself"
    assert "dropped before anything is sent" in str(found["devino/default"])
    assert at_omnisense(played) is None


def test_told_twice_it_travels_once(
    house: Process,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    notice()
    go()
    notice()
    assert go() == []


def test_an_opt_out_that_somebody_wrote_down_reaches_both(
    house: Process,
    played: Sandbox,
    go: Callable[[], list[str]],
) -> None:
    event = Event("+44 303 123 7300", "sms", "wish", AT, "Eva", "marketing")
    house.ledger.write(lambda tx: register.enter(house, tx, event, "Eva"))
    assert sorted(go()) == ["omnisend.save_contact", "omnisense.save_subscriber"]
    assert status(at_omnisend(played, phone="+443031237300"), "sms")["status"] == "unsubscribed"


def test_of_devino_an_opt_out_reaches_omnisense(
    house: Process,
    played: Sandbox,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    notice("devino.unsubscribed")
    assert sorted(go()) == ["omnisend.save_contact", "omnisense.save_subscriber"]
    assert at_omnisense(played)["user"]["optin"] is False


def test_what_we_wrote_and_see_come_back_does_not_travel_again(
    house: Process,
    played: Sandbox,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    notice("devino.unsubscribed")
    go()
    notice("omnisense.opted_out", at=time.time())
    assert go() == []
    notice("omnisense.opted_out", at=AT + 5)
    assert go() == []


@pytest.mark.parametrize("travels", [False, True])
def test_a_bounce_stops_sending_and_travels_only_when_asked_for(
    travels: bool,
    house: Process,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(house.settings), "bounces_travel", travels)
    notice(optout_type="bounce")
    assert go() == (["omnisend.save_contact"] if travels else [])
    assert travels or "BOUNCES_TRAVEL=1" in str(told_of(house)["omnisend/default"])


def test_an_opt_in_never_travels_and_lifts_an_older_opt_out(
    house: Process,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    notice()
    go()
    notice("omnisense.opted_in", at=AT + 10, notification_type="optin")
    assert go() == []
    rows = house.ledger.read(lambda tx: register.consents.of(tx, register.hashed(house, tx, ANN)))
    assert {row.state for row in rows} == {"in"}


def test_platforms_that_are_not_connected_are_left_out_and_the_receipt_says_so(
    house: Process,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMNISEND_API_KEY")
    platforms.account.cache_clear()
    notice()
    assert go() == []
    assert "Omnisend is not connected" in str(told_of(house)["omnisend/default"])


def budget_is_born(house: Process) -> bool:
    with suppress(Busy):
        house.budget.take("omnisend/default", platforms.account("omnisend/default").pace)
        return True
    return False


def test_it_goes_past_a_closed_door_in_its_own_queue(
    house: Process,
    played: Sandbox,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    while not budget_is_born(house):  # before its door was closed
        pass
    for _ in range(3):
        house.ledger.write(lambda tx: outage.failed(tx, "omnisend/default", "a test"))
    notice()
    assert go() == ["omnisend.save_contact"]
    assert status(at_omnisend(played))["status"] == "unsubscribed"
    job = house.ledger.read(lambda tx: jobs.get(tx, jobs.newest(tx)[0]))
    assert job is not None
    assert queue_of("omnisend", job.kind, bool(job.urgent)) == "urgent"
    assert job.give_up_at - job.created_at > 86400


def test_what_was_on_the_wire_is_followed_by_the_opt_out_once_more(
    house: Process,
    played: Sandbox,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    """A call that says subscribed is on the wire when the opt-out is told; it arrives after it, with a later date."""
    identifiers = [{"type": "email", "id": ANN, "channels": {"email": {"status": "subscribed"}}}]
    order = read_order(platforms.operation("omnisend.save_contact"), {"payload": {"identifiers": identifiers}})
    job = str(intake.put(house, order).id)
    held = house.ledger.write(lambda tx: chunks.claim(tx, job, "somebody", 60)[0])
    notice()
    notices.hand_out(house)
    notices.hand_out(house)
    requests.post(
        f"{played.url}/v3/contacts",
        json=order.parts[0].payload,
        headers={"X-API-KEY": "sandbox-omnisend-key"},
        timeout=5,
    ).raise_for_status()
    assert status(at_omnisend(played))["status"] == "subscribed"
    house.ledger.write(lambda tx: chunks.put_back(tx, claims.of(held), 0))
    house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    house.ledger.write(lambda tx: tx.execute(told.notices.update().values(not_before=0)))
    assert go().count("omnisend.save_contact") == 2
    assert status(at_omnisend(played))["status"] == "unsubscribed"
    said = [one["note"] for one in shown(house)["receipts"] if one["account"] == "omnisend/default"]
    assert said == [None, travel.UNDER_WAY]


def shown(house: Process) -> dict[str, Any]:
    return house.ledger.read(lambda tx: known_of(house, tx, ANN))


@pytest.mark.parametrize("since", [30.0, -1.0, 7200.0], ids=["since", "clocks differ", "long ago"])
def test_the_platform_that_told_us_is_told_when_we_said_otherwise_since(
    since: float, house: Process, played: Sandbox, notice: Callable[..., None], go: Callable[[], list[str]]
) -> None:
    """She leaves there; before its callback comes, our own request says that she may be written to."""
    order = read_order(
        platforms.operation("omnisense.save_subscriber"), {"payload": {"user": {"email": ANN, "optin": True}}}
    )
    job = intake.put(house, order)
    call.move(house, job)
    call.move(house, job)
    assert at_omnisense(played)["user"]["optin"] is True
    notice(at=time.time() - since)
    said = go().count("omnisense.save_subscriber")
    # Of what she said long ago, a call that is made since is taken at its word.
    assert (said, at_omnisense(played)["user"]["optin"]) == ((0, True) if since > 3600 else (1, False))
    notes = [one["note"] for one in shown(house)["receipts"] if one["account"] == "omnisense/default"]
    assert notes == [travel.TOLD_US, *([travel.LATER_DATE] if since <= 3600 else [])]


def test_so_it_is_when_a_request_that_may_say_otherwise_is_on_the_wire(
    house: Process, notice: Callable[..., None], go: Callable[[], list[str]]
) -> None:
    event = {"email": ANN, "date": "2026-11-01 10:00:00Z", "identifier": "order"}
    for name, payload in (
        ("omnisense.record_user_event", event),
        ("omnisense.save_subscriber", {"user": {"email": ANN, "optin": True}}),
    ):
        job = str(intake.put(house, read_order(platforms.operation(name), {"payload": payload})).id)
        held = house.ledger.write(lambda tx, job=job: chunks.claim(tx, job, "somebody", 60)[0])
        notice(at=time.time() - 7200, email=f"{len(name)}@example.com")
        assert "omnisense.save_subscriber" not in go()
        house.ledger.write(lambda tx, held=held: chunks.put_back(tx, claims.of(held), 0))
        house.ledger.write(lambda tx, job=job: jobs.stop(tx, job, "cancelled", "cancelled"))
        house.ledger.write(lambda tx: tx.execute(told.notices.update().values(not_before=0)))
        assert ("omnisense.save_subscriber" in go()) is (name == "omnisense.save_subscriber")


def test_who_unsubscribed_from_a_message_is_found_by_our_own_reference(
    house: Process,
    played: Sandbox,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
) -> None:
    """Devino names nobody: the reference that went with the message does, and a forged one moves nothing."""
    contacts = [{"contact": {"email": ANN, "phone": "79103398080"}}, {"contact": {"phone": "79103398081"}}]
    order = read_order(platforms.operation("devino.send_messages"), {"payload": {"taskId": 7004, "contacts": contacts}})
    job = str(intake.put(house, order).id)
    refer = references.referring(house, "devino/default", job, 1)
    forged = refer(2)[:-1] + ("0" if refer(2)[-1] != "0" else "1")
    notice("devino.unsubscribed", status="unsubscribed", email=None, callbackData={"omniworker": forged})
    assert go() == []
    notice("devino.unsubscribed", status="unsubscribed", email=None, callbackData={"omniworker": refer(1)})
    notice("devino.complained", status="complained", email=None, callbackData={"omniworker": refer(2)})
    go()
    assert at_omnisense(played)["user"]["optin"] is False
    assert status(at_omnisend(played))["status"] == "unsubscribed"
    assert status(at_omnisend(played, phone="+79103398081"), "sms")["status"] == "unsubscribed"


def test_so_is_who_was_written_to_from_a_file(
    house: Process, played: Sandbox, notice: Callable[..., None], go: Callable[[], list[str]]
) -> None:
    words = {"rows": [{"email": "other@example.com"}, {"email": ANN}], "payload": {"taskId": 7004}}
    job = str(intake.put(house, read_order(platforms.operation("devino.send_messages"), words)).id)
    refer = references.referring(house, "devino/default", job, 1)
    notice("devino.unsubscribed", status="unsubscribed", email=None, callbackData={"omniworker": refer(2)})
    go()
    assert at_omnisense(played)["user"]["optin"] is False
    assert at_omnisense(played, "other@example.com") is None


def test_while_storage_is_away_an_opt_out_waits(
    house: Process,
    played: Sandbox,
    notice: Callable[..., None],
    go: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whose row it is stands in the copy of the file; no answer from there is no reason to give the notice up."""
    words = {"rows": [{"email": ANN}], "payload": {"taskId": 7004}}
    job = str(intake.put(house, read_order(platforms.operation("devino.send_messages"), words)).id)
    refer = references.referring(house, "devino/default", job, 1)
    with monkeypatch.context() as away:
        away.setattr(follow_ups, "rows_again", _away)
        notice("devino.unsubscribed", status="unsubscribed", email=None, callbackData={"omniworker": refer(1)})
        assert go() == []
    house.ledger.write(lambda tx: tx.execute(told.notices.update().values(not_before=0)))
    go()
    assert at_omnisense(played)["user"]["optin"] is False


def _away(*_: Any) -> Any:
    raise SourceAway("storage can't be reached")


def states(house: Process) -> set[str]:
    rows = house.ledger.read(lambda tx: register.consents.of(tx, register.hashed(house, tx, ANN)))
    return {row.state for row in rows}


def test_an_opt_in_at_devino_counts_only_of_a_message_of_ours(
    house: Process, notice: Callable[..., None], go: Callable[[], list[str]]
) -> None:
    """Devino signs nothing: whoever learns the address of the door could lift anybody's opt-out by naming them."""
    contacts = [{"contact": {"email": ANN}}]
    order = read_order(platforms.operation("devino.send_messages"), {"payload": {"taskId": 7004, "contacts": contacts}})
    refer = references.referring(house, "devino/default", str(intake.put(house, order).id), 1)
    notice("devino.unsubscribed", at=AT, status="unsubscribed")
    go()
    notice("devino.subscribed", at=AT + 10, status="subscribed")
    notice("devino.subscribed", at=AT + 10, status="subscribed", callbackData={"omniworker": "nonsense"})
    go()
    assert states(house) == {"out"}
    kept = house.ledger.read(lambda tx: told.counts(tx))
    assert kept["quarantined"] == 2
    ours = {"status": "subscribed", "ts": int(AT + 10) * 1000, "callbackData": {"omniworker": refer(1)}}
    notice("devino.subscribed", at=AT + 10, email=None, **ours)
    go()
    assert states(house) == {"in"}
