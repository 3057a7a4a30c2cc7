"""A message is referred to when it is sent; what Devino tells of it settles what was unsure, and nothing else does."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select, update

from sandbox.server import Sandbox
from tasks.consent import same
from tasks.devino.callbacks import STATUSES
from tasks.devino.messages import REFERENCE
from tasks.devino.statuses import final
from worker import notices, platforms, references
from worker.facts.watched import Seen
from worker.housekeeping import watch
from worker.housekeeping.alarms import raise_alarm
from worker.ledger import alarms, claims, consents, decisions, jobs, messages, planning, remarks, reports, watched
from worker.ledger import chunks as chunk_moves
from worker.ledger.notices import notices as notice_table
from worker.ledger.tables import chunks
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.receiver import told
from worker.runner import call, preparing

SEND = "devino.send_messages"
PEOPLE = [{"email": "anna@shop.example.com"}, {"phone": "79160000002"}, {"email": "cleo@shop.example.com"}]
Tell = Callable[..., None]


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIVER_PUBLIC_URL", "https://hooks.example.com/")
    monkeypatch.setenv("DEVINO_CALLBACK_SECRETS", "s/1,old")


@pytest.fixture
def house(reachable: None, house: Process) -> Process:
    """The settings have to be there first."""
    return house


@pytest.fixture
def send(house: Process) -> Callable[..., str]:
    def one(*contacts: Any) -> str:
        rows = contacts or [{"contact": person} for person in PEOPLE]
        order = read_order(platforms.operation(SEND), {"payload": {"taskId": 7004, "contacts": list(rows)}})
        return str(intake.put(house, order).id)

    return one


@pytest.fixture
def tell(house: Process) -> Tell:
    """A callback comes in and is handed out."""
    numbers = itertools.count(1)

    def one(status: str, reference: str | None = None, **said: Any) -> None:
        data = {} if reference is None else {"callbackData": {REFERENCE: reference}}
        body = {"messageId": next(numbers), "ts": 1_700_000_000, "status": status} | data | said
        told.keep(house, platforms.account("devino/default"), json.dumps([body]).encode())
        house.ledger.write(lambda tx: tx.execute(update(notice_table).values(not_before=0)))
        while notices.hand_out(house):
            pass

    return one


def lost(house: Process, played: Sandbox, job_id: str) -> None:
    played.fault("cut", times=1, path="/omni-scheduler/api/messages")
    move(house, job_id)
    assert report(house, job_id)["state"] == "undecided"


def move(house: Process, job_id: str) -> None:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    call.move(house, job)


def report(house: Process, job_id: str) -> dict[str, Any]:
    return house.ledger.read(lambda tx: reports.of(tx, job_id)) or {}


def refer(house: Process, job_id: str, row: int) -> str:
    return references.referring(house, "devino/default", job_id, 1)(row)


def sent(house: Process, job_id: str) -> list[dict[str, Any]]:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    chunk = house.ledger.read(lambda tx: planning.of_call(tx, job_id))
    assert job is not None
    body: list[dict[str, Any]] = json.loads(preparing.prepare(house, job, chunk).pack().request.body or b"")["contacts"]
    return body


def rows(house: Process, wanted: Any) -> list[Any]:
    return house.ledger.read(lambda tx: list(tx.execute(select(wanted))))


def test_each_contact_brings_its_reference_and_nothing_of_a_person(house: Process, send: Callable[..., str]) -> None:
    own = {"contact": PEOPLE[0], "callbackUrl": "https://shop.example.com/devino", "callbackData": {"order": "5"}}
    data = {"contact": PEOPLE[1], "callbackData": {"order": "6"}}
    job_id = send(own, data, {"contact": PEOPLE[2]})
    first, second, third = sent(house, job_id)
    assert first == own
    assert second["callbackUrl"] == "https://hooks.example.com/callbacks/devino?secret_key=s%2F1"
    assert second["callbackData"] == {"order": "6", REFERENCE: refer(house, job_id, 2)}
    assert third["callbackData"] == {REFERENCE: refer(house, job_id, 3)}


def test_lost_messages_are_settled_when_each_was_spoken_of(
    house: Process, played: Sandbox, send: Callable[..., str], tell: Tell
) -> None:
    job_id = send()
    lost(house, played, job_id)
    tell("delivered", refer(house, job_id, 1))
    tell("opened", refer(house, job_id, 1))
    tell("rejected", refer(house, job_id, 3))
    assert (report(house, job_id)["state"], report(house, job_id)["rows"]["accepted"]) == ("undecided", 2)
    tell("delivered", refer(house, job_id, 2))
    found = report(house, job_id)
    assert (found["state"], found["rows"]["accepted"], found["rows"]["unsure"]) == ("finished", 3, 0)


@pytest.mark.parametrize("change", ["proof", "row", "job", "form", "account"])
def test_a_forged_reference_settles_nothing(
    house: Process, played: Sandbox, send: Callable[..., str], tell: Tell, change: str
) -> None:
    job_id = send({"contact": PEOPLE[0]})
    lost(house, played, job_id)
    true = refer(house, job_id, 1)
    forged = {
        "proof": true[:-1] + ("0" if true[-1] != "0" else "1"),
        "row": true.replace(".1.1.", ".1.2."),
        "job": "x" + true[1:],
        "form": "1",
        "account": references.referring(house, "devino/other", job_id, 1)(1),
    }[change]
    tell("delivered", forged)
    assert report(house, job_id)["state"] == "undecided"
    assert [row.state for row in rows(house, notice_table) if row.kind == "devino.delivered"] == ["quarantined"]
    assert rows(house, messages.messages) == []


def test_what_was_settled_already_stays_as_it_is(house: Process, send: Callable[..., str], tell: Tell) -> None:
    job_id = send()
    move(house, job_id)
    before = report(house, job_id)
    tell("delivered", refer(house, job_id, 1))
    assert report(house, job_id) == before


def test_a_status_that_comes_before_the_answer_waits_for_it(
    house: Process, send: Callable[..., str], tell: Tell
) -> None:
    job_id = send({"contact": PEOPLE[0]})
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(state="sending")))
    tell("delivered", refer(house, job_id, 1))
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(state="unsure")))
    house.ledger.write(lambda tx: tx.execute(update(notice_table).values(not_before=0)))
    notices.hand_out(house)
    assert report(house, job_id)["rows"]["accepted"] == 1


def test_messages_are_found_by_person_cascade_and_id(house: Process, send: Callable[..., str], tell: Tell) -> None:
    job_id = send()
    tell("delivered", refer(house, job_id, 1), messageId=6412345678901234567, taskId=7004, triggerId=63321)
    tell("opened", None, messageId=6412345678901234567)
    tell("delivered", refer(house, job_id, 2), taskId=7004)

    def look(tx: Any) -> Any:
        anna, second = (
            house.people.everywhere(tx, same(text) or "") for text in ("Anna@shop.example.com", "+79160000002")
        )
        found = [messages.of_person(tx, mark) for mark in (anna, second)]
        return found, messages.of_id(tx, "6412345678901234567"), messages.of_cascade(tx, "7004")

    (by_mail, by_phone), by_id, counts = house.ledger.write(look)
    assert [(row.message, row.status) for row in by_mail] == [("6412345678901234567", "opened")]
    assert [row.status for row in by_phone] == ["delivered"]
    assert (by_id[0].job_id, by_id[0].row, by_id[0].cascade_trigger) == (job_id, 1, "63321")
    assert {row.status: row.count for row in counts} == {"opened": 1, "delivered": 1}


def test_what_names_no_message_is_kept_aside(house: Process, tell: Tell) -> None:
    tell("delivered", messageId=None)
    assert rows(house, notice_table)[0].state == "quarantined"


@given(some.lists(some.sampled_from([*STATUSES, "novel", "newer"]), min_size=1), some.randoms())
def test_the_final_state_follows_from_the_set_alone(told_: list[str], chance: Any) -> None:
    shuffled = [*told_, *told_[: len(told_) // 2]]
    chance.shuffle(shuffled)
    assert final(shuffled) == final(sorted(set(told_)))
    if {"opened", "clicked"} & set(told_):
        assert final(told_) != "delivered"


def test_an_opt_out_finds_its_person_by_the_reference_or_by_the_message(
    house: Process, send: Callable[..., str], tell: Tell
) -> None:
    job_id = send()
    tell("unsubscribed", refer(house, job_id, 2))
    tell("delivered", refer(house, job_id, 3), messageId=77)
    tell("complained", None, messageId=77, ts=1_700_000_009)
    tell("unsubscribed", None, messageId=78)

    def out(tx: Any, address: str) -> set[tuple[str, str]]:
        who = house.people.everywhere(tx, same(address) or "")
        return {(row.channel, row.reason) for row in consents.of(tx, who) if row.state == "out"}

    assert house.ledger.read(lambda tx: out(tx, "79160000002")) == {
        ("sms", "unsubscription"),
        ("viber", "unsubscription"),
    }
    assert house.ledger.read(lambda tx: out(tx, "cleo@shop.example.com")) == {("email", "complaint")}
    unknown = [row for row in rows(house, notice_table) if row.subject == "78"]
    assert [row.state for row in unknown] == ["quarantined"]


def decide(house: Process, job_id: str, decision: str) -> None:
    house.ledger.write(lambda tx: decisions.decide(tx, job_id, decision, "anna"))


def sends(played: Sandbox) -> int:
    return sum(line["path"].endswith("/messages") for line in played.log())


def remarked(house: Process, job_id: str) -> list[str]:
    return [row.code for row in house.ledger.read(lambda tx: remarks.of(tx, job_id))]


def alarmed(house: Process) -> list[str]:
    return [row.kind for row in house.ledger.read(alarms.raised)]


@pytest.mark.parametrize("decision", ["send", "send-again"])
def test_what_was_to_go_once_more_and_is_proven_meanwhile_does_not_go(
    house: Process, played: Sandbox, send: Callable[..., str], tell: Tell, decision: str
) -> None:
    job_id = send()
    lost(house, played, job_id)
    decide(house, job_id, decision)
    for row in (1, 2, 3):
        tell("delivered", refer(house, job_id, row))
    found = report(house, job_id)
    assert (found["state"], found["rows"]["accepted"], found["rows"]["repeated"]) == ("finished", 3, 0)
    assert (remarked(house, job_id), "it had been sent, so it was not" in found["why"]) == (["sent.before"], True)
    move(house, job_id)
    assert (sends(played), alarmed(house)) == (1, [])


def test_a_lane_that_has_it_in_hand_finds_its_claim_lost(
    house: Process, played: Sandbox, send: Callable[..., str], tell: Tell
) -> None:
    job_id = send({"contact": PEOPLE[0]})
    lost(house, played, job_id)
    decide(house, job_id, "send")
    (chunk,) = house.ledger.write(lambda tx: chunk_moves.claim(tx, job_id, "lane", 60))
    tell("delivered", refer(house, job_id, 1))
    assert not house.ledger.write(lambda tx: chunk_moves.mark(tx, claims.of(chunk)))
    assert report(house, job_id)["state"] == "finished"


def test_where_not_every_row_is_proven_a_person_decides_anew(
    house: Process, played: Sandbox, send: Callable[..., str], tell: Tell
) -> None:
    job_id = send()
    lost(house, played, job_id)
    decide(house, job_id, "send")
    tell("delivered", refer(house, job_id, 2))
    move(house, job_id)
    assert (report(house, job_id)["state"], report(house, job_id)["rows"]["unsure"], sends(played)) == (
        "undecided",
        2,
        1,
    )
    with pytest.raises(decisions.HalfTaken):
        decide(house, job_id, "send")


def test_what_went_twice_is_told_once(house: Process, played: Sandbox, send: Callable[..., str], tell: Tell) -> None:
    job_id = send()
    lost(house, played, job_id)
    decide(house, job_id, "send")
    move(house, job_id)
    assert sends(played) == 2
    for trigger in (63321, 63322):  # a cascade makes a message of each
        tell("delivered", refer(house, job_id, 1), triggerId=trigger)
    assert alarmed(house) == []
    for _ in range(2):
        tell("delivered", refer(house, job_id, 1), triggerId=63321)
    assert (remarked(house, job_id), alarmed(house)) == (["sent.twice"], ["rows.sent_twice"])
    assert report(house, job_id)["rows"]["repeated"] == 3


def test_what_was_told_before_it_went_once_more_and_read_after_is_told(
    house: Process, played: Sandbox, send: Callable[..., str], tell: Tell
) -> None:
    job_id = send()
    lost(house, played, job_id)
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(sent_at=time.time() - 60)))
    decide(house, job_id, "send")
    move(house, job_id)
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(sent_at=time.time() + 60)))
    tell("delivered", refer(house, job_id, 1))
    assert alarmed(house) == ["rows.sent_twice"]


@pytest.mark.parametrize(("decision", "code"), [("send-again", []), ("drop", ["sent.dropped"])])
def test_what_somebody_chose_is_no_alarm(
    house: Process, played: Sandbox, send: Callable[..., str], tell: Tell, decision: str, code: list[str]
) -> None:
    job_id = send()
    lost(house, played, job_id)
    decide(house, job_id, decision)
    if decision == "send-again":
        move(house, job_id)
    for _ in range(sends(played)):
        tell("delivered", refer(house, job_id, 1), triggerId=63321)
    assert (remarked(house, job_id), alarmed(house)) == (code, [])


def test_that_something_went_twice_is_alarmed_for_a_day(house: Process) -> None:
    house.ledger.write(lambda tx: raise_alarm(tx, watch.SENT_TWICE, "job", "Twice."))
    watch.watch(house)
    assert watch.SENT_TWICE in alarmed(house)
    house.ledger.write(lambda tx: tx.execute(update(alarms.alarms).values(since=time.time() - 86_401)))
    watch.watch(house)
    assert watch.SENT_TWICE not in alarmed(house)


def standing(house: Process, address: str) -> set[tuple[str, str]]:
    def out(tx: Any) -> set[tuple[str, str]]:
        who = house.people.everywhere(tx, same(address) or "")
        return {(row.channel, row.reason) for row in consents.of(tx, who) if row.state == "out"}

    return house.ledger.read(out)


def test_the_trigger_of_a_known_cascade_tells_the_channel(house: Process, send: Callable[..., str], tell: Tell) -> None:
    def known(tx: Any) -> None:
        job = jobs.get(tx, send_id)
        watched.begin(tx, job, "7004")
        seen = Seen("RUNNING", {}, False, {"1": "SMS", "2": "VIBER", "3": "WHATSAPP"})
        watched.seen(tx, tx.execute(select(watched.watched)).one(), seen)

    person = {"email": "anna@shop.example.com", "phone": "79160000002"}
    send_id = send({"contact": person}, {"contact": {"email": "cleo@shop.example.com", "phone": "79160000003"}})
    house.ledger.write(known)
    tell("complained", refer(house, send_id, 1), taskId=7004, triggerId=1)
    assert standing(house, person["phone"]) == {("sms", "complaint")}
    assert standing(house, person["email"]) == set()
    tell("unsubscribed", refer(house, send_id, 2), taskId="7004", triggerId=3)
    assert standing(house, "cleo@shop.example.com") == {("email", "unsubscription")}


@pytest.mark.parametrize(
    ("said", "address", "channels"),
    [
        ({"email": "nobody", "phone": "+7 916 000-00-09"}, "79160000009", {"sms", "viber"}),
        ({"email": "nobody", "pushToken": "t0ken"}, "t0ken", {"push"}),
        ({"email": "dora@shop.example.com"}, "dora@shop.example.com", {"email"}),
    ],
)
def test_an_address_is_what_its_field_says(
    house: Process, tell: Tell, said: dict[str, str], address: str, channels: set[str]
) -> None:
    tell("unsubscribed", None, **said)
    assert {channel for channel, _ in standing(house, address)} == channels


@pytest.mark.parametrize("said", [{"email": "nobody"}, {"email": "a@"}, {"phone": "x"}, {"email": 5}])
def test_what_is_no_address_is_nobodys_token(house: Process, tell: Tell, said: dict[str, Any]) -> None:
    tell("unsubscribed", None, **said)
    assert [row.state for row in rows(house, notice_table) if row.kind == "devino.unsubscribed"] == ["quarantined"]
    assert house.ledger.read(consents.last_change) == 0


def test_a_forged_opt_in_of_a_victim_changes_nothing(house: Process, send: Callable[..., str], tell: Tell) -> None:
    tell("unsubscribed", None, email="vic@shop.example.com", ts=1_700_000_000)
    send_id = send()
    true = refer(house, send_id, 1)
    for reference in (None, true[:-1] + ("0" if true[-1] != "0" else "1")):
        tell("subscribed", reference, email="vic@shop.example.com", ts=1_700_000_100)
    assert standing(house, "vic@shop.example.com") == {("email", "unsubscription")}
    told_in = [row.state for row in rows(house, notice_table) if row.kind == "devino.subscribed"]
    assert told_in == ["quarantined", "quarantined"]


@pytest.mark.parametrize("said", [{"taskId": "70\0"}, {"triggerId": "\ud800"}, {"pushInfo": 5}, {"phone": "\0"}])
def test_an_opt_out_is_not_lost_for_what_no_document_has_beside_it(
    house: Process, tell: Tell, said: dict[str, Any]
) -> None:
    tell("unsubscribed", None, email="vic@shop.example.com", **said)
    assert standing(house, "vic@shop.example.com") == {("email", "unsubscription")}
    assert [row.state for row in rows(house, notice_table) if row.kind == "devino.unsubscribed"] == ["handed"]


@pytest.mark.parametrize("status", ["\0", "un\0subscribed", "\ud800"])
def test_a_status_in_unknown_letters_is_kept_aside_as_any_other(house: Process, tell: Tell, status: str) -> None:
    tell(status)
    assert [row.state for row in rows(house, notice_table) if row.kind == "devino.other"] == ["quarantined"]


def test_a_receiver_whose_clock_is_behind_makes_no_alarm_of_what_went_once(
    house: Process, send: Callable[..., str], tell: Tell
) -> None:
    job_id = send()
    move(house, job_id)
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(sent_at=time.time() + 60)))
    tell("delivered", refer(house, job_id, 1))
    assert (remarked(house, job_id), alarmed(house), report(house, job_id)["rows"]["repeated"]) == ([], [], 0)


@pytest.mark.parametrize("ts", [0, None, "soon"])
def test_an_opt_in_that_names_no_time_lifts_nothing(
    house: Process, send: Callable[..., str], tell: Tell, ts: Any
) -> None:
    job_id = send()
    tell("unsubscribed", refer(house, job_id, 1))
    tell("subscribed", refer(house, job_id, 1), ts=ts)
    assert standing(house, "anna@shop.example.com") == {("email", "unsubscription")}
    tell("subscribed", refer(house, job_id, 1), ts=1_700_000_100)
    assert standing(house, "anna@shop.example.com") == set()
