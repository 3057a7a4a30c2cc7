"""Contacts of a file: the same requests as those of a call, and what Devino says of each contact is its row's."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.devino.listed import Around, ListedContact
from worker.checking.check import check_payload


def test_a_row_of_csv_is_a_contact_with_fields_and_devices() -> None:
    row = {"email": "a@b.example", "phone": "+7 910 339-80-80", "pushToken": "t", "appId": "x", "os": "1"}
    found, refusals = check_payload({**row, "fields": {"Name": "Ann", "Sum": 12.5}}, ListedContact)
    assert refusals == []
    assert found == {
        "contact": {
            "email": "a@b.example",
            "phone": "79103398080",
            "fields": [{"name": "Name", "type": 3, "value": "Ann"}, {"name": "Sum", "type": 2, "value": 12.5}],
            "pushInfo": [{"appId": "x", "os": 1, "pushToken": "t"}],
        }
    }


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({}, "contact.email.missing"),
        ({"phone": "1234567"}, "contact.phone.invalid"),
        ({"phone": "1" * 16}, "contact.phone.invalid"),
        ({"pushToken": "t"}, "contact.pushInfo.0.appId.missing"),
        ({"mail": "a@b.example"}, "contact.missing"),
    ],
)
def test_what_is_wrong_with_a_row_is_named(row: dict[str, Any], code: str) -> None:
    assert code in {one.code for one in check_payload(row, ListedContact)[1]}


def test_templates_have_to_leave_room() -> None:
    mail = {
        "sourceAddress": "a@b.example",
        "sourceName": "S",
        "subject": "S",
        "htmlBody": "${Unsubscribe}" + "x" * 600_000,
    }
    text = {"63322": {"emailTemplate": mail}}
    assert check_payload({"taskId": 1, "templates": text}, Around)[1][0].code == "templates.too_large"
