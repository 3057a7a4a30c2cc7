"""Nobody who opted out is written to: looked at when a request is made ready, and once more at its mark."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.server import Sandbox
from worker import platforms
from worker.ledger import jobs, remarks, reports
from worker.orders import intake
from worker.orders.order import read_order
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process
from worker.runner import at_once, call, files, results, threshold

NEWSLETTER, MESSAGES, SUBSCRIBER = "omnisense.send_newsletter", "devino.send_messages", "omnisense.save_subscriber"
CONTACT, CASCADE = "omnisend.save_contact", "devino.create_cascade"
Report = dict[str, Any]


@pytest.fixture
def opt_out(house: Process) -> Callable[..., None]:
    def put(address: str, reason: str = "unsubscription", channel: str | None = None) -> None:
        channels = [channel] if channel else platforms.consent().channels_of(address)
        for one in channels:
            event = Event(address, one, reason, time.time(), "a test", "marketing")
            house.ledger.write(lambda tx, event=event: register.enter(house, tx, event, "a test"))  # type: ignore[misc]

    return put


@pytest.fixture
def send(house: Process) -> Callable[..., Report]:
    """Ask for a call and move it once; its report."""

    def ask(name: str, payload: dict[str, Any], **options: Any) -> Report:
        order = read_order(platforms.operation(name), {"payload": payload, "options": options})
        return moved(house, str(intake.put(house, order).id))

    return ask


def moved(house: Process, job_id: str) -> Report:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    call.move(house, job)
    report = house.ledger.read(lambda tx: reports.of(tx, job_id))
    assert report is not None
    return report


def letter(*emails: str, **more: Any) -> dict[str, Any]:
    return {"newsletter": {"newsletter_template_id": 45, **more}, "emails": list(emails)}


def known(house: Process, played: Sandbox, send: Callable[..., Report], *emails: str) -> None:
    """Omnisense writes only to whom it knows."""
    for email in emails:
        assert send(SUBSCRIBER, {"user": {"email": email}})["rows"]["accepted"] == 1


def test_who_opted_out_gets_no_newsletter_and_the_rest_does(
    house: Process, played: Sandbox, send: Callable[..., Report], opt_out: Callable[..., None]
) -> None:
    known(house, played, send, "a@example.com", "b@example.com", "c@example.com")
    opt_out("B@example.com ")
    before = played.counts()["events"]
    report = send(NEWSLETTER, letter("a@example.com", "b@example.com", "c@example.com"))
    assert (report["rows"]["accepted"], report["skipped_by"]) == (2, {"opted_out": 1})
    assert report["state"] == "finished"
    assert played.counts()["events"] - before == 2


def test_if_nobody_is_left_nothing_is_sent(
    played: Sandbox, send: Callable[..., Report], opt_out: Callable[..., None]
) -> None:
    opt_out("a@example.com")
    before = played.counts()["requests"]
    report = send(NEWSLETTER, letter("a@example.com"))
    assert (report["state"], report["skipped_by"], report["rows"]["total"]) == ("finished", {"opted_out": 1}, 1)
    assert played.counts()["requests"] == before


def test_an_opt_out_between_making_ready_and_the_mark_is_seen(
    house: Process,
    played: Sandbox,
    send: Callable[..., Report],
    opt_out: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stored in the last moment before the mark's transaction: it puts the request back to be made ready anew."""
    known(house, played, send, "a@example.com", "b@example.com")
    honest, late = threshold.Threshold.mark, [True]

    def mark(*words: Any) -> Any:
        if late.pop() if late else False:
            opt_out("b@example.com")
        return honest(*words)

    monkeypatch.setattr(threshold.Threshold, "mark", mark)
    before = played.counts()["events"]
    order = read_order(platforms.operation(NEWSLETTER), {"payload": letter("a@example.com", "b@example.com")})
    job = str(intake.put(house, order).id)
    assert moved(house, job)["rows"]["pending"] == 2
    assert moved(house, job)["skipped_by"] == {"opted_out": 1}
    assert played.counts()["events"] - before == 1


