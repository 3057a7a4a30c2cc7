"""Messages: contacts and what they are refused for, cutting into requests, and the request itself."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.devino import messages
from tests.tasks.devino.conftest import OPERATIONS, codes, loaded, wires
from worker.checking.check import check_payload
from worker.facts.wire import Sending
from worker.operation import Limits

ANNA = {"contact": {"email": "anna@shop.test", "phone": "79103398080"}}


def to(*contacts: Any, **changes: Any) -> dict[str, Any]:
    return {"taskId": 7004, "contacts": list(contacts), **changes}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("79103398080", "79103398080"),
        ("+79103398080", "79103398080"),
        ("+7 910 339-80-80", "79103398080"),
        ("12345678", "12345678"),
        ("123456789012345", "123456789012345"),
        ("1234567", None),
        ("1234567890123456", None),
        ("++79103398080", None),
        ("7(910)3398080", None),
        ("７9103398080", None),
        ("79103398080\n", None),
        ("", None),
        (79103398080, None),
    ],
)
def test_a_phone_is_eight_to_fifteen_digits(written: Any, sent: str | None) -> None:
    payload = to({"contact": {"phone": written}})
    if sent is None:
        assert codes("send_messages", payload) == ["contacts.0.contact.phone.invalid"]
    else:
        assert loaded("send_messages", payload)["contacts"][0]["contact"]["phone"] == sent


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"contacts": [ANNA]}, ["taskId.missing"]),
        ({"taskId": 7004}, ["contacts.missing"]),
        (to(), ["contacts.empty"]),
        (to(contactIds=[]), ["contacts.empty", "contactIds.empty"]),
        (to(ANNA, taskId="seven"), ["taskId.invalid"]),
        (to(ANNA, taskId=0), ["taskId.invalid"]),
        (to(ANNA, taskId=1 << 63), ["taskId.invalid"]),
        (to(ANNA, taskId=True), ["taskId.invalid"]),
        (to(ANNA, taskId=7004.0), ["taskId.invalid"]),
        (to({}), ["contacts.0.contact.missing"]),
        (to({"contact": {}}), ["contacts.0.contact.email.missing"]),
        (to({"contact": {"email": None}}), ["contacts.0.contact.email.missing"]),
        (to({"contact": {"email": "anna"}}), ["contacts.0.contact.email.invalid"]),
        (
            to({"contact": {"mail": "anna@shop.test"}}),
            ["contacts.0.contact.mail.unknown"],
        ),
        (to(ANNA | {"email": "anna@shop.test"}), ["contacts.0.email.unknown"]),
        (to(ANNA | {"callbackUrl": "shop.test"}), ["contacts.0.callbackUrl.invalid"]),
        (to(ANNA | {"callbackData": "order-1"}), ["contacts.0.callbackData.invalid"]),
        (to(ANNA | {"callbackData": {"order": {"id": 1}}}), ["contacts.0.callbackData.nested"]),
        (to(ANNA, callbackUrl="https://shop.test"), ["callbackUrl.unknown"]),
        (to(contactIds=[0]) | {"contacts": None}, ["contactIds.0.invalid"]),
        (to(contactIds=[" "]) | {"contacts": None}, ["contactIds.0.invalid"]),
        (to(contactIds=[True]) | {"contacts": None}, ["contactIds.0.invalid"]),
        (to(contactIds=[1.5]) | {"contacts": None}, ["contactIds.0.invalid"]),
        (to(ANNA, templates={"sms": {"smsTemplate": {}}}), ["templates.sms.key.invalid"]),
        (to(ANNA, templates={"5": {}}), ["templates.5.value.invalid"]),
        (to(ANNA, templates=[]), ["templates.invalid"]),
        (to({"contact": {"pushInfo": [{"appId": "1", "os": 1}]}}), ["contacts.0.contact.pushInfo.0.pushToken.missing"]),
        (
            to({"contact": {"pushInfo": [{"appId": 1, "os": 1, "pushToken": "t"}]}}),
            ["contacts.0.contact.pushInfo.0.appId.invalid"],
        ),
        (
            to({"contact": {"email": "a@shop.test", "fields": [{"name": "n", "type": 4, "value": 1}]}}),
            ["contacts.0.contact.fields.0.type.not_one_of"],
        ),
        (
            to({"contact": {"email": "a@shop.test", "fields": [{"type": 3, "value": 1}]}}),
            ["contacts.0.contact.fields.0.name.missing"],
        ),
    ],
)
def test_messages_that_cant_be_sent_are_refused(payload: dict[str, Any], found: list[str]) -> None:
    assert sorted(codes("send_messages", payload)) == sorted(found)


def test_reasons_never_hold_an_address() -> None:
    payload = to({"contact": {"email": "anna at shop.test", "phone": "0079103398080123", "anna@shop.test": 1}})
    for refusal in check_payload(payload, OPERATIONS["send_messages"].shape)[1]:
        assert "anna" not in repr(refusal)
        assert "7910" not in repr(refusal)


def test_ids_keep_the_type_in_which_they_were_received() -> None:
    ids = [111, "3111e47182ca9c11-3111e4711103c800", "222"]
    kept = loaded("send_messages", {"taskId": "7004", "contactIds": ids})
    assert kept == {"taskId": 7004, "contactIds": ids}


def test_a_caller_keeps_callback_and_fields() -> None:
    fields = [
        {"displayName": "Name", "name": "n", "type": kind, "value": {"a": [1, None]}} for kind in (0, 1, 2, 3, 5, 8)
    ]
    device = {"appId": "3410", "os": 1, "pushToken": "ctJ5Vz:APA91b"}
    contact = {"contact": {"fields": fields, "pushInfo": [device]}}
    contact |= {"callbackUrl": "http://shop.test/status?a=b", "callbackData": {"order": "4711", "n": 1, "paid": True}}
    (wire,) = wires(OPERATIONS["send_messages"], to(contact))
    assert wire.body == to(contact)


def test_what_stands_twice_is_sent_once_and_what_differs_stays() -> None:
    other = ANNA | {"callbackData": {"order": "2"}}
    twice = {"contact": dict(reversed(ANNA["contact"].items()))}
    kept = loaded("send_messages", to(ANNA, other, twice, contactIds=[1, "1", 2, "a", "a"]))
    assert kept["contacts"] == [ANNA, other]
    assert kept["contactIds"] == [1, 2, "a"]


def test_a_wallet_pushs_own_moment_is_written_by_devinos_clock() -> None:
    template = {"5": {"pushWalletTemplate": {"scheduledTime": "2099-01-01T00:00:00Z"}}, "6": {"smsTemplate": {}}}
    kept = loaded("send_messages", to(ANNA, templates=template))
    wire = messages.compose(kept, Sending(datetime.now(UTC), {"DEVINO_TIME_ZONE": "Europe/Moscow"}))
    assert wire.body is not None
    assert wire.body["templates"] == {
        "5": {"pushWalletTemplate": {"scheduledTime": "2099-01-01T03:00:00"}},
        "6": {"smsTemplate": {}},
    }
    assert wire.body["contacts"] == [ANNA]


def test_a_hundred_contacts_go_in_a_request_in_their_order() -> None:
    people = [{"contact": {"phone": f"7910{number:07}"}} for number in range(150)]
    payload = to(*people, contactIds=list(range(1, 101)), templates={"5": {"smsTemplate": {"text": "x"}}})
    bodies = [wire.body for wire in wires(OPERATIONS["send_messages"], payload)]
    assert [messages.count(body) for body in bodies if body] == [100, 50, 100]
    assert [one for body in bodies if body for one in body.get("contacts", [])] == people
    assert [one for body in bodies if body for one in body.get("contactIds", [])] == list(range(1, 101))
    assert {json.dumps(body["templates"]) for body in bodies if body} == {json.dumps(payload["templates"])}


ROW = st.one_of(st.integers(1, 10**9), st.text("aж-", min_size=1, max_size=40))


@given(st.lists(ROW, max_size=30), st.lists(ROW, max_size=30), st.integers(1, 9), st.integers(160, 400))
@settings(max_examples=300, deadline=None)
def test_no_request_is_larger_than_its_limits_and_no_row_is_lost(
    contacts: list[Any], ids: list[Any], rows: int, size: int
) -> None:
    lists = {"contacts": contacts, "contactIds": ids}
    whole = {"taskId": 7004, "templates": {"5": {"smsTemplate": {}}}, **{n: rows for n, rows in lists.items() if rows}}
    if not contacts and not ids:
        return
    pieces = messages.split(whole, Limits(rows, size))
    assert all(1 <= messages.count(piece) <= rows and len(msgspec.json.encode(piece)) <= size for piece in pieces)
    assert all(piece["taskId"] == 7004 and piece["templates"] == whole["templates"] for piece in pieces)
    for name, given_rows in lists.items():
        assert [row for piece in pieces for row in piece.get(name, [])] == given_rows
    assert all(len(set(piece) & set(lists)) == 1 for piece in pieces)
    for one, two in itertools.pairwise(pieces):
        (name,) = set(one) & set(lists)
        more = len(msgspec.json.encode({**one, name: [*one[name], *two.get(name, [])[:1]]})) + len("Id")
        assert name not in two or messages.count(one) == rows or more >= size - 1


def test_a_contact_that_no_request_can_carry_is_named() -> None:
    field = {"name": "n", "type": 3, "value": "x" * (1 << 20)}
    large = {"contact": {"email": "anna@shop.test", "fields": [field]}}
    assert codes("send_messages", to(ANNA, large)) == ["contacts.1.too_large"]
    template = {"5": {"emailTemplate": {"plainText": "x" * (1 << 20)}}}
    assert codes("send_messages", to(ANNA, templates=template)) == ["templates.too_large"]


def test_the_largest_contact_fills_a_request_to_its_last_byte() -> None:
    def contact(size: int) -> dict[str, Any]:
        return {"contact": {"email": "a@shop.test", "fields": [{"name": "n", "type": 3, "value": "x" * size}]}}

    spare = (1 << 20) - len(msgspec.json.encode(to(contact(0)))) - len("Id") - 1
    (wire,) = wires(OPERATIONS["send_messages"], to(contact(spare)))
    assert len(msgspec.json.encode(wire.body)) == (1 << 20) - len("Id") - 1
    assert codes("send_messages", to(contact(spare + 1))) == ["contacts.0.too_large"]
