"""Rows and payloads before any call: each passes whole or is refused with a code, reasons and advice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from marshmallow import Schema, ValidationError, fields, validates_schema

from worker.checking.check import check_lines, check_payload, too_long
from worker.facts.rows import Rows
from worker.operation import Limits
from worker.outcome import Refusal
from worker.sources.piece import ENVELOPE, Piece


def _even(number: int) -> None:
    if number % 2:
        raise ValidationError({"code": "odd", "reason": "is odd", "advice": "Add one."})


class Colour(Schema):
    name = fields.String(required=True)


class Thing(Schema):
    email = fields.Email(required=True)
    size = fields.Raw(allow_none=True)
    pairs = fields.Integer(strict=True, validate=_even)
    colour = fields.Nested(Colour)

    @validates_schema
    def _small(self, row: dict[str, Any], **_: Any) -> None:
        if row.get("size") == "huge":
            raise ValidationError({"code": "too_big", "reason": "is too big", "advice": "Take less."})


ROWS = Rows("things", Thing)
GOOD = b'{"email":"a@example.com"}'


def _refusal(line: bytes, rows: Rows = ROWS) -> Refusal:
    checked = check_lines([7], [line], rows)
    assert not checked.rows
    (refusal,) = checked.refusals
    assert refusal.row == 7
    assert refusal.reason.endswith(".")
    assert refusal.reason.isprintable()
    return refusal


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"email":"a@example.com\xff"}', "row.utf8"),
        (b'{"email":"\xed\xa0\x80"}', "row.utf8"),
        (b'{"email":"a\0b"}', "row.nul"),
        (b"\0" * 100, "row.nul"),
        (b"{", "row.json"),
        (b"nonsense", "row.json"),
        (b"{}{}", "row.json"),
        (b"{'email':1}", "row.json"),
        (b'{"email":01}', "row.json"),
        (b'{"email":"\t"}', "row.json"),
        (b'\xef\xbb\xbf{"email":1}', "row.json"),
        (b'{"email":NaN', "row.json"),
        (b'{"email":"\\ud800"}', "row.surrogate"),
        (b'{"email":"\\udc00x"}', "row.surrogate"),
        (b'{"\\ud800":1}', "row.surrogate"),
        (b'{"size":NaN}', "row.nan"),
        (b'{"size":[1,-Infinity]}', "row.nan"),
        (b"Infinity", "row.nan"),
        (b'{"size":1e400}', "row.number"),
        (b'{"size":%s}' % (b"9" * 5000), "row.number"),
        (b"[]", "row.not_object"),
        (b"1", "row.not_object"),
        (b"null", "row.not_object"),
        (b'"text"', "row.not_object"),
        (b"[" * 100_000, "row.too_deep"),
        (b'{"size":' * 50_000 + b"1" + b"}" * 50_000, "row.too_deep"),
        (b'{"email":"a@example.com","size":"\\u0000"}', "text.nul"),
        (b'{"email":"a@example.com","size":{"\\u0000":1}}', "text.nul"),
        (b"{}", "email.missing"),
        (b'{"email":null}', "email.null"),
        (b'{"email":1}', "email.invalid"),
        (b'{"email":"nobody"}', "email.invalid"),
        (b'{"email":"a@example.com","pairs":"2"}', "pairs.invalid"),
        (b'{"email":"a@example.com","pairs":3}', "pairs.odd"),
        (b'{"email":"a@example.com","colour":{}}', "colour.name.missing"),
        (b'{"email":"a@example.com","colour":{"name":"red","row":1}}', "colour.row.unknown"),
        (b'{"email":"a@example.com","size":"huge"}', "row.too_big"),
        (b'{"email":"a@example.com","taste":1}', "taste.unknown"),
        (b'{"email":"a@example.com","code":"x"}', "code.unknown"),
    ],
)
def test_a_broken_row_is_refused_by_its_code(line: bytes, code: str) -> None:
    assert _refusal(line).code == code


def test_good_rows_go_and_each_bad_one_has_one_refusal() -> None:
    checked = check_lines([3, 5, 6], [GOOD, b"[]", GOOD], ROWS)
    assert checked.rows == [{"email": "a@example.com"}] * 2
    assert [(refusal.row, refusal.code) for refusal in checked.refusals] == [(5, "row.not_object")]


def test_all_reasons_of_a_row_are_told_under_the_code_of_the_first() -> None:
    refusal = _refusal(b'{"pairs":3,"taste":1}')
    assert refusal.code == "email.missing"
    assert refusal.reason == "email is missing. pairs is odd. taste is not a known field."
    assert refusal.advice == "Add it. Add one. Leave it out, or correct its name."


def test_a_row_with_thousands_of_unknown_fields_has_a_short_reason() -> None:
    refusal = _refusal(json.dumps({f"field{n}": n for n in range(5000)}).encode())
    assert refusal.reason.endswith("And 4991 more.")
    assert len(refusal.reason) < 1000


def test_a_reason_never_tells_a_value() -> None:
    refusal = _refusal(b'{"email":"bob@@private.example","pairs":4711,"bob@private.example":1}')
    assert "bob" not in refusal.reason + refusal.code + refusal.advice
    assert "4711" not in refusal.reason
    assert "(address).unknown" not in refusal.code
    assert "(address) is not a known field." in refusal.reason


def test_the_name_of_an_unknown_field_is_cut_and_made_printable() -> None:
    refusal = _refusal(json.dumps({"email": "a@example.com", "\x1b[31m\u202e" + "x" * 100: 1}).encode())
    assert refusal.code == "?[31m?" + "x" * 54 + ".unknown"


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    checked = check_lines([1], [b'{"email":"a@example.com","size":"\\\\u0000"}'], ROWS)
    assert checked.rows[0]["size"] == "\\u0000"


@pytest.mark.parametrize("number", ["0", "-0.0", "1.0", "1e22", "0.1", "12345678901234567890123", "-" + "9" * 400])
def test_numbers_survive_unchanged(number: str) -> None:
    checked = check_lines([1], [b'{"email":"a@example.com","size":%s}' % number.encode()], ROWS)
    sent = msgspec.json.decode(msgspec.json.encode(checked.rows))[0]["size"]
    assert (repr(sent), type(sent)) == (repr(json.loads(number)), type(json.loads(number)))


def test_of_a_doubled_key_the_checked_value_is_the_one_that_is_sent() -> None:
    checked = check_lines([1], [b'{"email":"nobody","email":"a@example.com"}'], ROWS)
    assert msgspec.json.encode(checked.rows) == b'[{"email":"a@example.com"}]'


def test_a_precheck_spares_the_good_rows_around_a_bad_one_the_slow_way() -> None:
    slowly: list[Any] = []

    class Watched(Thing):
        def load(self, data: Any, **more: Any) -> Any:
            slowly.append(data)
            return super().load(data, **more)

    def precheck(lines: Sequence[bytes]) -> list[Any] | None:
        return None if b"{}" in lines else [msgspec.json.decode(line) for line in lines]

    lines = [b'{"email":"a@example.com","size":%d}' % number for number in range(100)]
    lines[41] = lines[90] = b"{}"
    checked = check_lines(range(1, 101), lines, Rows("things", Watched, precheck))
    assert [(refusal.row, refusal.code) for refusal in checked.refusals] == [
        (42, "email.missing"),
        (91, "email.missing"),
    ]
    assert [row["size"] for row in checked.rows] == [number for number in range(100) if number not in (41, 90)]
    assert 2 <= len(slowly) <= 16


def test_a_precheck_that_accepts_is_taken_at_its_word() -> None:
    assert check_lines([1], [GOOD], Rows("things", Thing, lambda lines: ["taken"] * len(lines))).rows == ["taken"]


def test_a_good_payload_is_given_back_as_it_may_be_sent() -> None:
    assert check_payload({"email": "a@example.com"}, Thing) == ({"email": "a@example.com"}, [])


def test_a_payload_is_refused_with_every_reason_at_once() -> None:
    payload = {"pairs": 3, "size": ["a\0", float("nan"), "\ud800"], "taste": 1}
    body, refusals = check_payload(payload, Thing)
    assert body is None
    assert [refusal.code for refusal in refusals] == [
        "text.nul",
        "row.surrogate",
        "row.nan",
        "email.missing",
        "pairs.odd",
        "taste.unknown",
    ]
    assert {refusal.row for refusal in refusals} == {1}


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (None, "row.not_object"),
        ([], "row.not_object"),
        ("text", "row.not_object"),
        ({"email": "a@example.com", "size": _nested(100_000)}, "row.too_deep"),
        ({"email": "a@example.com", "size": object()}, "row.json"),
        ({"email": "a@example.com", "size": float("inf")}, "row.nan"),
        ({"email": "a@example.com", "size": {"a": ["\ud800"]}}, "row.surrogate"),
        ({"email": "a@example.com", "size": {"\0": 1}}, "text.nul"),
    ],
)
def test_a_payload_that_cannot_be_sent_is_refused(payload: Any, code: str) -> None:
    body, refusals = check_payload(payload, Thing)
    assert body is None
    assert [refusal.code for refusal in refusals] == [code]


def test_a_line_that_is_too_long_is_refused_without_being_read() -> None:
    refusal = too_long(Piece(100, 10 << 20, 12, 1, 1, "", too_long=True), Limits(500, 1 << 20))
    assert (refusal.row, refusal.code) == (12, "row.too_long")
    assert f"{10 << 20} bytes" in refusal.reason
    assert f"{(1 << 20) - ENVELOPE} bytes" in refusal.reason