def test_a_call_that_leaves_at_once_sees_it_too(house: Process, played: Sandbox, opt_out: Callable[..., None]) -> None:
    order = read_order(platforms.operation(NEWSLETTER), {"payload": letter("a@example.com")})
    played.reset()
    process_opens_a_connection(house, order)
    leaving = next(filter(None, (at_once.ready(house, order) for _ in range(50))))  # the first look makes the budget
    assert house.ledger.write(lambda tx: leaving.may_go(house, tx)) is True
    opt_out("a@example.com")
    assert house.ledger.write(lambda tx: leaving.may_go(house, tx)) is False
    assert at_once.ready(house, order) is None


def process_opens_a_connection(house: Process, order: Any) -> None:
    account = platforms.account(order.account)
    wire = at_once.wire_of(house, order.operation, account, order.parts[0].payload, None)
    house.client.open(house.client.pack(order.operation, account.platform, account.access, wire), order.operation)


def messages(*people: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"taskId": more.pop("taskId", 7004), "contacts": [{"contact": person} for person in people], **more}


def test_a_contact_loses_the_address_that_opted_out_and_stays_behind_when_none_is_left(
    house: Process, played: Sandbox, send: Callable[..., Report], opt_out: Callable[..., None]
) -> None:
    opt_out("a@example.com")
    opt_out("+7 910 339 80 80", channel="viber")
    task = made(send)
    both = {"email": "a@example.com", "phone": "79103398081"}
    report = send(
        MESSAGES,
        messages({"email": "a@example.com"}, both, {"phone": "79103398080"}, {"email": "x@refused.test"}, taskId=task),
    )  # fmt: skip
    assert report["skipped_by"] == {"opted_out": 2}
    assert (report["rows"]["accepted"], report["rows"]["refused"]) == (1, 1)
    assert report["why"] == "1 × It went without an address of the contact's that opted out."
    refused = house.ledger.read(lambda tx: reports.refused_rows(tx, report["job"]))
    assert [row.row for row in refused] == [4]


def made(send: Callable[..., Report]) -> int:
    report = send(CASCADE, platforms.operation(CASCADE).example)
    assert report["rows"]["accepted"] == 1
    return 7004


