"""What Omnisense takes, and what its rows are refused for."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from tasks.omnisense.shapes import Event, UserEvent
from tasks.omnisense.values import moment
from worker.checking.check import check_payload

GOOD: dict[str, Any] = {"email": "a@example.com", "date": "2026-01-31T12:00:00Z", "identifier": "order.placed"}
CALL: dict[str, Any] = {"email": "a@example.com", "user_event": {"identifier": "order.placed"}}


def _codes(payload: dict[str, Any], shape: type[Event | UserEvent] = Event) -> list[str]:
    return [refusal.code for refusal in check_payload(payload, shape)[1]]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31 12:00:00Z"),
        ("2026-01-31 12:00:00Z", "2026-01-31 12:00:00Z"),
        ("2026-01-31T12:00:00.999Z", "2026-01-31 12:00:00Z"),
        ("2026-01-31T12:00:00,999999+00:00", "2026-01-31 12:00:00Z"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31 10:00:00Z"),
        ("2026-01-31 12:00:00-0530", "2026-01-31 17:30:00Z"),
        ("2026-01-31T12:00+02", "2026-01-31 10:00:00Z"),
        ("2026-01-31T12Z", "2026-01-31 12:00:00Z"),
        ("20260131T120000Z", "2026-01-31 12:00:00Z"),
        ("2026-W05-6T12:00:00Z", "2026-01-31 12:00:00Z"),
        ("2026-01-01T00:00:00+00:01", "2025-12-31 23:59:00Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29 00:00:00Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31 23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59Z"),
    ],
)
def test_an_aware_date_is_sent_in_utc(written: str, sent: str) -> None:
    assert moment(written) == sent


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2026-01-31T12:00:00", "naive"),
        ("2026-01-31 12:00:00.5", "naive"),
        ("2026-01-31", "naive"),
        ("2026-02-30T12:00:00Z", "invalid"),
        ("2025-02-29T12:00:00Z", "invalid"),
        ("2026-13-01T12:00:00Z", "invalid"),
        ("2026-01-31T25:00:00Z", "invalid"),
        ("2026-01-31T12:00:60Z", "invalid"),
        ("2026-01-31T12:00:00+25:00", "invalid"),
        ("0000-01-01T00:00:00Z", "invalid"),
        ("10000-01-01T00:00:00Z", "invalid"),
        ("0001-01-01T00:00:00+14:00", "invalid"),
        ("9999-12-31T23:59:59-00:01", "invalid"),
        ("2026-01-31x12:00:00Z", "invalid"),
        ("2026-01-31\ud80012:00:00Z", "invalid"),
        ("２026-01-31T12:00:00Z", "invalid"),
        (" 2026-01-31T12:00:00Z", "invalid"),
        ("2026-01-31T12:00:00Z\n", "invalid"),
        ("1767225600", "invalid"),
        ("yesterday", "invalid"),
        ("", "invalid"),
    ],
)
def test_any_other_date_is_refused_and_the_form_is_shown(written: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        moment(written)
    assert refused.value.messages_dict["code"] == code
    assert "2026-01-31T12:00:00Z" in refused.value.messages_dict["advice"]


def test_an_event_has_the_fields_in_the_order_of_the_document() -> None:
    row = {"segments": {"id": 1}, "identifier": "x", "date": "2026-01-31T12:00:00Z", "email": "a@example.com"}
    loaded = Event().load(row)
    assert list(loaded.items()) == [
        ("email", "a@example.com"),
        ("date", "2026-01-31 12:00:00Z"),
        ("identifier", "x"),
        ("segments", {"id": 1}),
    ]


def test_segments_that_are_null_or_missing_are_left_out_and_empty_ones_stay() -> None:
    assert "segments" not in Event().load(GOOD)
    assert "segments" not in Event().load(GOOD | {"segments": None})
    assert Event().load(GOOD | {"segments": {}})["segments"] == {}


def test_plain_values_of_segments_are_unchanged() -> None:
    segments = {"text": "", "whole": 10**30, "part": 0.1, "yes": True, "none": None, "": "ключ"}
    assert Event().load(GOOD | {"segments": segments})["segments"] == segments


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": None}, "email.null"),
        ({"email": 5}, "email.invalid"),
        ({"email": ""}, "email.invalid"),
        ({"email": "nobody"}, "email.invalid"),
        ({"email": "a@example.com "}, "email.invalid"),
        ({"date": None}, "date.null"),
        ({"date": 1767225600}, "date.invalid"),
        ({"date": "2026-01-31T12:00:00"}, "date.naive"),
        ({"date": "2026-02-30T12:00:00Z"}, "date.invalid"),
        ({"identifier": None}, "identifier.null"),
        ({"identifier": ""}, "identifier.empty"),
        ({"identifier": " \t\u3000"}, "identifier.empty"),
        ({"identifier": 1}, "identifier.invalid"),
        ({"segments": []}, "segments.invalid"),
        ({"segments": "a=b"}, "segments.invalid"),
        ({"segments": {"a": {}}}, "segments.nested"),
        ({"segments": {"a": 1, "b": [1]}}, "segments.nested"),
        ({"colour": "red"}, "colour.unknown"),
    ],
)
def test_a_broken_event_is_refused_by_its_code(change: dict[str, Any], code: str) -> None:
    assert _codes(GOOD | change) == [code]


@pytest.mark.parametrize("name", ["email", "date", "identifier"])
def test_a_field_that_has_to_be_there_is_missed(name: str) -> None:
    assert _codes({key: value for key, value in GOOD.items() if key != name}) == [f"{name}.missing"]


def test_a_user_event_has_the_fields_in_the_order_of_the_document() -> None:
    body = {"user_event": {"segments": {"id": 1}, "identifier": "x"}, "trid": "t1", "email": "a@example.com"}
    loaded = UserEvent().load(body)
    assert list(loaded) == ["email", "trid", "user_event"]
    assert list(loaded["user_event"]) == ["identifier", "segments"]


@pytest.mark.parametrize("who", [{"email": "a@example.com"}, {"trid": "t1"}, {"email": None, "trid": "t1"}])
def test_a_user_event_names_its_user_by_either(who: dict[str, Any]) -> None:
    loaded = UserEvent().load(who | {"user_event": {"identifier": "x", "segments": None}})
    assert loaded == {key: value for key, value in who.items() if value} | {"user_event": {"identifier": "x"}}


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"email": None}, ["email.missing"]),
        ({"email": None, "trid": None}, ["email.missing"]),
        ({"email": "nobody"}, ["email.invalid"]),
        ({"trid": " "}, ["trid.empty"]),
        ({"trid": 5}, ["trid.invalid"]),
        ({"user_event": None}, ["user_event.null"]),
        ({"user_event": []}, ["user_event.invalid"]),
        ({"user_event": {}}, ["user_event.identifier.missing"]),
        ({"user_event": {"identifier": ""}}, ["user_event.identifier.empty"]),
        ({"user_event": {"identifier": "x", "segments": {"a": []}}}, ["user_event.segments.nested"]),
        ({"user_event": {"identifier": "x", "date": "y"}}, ["user_event.date.unknown"]),
        ({"date": "2026-01-31T12:00:00"}, ["date.naive"]),
        (
            {"email": None, "user_event": {"a": 1}},
            ["user_event.identifier.missing", "user_event.a.unknown", "email.missing"],
        ),
    ],
)
def test_a_broken_user_event_is_refused_by_its_codes(change: dict[str, Any], codes: list[str]) -> None:
    assert _codes(CALL | change, UserEvent) == codes
