"""What the public door answers, and what is in the ledger then (S4 to S7 of the security checks)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from tasks.devino import callbacks as devino
from tasks.omnisense import callbacks as omnisense
from tests.own_web import OLD, SECRET
from worker.facts.callback import proven
from worker.ledger.types import LedgerError
from worker.platforms import platforms
from worker.processes.process import Process

Kept = Callable[[], list[Any]]
OMNISENSE, DEVINO = "/callbacks/omnisense", "/callbacks/devino"
# The documents' own examples, as they stand there.
OPT_OUT = b"""{
        "email": "yourcustomer@test.com",
        "notification_type": "optout",
        "optout_type": "unsubscription",
        "optout_at": "2018-10-05 08:30:00 +0200"
    }"""
OPT_IN = b"""{
        "email": "yourcustomer@test.com",
        "notification_type": "optin",
        "optin_at": "2018-10-05 08:30:00 +0200"
    }"""
STATUS = b"""[
{
"messageId": "string",
"ts": 0,
"status": "string",
"errorCode": 0,
"ip": "string",
"browser": "string",
"os": "string",
"callbackData": {"additionalProp": "string"},
"userAgent": "string",
"contactId": "string",
"taskId": 0,
"triggerId": 0,
"email": "string",
"url": "string",
"geolocation": {"country":"string", "region":"string", "city":"string"},
"pushToken": "string",
"actionId": "string",
"pushApplicationId": 0
}
]"""


def post(door: FlaskClient, path: str, body: Any, secret: str = SECRET, **headers: str) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return door.post(path, query_string={"secret_key": secret}, data=data, headers=headers).status_code


def test_the_documents_examples_are_taken_as_they_stand(
    door: FlaskClient, house: Process, kept: Kept, woken: list[int]
) -> None:
    answers = [post(door, OMNISENSE, OPT_OUT), post(door, OMNISENSE, OPT_IN), post(door, DEVINO, STATUS)]
    assert answers == [200, 200, 200]
    found = kept()
    assert [row.kind for row in found] == ["omnisense.opted_out", "omnisense.opted_in", "devino.other"]
    assert [house.seal.open(row.content) for row in found] == [
        *map(json.loads, (OPT_OUT, OPT_IN)),
        json.loads(STATUS)[0],
    ]
    assert (found[0].happened_at, found[0].account, found[0].rank) == (1538721000.0, "omnisense/default", 0)
    assert len(woken) == 3


def test_the_examples_of_the_page_are_the_documents_own() -> None:
    assert list(omnisense.CALLBACKS.examples) == [json.loads(OPT_OUT), json.loads(OPT_IN)]
    assert list(devino.CALLBACKS.examples) == [json.loads(STATUS)]


@pytest.mark.parametrize("name", [one.name for one in platforms().values() if one.callbacks])
def test_every_platform_has_examples_and_each_is_understood(name: str, door: FlaskClient, kept: Kept) -> None:
    facts = platforms()[name].callbacks
    assert facts is not None
    assert facts.examples
    assert [post(door, f"/callbacks/{name}", one) for one in facts.examples] == [200] * len(facts.examples)
    assert {row.kind for row in kept()} <= set(facts.kinds)


def test_nothing_of_a_person_lies_open_in_the_ledger(door: FlaskClient, kept: Kept) -> None:
    post(door, OMNISENSE, OPT_OUT)
    assert "test.com" not in repr(tuple(kept()[0]))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "secret_key=",
        "secret_key=wrong",
        "secret_key=%FF%FE",
        "secret_key=n%C3%A4w-secret&secret_key=n%C3%A4w-secret",
        "secret_key=old+secret&secret_key=x",
        "secret_key[]=old+secret",
        "secret_key=old+secret,n%C3%A4w-secret",
        "SECRET_KEY=old+secret",
    ],
)
def test_who_proves_nothing_is_told_nothing(door: FlaskClient, kept: Kept, query: str) -> None:
    answer = door.post(f"{OMNISENSE}?{query}", data=OPT_OUT)
    assert (answer.status_code, answer.data, kept()) == (403, b"", [])


def test_a_secret_in_the_body_or_a_header_is_none(door: FlaskClient) -> None:
    assert door.post(OMNISENSE, data={"secret_key": OLD}, headers={"secret_key": OLD}).status_code == 403


def test_both_of_two_secrets_are_taken_while_they_are_changed(door: FlaskClient) -> None:
    assert [post(door, OMNISENSE, OPT_OUT, secret) for secret in (SECRET, OLD)] == [200, 200]


def test_without_secrets_of_ours_nobody_is_believed() -> None:
    assert not proven([""], []) and not proven([""], [""]) and not proven([], ["s"])
    assert proven(["s"], ["", "s"])


def test_an_account_has_a_door_of_its_own_or_none(door: FlaskClient, kept: Kept) -> None:
    assert post(door, f"{DEVINO}/berlin", STATUS, "b3rlin") == 200
    assert post(door, f"{DEVINO}/berlin", STATUS, SECRET) == 403
    for path in (f"{DEVINO}/paris", f"{DEVINO}/nobody", "/callbacks/omnisend", "/callbacks/nobody"):
        assert post(door, path, STATUS) == 404
    assert [row.account for row in kept()] == ["devino/berlin"]


def test_the_same_told_again_is_one_whatever_its_form(door: FlaskClient, kept: Kept) -> None:
    other = json.dumps(json.loads(OPT_OUT) | {"email": " YourCustomer@test.com", "more": 1}).encode()
    assert [post(door, OMNISENSE, body) for body in (OPT_OUT, OPT_OUT, other)] == [200] * 3
    assert len(kept()) == 1


@pytest.mark.parametrize("kind", ["Optout", "OPTOUT", " optout "])
def test_a_documented_kind_is_taken_in_any_case(door: FlaskClient, kept: Kept, kind: str) -> None:
    said = json.loads(OPT_OUT) | {"notification_type": kind}
    assert post(door, OMNISENSE, said) == 200
    assert [(row.kind, row.state, row.rank) for row in kept()] == [("omnisense.opted_out", "waiting", 0)]


@pytest.mark.parametrize(
    "changed",
    [
        {"notification_type": "OPT_OUT"},
        {"notification_type": "unsubscribe"},
        {"notification_type": None},
        {"email": "nobody"},
        {"email": None, "trid": "t-1", "notification_type": "optin"},
        {"optout_at": "yesterday"},
        {"notification_type": "optin", "optin_at": "0001-01-01 00:00:00 +0000"},
        {"notification_type": "optin", "optin_at": "1970-01-01 00:00:00 +0000"},
    ],
)
def test_what_may_be_an_opt_out_in_other_words_is_kept_for_a_person(
    door: FlaskClient, house: Process, kept: Kept, changed: dict[str, Any]
) -> None:
    said = json.loads(OPT_OUT) | changed
    assert post(door, OMNISENSE, said) == 200
    alarm, aside = sorted(kept(), key=lambda row: row.state != "waiting")
    assert (aside.kind, aside.state, house.seal.open(aside.content)) == ("omnisense.unread", "quarantined", said)
    assert alarm.kind == "alarm.raised"


def test_of_an_array_each_that_can_be_read_is_kept(door: FlaskClient, kept: Kept) -> None:
    status = {"messageId": 6412345678901234567, "status": "Delivered", "ts": 1700000000}
    deep: Any = "x"
    for _ in range(40):
        deep = [deep]
    body = [status, 3, None, {"status": 5}, {"status": "delivered", "deep": deep}, status | {"status": "novel"}]
    assert post(door, DEVINO, body) == 200
    found = kept()
    good = [(row.kind, row.subject) for row in found if row.state == "waiting" and row.account]
    assert good == [("devino.delivered", "6412345678901234567"), ("devino.other", "6412345678901234567")]
    assert [row.subject for row in found if row.kind == "alarm.raised"] == ["callback.unread/devino/default"]
    assert [row.state for row in found].count("quarantined") == 4


def test_a_large_call_is_taken_whole(door: FlaskClient, kept: Kept) -> None:
    body = [{"messageId": str(n), "status": "opened", "ts": 1} for n in range(700)] + [7]
    assert [post(door, DEVINO, body), post(door, DEVINO, body)] == [200, 200]
    assert sorted(row.subject for row in kept() if row.state == "waiting" and row.account) == sorted(
        map(str, range(700))
    )
    assert [row.state for row in kept()].count("quarantined") == 1


def test_an_element_with_bytes_that_are_no_text_loses_none(door: FlaskClient, kept: Kept) -> None:
    body = b'[{"messageId": "a\\u0000b\xff\\ud800", "status": "opened"}, {"messageId": 9, "status": "clicked"}]'
    assert post(door, DEVINO, body) == 200
    assert [row.kind for row in kept() if row.state == "waiting"] == ["devino.opened", "devino.clicked"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1,",
        b'{"a":' * 50_000,
        b"1" * 10_000,
        b"[" + b"0," * 20_000 + b"0]",
    ],
    ids=["empty", "words", "bytes", "deep", "cut", "deep objects", "digits", "long"],
)
def test_what_nobody_understands_is_kept_and_heard_of(
    door: FlaskClient, house: Process, kept: Kept, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    assert post(door, DEVINO, body) == 200
    found = {row.kind: row.state for row in kept()}
    assert found == {"devino.unread": "quarantined", "alarm.raised": "waiting"}
    assert any(line.levelno == logging.ERROR for line in caplog.records)


def test_no_depth_keeps_its_neighbours_from_being_kept(door: FlaskClient, kept: Kept) -> None:
    """Where JSON can be read and not be written again is a window of a few levels; where, depends on the stack."""
    depths = range(800, 1000)
    body = '[{"status": "unsubscribed", "email": "v@x.y", "deep": %s}, {"status": "unsubscribed", "messageId": "%d"}]'
    answers = {post(door, DEVINO, (body % ("[" * deep + "]" * deep, deep)).encode()) for deep in depths}
    assert answers == {200}
    read = {row.subject for row in kept() if row.state == "waiting" and row.account}
    whole = [row for row in kept() if row.state == "quarantined" and "JSON" in row.why]
    assert len(read) + len(whole) == len(depths) and len(read) > 100


def test_nothing_is_unpacked(door: FlaskClient, kept: Kept) -> None:
    assert post(door, DEVINO, STATUS, **{"Content-Encoding": "gzip"}) == 200
    assert kept()[0].state == "quarantined"


def test_what_is_too_large_is_refused(door: FlaskClient, kept: Kept) -> None:
    assert post(door, DEVINO, b" " * ((1 << 20) + 1)) == 413
    assert post(door, DEVINO, STATUS + b" " * ((1 << 20) - len(STATUS))) == 200
    assert len(kept()) == 1


def test_a_moment_to_come_is_now(door: FlaskClient, kept: Kept) -> None:
    later = json.loads(OPT_IN) | {"optin_at": "2999-01-01 00:00:00 +0000"}
    assert post(door, OMNISENSE, later) == 200
    row = kept()[0]
    assert row.happened_at <= row.created_at


def test_what_cannot_be_stored_is_500_and_names_nothing(
    door: FlaskClient,
    house: Process,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    woken: list[int],
) -> None:
    def full(*_work: Any) -> Any:
        raise OperationalError("INSERT yourcustomer@test.com", None, Exception("disk full"))

    for verb in ("write", "join"):
        monkeypatch.setattr(house.ledger, verb, full)
    assert issubclass(OperationalError, LedgerError)
    assert post(door, OMNISENSE, OPT_OUT) == 500
    assert door.get("/readyz").status_code == 503
    assert door.get("/healthz").status_code == 200
    assert "test.com" not in caplog.text and woken == []


def test_ready_means_that_the_ledger_takes_a_write(door: FlaskClient) -> None:
    assert door.get("/readyz").status_code == 200


def test_a_get_is_not_a_callback(door: FlaskClient) -> None:
    assert door.get(DEVINO, query_string={"secret_key": SECRET}).status_code == 405
