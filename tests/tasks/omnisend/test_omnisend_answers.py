"""What Omnisend's answers mean, in every form that its documents have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.omnisend.answers import read
from tasks.omnisend.operations import OPERATIONS
from worker.operation import Reading, Unreadable

SAVE, UPDATE, GET, LIST, GET_V4, IMPORT = OPERATIONS


def answer(status: int, said: Any, operation: Any = SAVE) -> Reading:
    return read(operation, status, {}, said if isinstance(said, bytes) else json.dumps(said).encode())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"0": ["email: is not valid", "tags: too many"]}, "email: is not valid; tags: too many"),
        (["email: is not valid"], "email: is not valid"),
        ([["email: is not valid"], ["tags: too many"]], "email: is not valid; tags: too many"),
        ([], ""),
        (None, ""),
        (5, ""),
    ],
)
def test_fields_are_read_as_list_and_as_object(fields: Any, told: str) -> None:
    reading = answer(400, {"error": "Bad Request", "fields": fields})
    assert not reading.accepted
    assert reading.code == "omnisend.400"
    assert reading.reason == ("Bad Request" + f" ({told})" * bool(told))


def test_problem_details_of_newer_versions_are_read() -> None:
    said = {
        "type": "about:blank",
        "title": "Bad Request",
        "detail": "two fields are wrong",
        "errors": [{"field": "email", "code": "taken", "message": "is taken"}, {"field": "phone", "code": "format"}],
    }
    assert answer(400, said).reason == "two fields are wrong (email: is taken; phone: format)"


@pytest.mark.parametrize(
    ("status", "word"), [(404, "save_contact"), (409, "another contact"), (410, "updated"), (422, "missing")]
)
@pytest.mark.parametrize("said", [b"", {"error": "no"}, {}, []])
def test_a_no_says_what_it_means_here(status: int, word: str, said: Any) -> None:
    reading = answer(status, said)
    assert (reading.accepted, reading.code) == (False, f"omnisend.{status}")
    assert word in reading.reason


@pytest.mark.parametrize("said", [{"error": "no"}, {"errors": [{"field": "a", "code": "b"}]}])
def test_an_error_inside_a_200_is_a_no(said: Any) -> None:
    assert not answer(200, said).accepted


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("said", [b"", b" ", b"{", b"<html>", b"\xff", b"[" * 100_000, [], 5, "ok", {}, None])
def test_a_200_that_is_not_omnisends_can_not_be_read(operation: Any, said: Any) -> None:
    with pytest.raises(Unreadable):
        answer(200, said, operation)


def test_a_list_without_its_contacts_can_not_be_read() -> None:
    with pytest.raises(Unreadable):
        answer(200, {"contacts": None, "paging": {}}, LIST)
    with pytest.raises(Unreadable):
        answer(200, {"contactID": "1"}, LIST)


def test_ids_are_texts_and_properties_that_are_null_are_none() -> None:
    assert answer(200, {"contactID": 696969, "email": "a@b.c"}, UPDATE).answer == {
        "contactID": "696969",
        "email": "a@b.c",
    }
    told = {"contactID": 1, "customProperties": None, "identifiers": [{"channels": {"messenger": {"status": "new"}}}]}
    known = {**told, "contactID": "1", "customProperties": {}}
    assert answer(200, told, GET).answer == known
    listed = answer(200, {"contacts": [told], "paging": {"next": None}}, LIST)
    assert listed.answer == {"contacts": [known], "paging": {"next": None}}