@pytest.mark.parametrize(("reason", "goes"), [("unsubscription", 1), ("complaint", 0), ("bounce", 0)])
def test_an_unsubscription_does_not_stop_an_order_confirmation(
    reason: str,
    goes: int,
    house: Process,
    played: Sandbox,
    send: Callable[..., Report],
    opt_out: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMNISENSE_TRANSACTIONAL_TEMPLATES", "44, 45")
    platforms.account.cache_clear()
    known(house, played, send, "a@example.com")
    assert send(SUBSCRIBER, {"user": {"email": "a@example.com", "optin": False}})["rows"]["accepted"] == 1
    opt_out("a@example.com", reason)
    before = played.counts()["events"]
    report = send(NEWSLETTER, letter("a@example.com"), purpose="transactional")
    assert (report["rows"]["accepted"], report["rows"]["skipped"]) == (goes, 1 - goes)
    assert played.counts()["events"] - before == goes
    assert send(NEWSLETTER, letter("a@example.com"))["skipped_by"] == {"opted_out": 1}


@pytest.mark.parametrize(
    ("name", "payload", "options", "code", "sentence"),
    [
        (NEWSLETTER, letter("a@example.com"), {"purpose": "transactional"}, "options.purpose", "OMNISENSE_"),
        (MESSAGES, messages({"email": "a@example.com"}), {"purpose": "transactional"}, "options.purpose", "DEVINO_"),
        (SUBSCRIBER, {"udid": "a-phone"}, {"purpose": "transactional"}, "options.purpose", "never"),
        (NEWSLETTER, letter("a@example.com"), {"purpose": "fun"}, "options.purpose", "marketing or transactional"),
        (MESSAGES, {"taskId": 1, "contactIds": [1]}, {}, "unchecked", "DEVINO_STOP_GROUPS"),
        (MESSAGES, {"taskId": 1, "contactIds": [1]}, {"unchecked": "yes"}, "options.unchecked", "unchecked is true"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_with_a_sentence(
    house: Process, name: str, payload: dict[str, Any], options: dict[str, Any], code: str, sentence: str
) -> None:
    with pytest.raises(results.Refused) as refused:
        read_order(platforms.operation(name), {"payload": payload, "options": options})
    assert refused.value.code == code
    assert sentence in " ".join(refused.value.reasons)


BOOK = {
    "taskName": "To a group",
    "type": "SIMPLE",
    "addressBookSource": {"contactGroupIds": [5], "stopContactGroupIds": [9]},
    "triggers": [
        {
            "index": 0,
            "startTime": "2099-04-05T11:00:00+03:00",
            "endTime": "2099-04-05T12:00:00+03:00",
            "type": "ADDRESS_BOOK_SOURCE",
            "channel": "SMS",
            "template": {"smsTemplate": {"from": "SHOP", "text": "Sale."}},
        }
    ],
}


def test_a_cascade_to_the_address_book_goes_unchecked_only_if_somebody_says_so(
    house: Process, send: Callable[..., Report]
) -> None:
    with pytest.raises(results.Refused, match="unchecked"):
        send(CASCADE, BOOK)
    report = send(CASCADE, BOOK, unchecked=True)
    assert report["rows"]["accepted"] == 1
    assert "nobody's opt-out was looked at" in report["why"]


def test_stop_groups_are_put_on_every_cascade_to_the_address_book(
    house: Process, played: Sandbox, send: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVINO_STOP_GROUPS", "17, 9")
    platforms.account.cache_clear()
    report = send(CASCADE, BOOK)
    assert (report["rows"]["accepted"], report["why"]) == (1, None)
    operation = platforms.operation(CASCADE)
    wire = at_once.wire_of(house, operation, platforms.account("devino/default"), operation.shape().load(BOOK), None)
    assert wire.body is not None
    assert wire.body["addressBookSource"]["stopContactGroupIds"] == [9, 17]


def test_an_opt_in_in_somebodys_data_is_left_out_for_who_opted_out(
    house: Process, played: Sandbox, send: Callable[..., Report], opt_out: Callable[..., None]
) -> None:
    opt_out("a@example.com")
    user = {"email": "A@example.com", "first_name": "Ann", "optin": True}
    report = send(SUBSCRIBER, {"user": user})
    assert (report["rows"]["accepted"], report["why"]) == (
        1, "1 × It says that an address may be written to which opted out: that was left out of it.",
    )  # fmt: skip
    assert send(SUBSCRIBER, {"user": {**user, "email": "b@example.com"}})["why"] is None
    identifiers = [{"type": "email", "id": "a@example.com", "channels": {"email": {"status": "subscribed"}}}]
    assert "was left out" in send(CONTACT, {"identifiers": identifiers})["why"]


def test_looking_and_storing_at_once_leaves_no_send_that_began_after_an_opt_out(
    house: Process, played: Sandbox, send: Callable[..., Report], opt_out: Callable[..., None]
) -> None:
    """Judged by what the platform took: whoever was sent to had a mark older than their opt-out."""
    emails = [f"p{n}@example.com" for n in range(20)]
    known(house, played, send, *emails)
    stored: dict[str, float] = {}

    def out(email: str) -> None:
        opt_out(email)
        stored[email] = time.time()

    sent: dict[str, Report] = {}
    threads = [threading.Thread(target=out, args=(email,)) for email in emails]
    threads += [
        threading.Thread(target=lambda email=email: sent.update({email: send(NEWSLETTER, letter(email))}))
        for email in emails
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for email, report in sent.items():
        chunk = house.ledger.read(lambda tx, report=report: call.planning.all_of_call(tx, report["job"])[0])  # type: ignore[misc]
        assert report["rows"]["accepted"] == 0 or chunk.sent_at <= stored[email]


def test_an_import_leaves_out_the_opt_in_of_who_opted_out_and_names_the_row(
    house: Process, played: Sandbox, opt_out: Callable[..., None]
) -> None:
    opt_out("b@example.com")
    rows = [{"email": f"{name}@example.com", "first_name": "X", "optin": True} for name in "abc"]
    order = read_order(platforms.operation("omnisense.import_subscribers"), {"rows": rows})
    job = intake.put(house, order)
    files.move(house, job)
    report = house.ledger.read(lambda tx: reports.of(tx, job.id))
    assert report is not None
    assert (report["rows"]["accepted"], report["skipped_by"]) == (3, {})
    assert "was left out of it" in str(report["why"])
    assert [(row.row, row.code) for row in house.ledger.read(lambda tx: remarks.of(tx, job.id))] == [
        (2, "opted_out.part")
    ]
    [said] = [one for one in played._stage.role_called("Omnisense").subscribers.imported() if "b@" in str(one)]
    assert "true" not in str(said).lower().replace("b@example.com", "")


def test_a_file_of_contacts_says_nothing_of_who_opted_out(
    house: Process, played: Sandbox, opt_out: Callable[..., None]
) -> None:
    opt_out("b@example.com")
    said = {"status": "subscribed", "statusDate": "2026-01-31T00:00:00Z"}
    rows = [{"email": f"{name}@example.com", **said} for name in "ab"]
    order = read_order(platforms.operation("omnisend.import_contacts"), {"rows": rows})
    job = intake.put(house, order)
    for _ in range(3):
        files.move(house, job)
    found = played._stage.role_called("Omnisend").state({})["contacts"]
    status = {one["identifiers"][0]["id"]: one["identifiers"][0]["channels"]["email"]["status"] for one in found}
    assert (status["a@example.com"], status["b@example.com"]) == ("subscribed", "nonSubscribed")


def test_contacts_of_a_file_who_opted_out_stay_behind(
    house: Process, played: Sandbox, opt_out: Callable[..., None]
) -> None:
    opt_out("b@example.com")
    rows = [{"email": f"{name}@example.com"} for name in "abc"]
    words = {"rows": rows, "payload": {"taskId": 7004}}
    job = intake.put(house, read_order(platforms.operation(MESSAGES), words))
    files.move(house, job)
    report = house.ledger.read(lambda tx: reports.of(tx, job.id))
    assert report is not None
    assert (report["state"], report["rows"]["accepted"], report["skipped_by"]) == ("finished", 2, {"opted_out": 1})


def test_who_is_saved_first_may_still_be_sent_a_confirmation(
    house: Process, played: Sandbox, opt_out: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The purpose is that of the newsletter, and no business of the step that saves its recipients."""
    monkeypatch.setenv("OMNISENSE_TRANSACTIONAL_TEMPLATES", "45")
    platforms.account.cache_clear()
    opt_out("a@example.com")
    words = {"payload": letter("a@example.com"), "options": {"purpose": "transactional", "save_first": True}}
    job = str(intake.put(house, read_order(platforms.operation(NEWSLETTER), words)).id)
    for _ in range(5):
        report = moved(house, job)
    assert (report["state"], report["rows"]["accepted"]) == ("finished", 1)


@pytest.mark.parametrize(
    ("user", "refused"),
    [({"optin": True}, True), ({"optin_sms": True, "email": "a@example.com"}, True), ({"optin": False}, False)],
)
def test_a_yes_of_somebody_named_by_id_alone_is_refused(house: Process, user: dict[str, Any], refused: bool) -> None:
    words = {"payload": {"trid": "t-1", "user": user}}
    operation = platforms.operation("omnisense.save_subscriber")
    if refused:
        with pytest.raises(results.Refused) as error:
            read_order(operation, words)
        assert error.value.code == "unchecked"
    read_order(operation, words | {"options": {"unchecked": True}})
