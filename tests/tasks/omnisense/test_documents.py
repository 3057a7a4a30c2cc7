"""The document's own examples, as they stand there, are accepted and sent with the same content.

Each is mended by exactly what its line of the table names, and by nothing that it would do without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.omnisense.shapes import User
from tests.tasks.omnisense.conftest import OPERATIONS, Post, wires
from worker.checking.check import check_payload
from worker.errors import Refused
from worker.facts.wire import Sending

USER_DATA = """{
  "api_key" : "1234567890abcdef09876543210",
  "udid": "12345-abcdef-67890-fedcba",
  "trid": "9876543210abcdef1234567890",
  "user": {
    "email": "foo@bar.com",
    "first_name": "Foo",
    "last_name": "Bar",
    "lang": "fr"
  },
  "location": {
    "latitude":"42.6932879",
    "longitude":"2.8951097"
  },
  "metadata": {
    "purchase_count": "5"
  }
}"""
ACTIONS = """{
  "api_key" : "1234567890abcdef09876543210",
  "trid": "9876543210abcdef1234567890",
  "email": "foo@bar.com",
  "user_event" : {
    "identifier": "product.view",
    "segments" : {
      "id": "1234",
      "name": "foo",
      "media": "iphone_app"
    }
  }
}"""
EMAIL = """{
  "master_key" : "1234567890abcdef09876543210",
  "admin": {
        "email": "YOUR_LOGIN_EMAIL",
        "token" : "YOUR_TOKEN"
    },
    "newsletter": {
        "newsletter_template_id" : 45,
        "sender_profile_id": 11,
        "title": "Lorem ipsum title",
        "delivery_time": "2017-06-30 11:45:00",
        "is_transactional": true,
        "variables": {
            "promo_code": "123456",
            "promo_link": "https://omnisense.io?promo=123456"
        }
    },
    "emails": ["yourcustomer@test.com"]
}"""
IMPORT = """{
"master_key" : "1234567890abcdef09876543210",
"admin": {
  "email": "YOUR_LOGIN_EMAIL",
  "token" : "YOUR_TOKEN"
},
"user_events": [
  {
    "email": "yourcustomer@test.com",
    "date": "2018-11-13 10:00:00Z",
    "identifier": "product.order",
    "segments" : {
      "order_id": 1234,
      "order_amount": 150,
      "order_currency": "EUR",
      "payment": "cb",
      "product_id": "the_product_ref",
      "product_price": 75,
      "product_quantity": 2,
    }
  },
  {
    "email": "anothercustomer@test.com",
    "identifier": "product.order",
    "date": "2016-09-13 11:00:00Z",
    "segments" : {
      "order_id": 2345,
      "order_amount": 250,
      "order_currency": "EUR",
      "payment": "check",
      "product_id": "the_product_ref",
      "product_price": 150,
      "product_quantity": 2,
    }
  },
  ...
]
}"""
USER_HASH = """{
  "email" : "String",
  "fb_id" : "String",
  "first_name" : "String",
  "last_name" : "String",
  "birthday" : "Date",
  "phone" : "String",
  "address" : "String",
  "city" : "String",
  "postal_code" : "String",
  "country" : "String", #must be the iso code for country (ISO 3166)
  "lang" : "String", #must be the iso code for lang (ISO 639)
  "sex" : "String", #One of "male", "female"
  "optin" : Boolean, #Set to true if the user is optin to receive email
  "optin_sms" : Boolean, #Set to true if the user is optin to receive SMS
  "registered" : Boolean, #Set to true if the user has signed up to your website
  "custom_event_date" : "Date",
  "company" : "String"
}"""


class Example:
    """An example on its way through its mends: its text, its content, and the settings it is sent with."""

    def __init__(self, text: str) -> None:
        self.text, self.settings = text, {"OMNISENSE_TRANSACTIONAL_TEMPLATES": "7"}

    def read(self) -> Any:
        return json.loads(self.text)

    def change(self, how: Callable[[Any], None]) -> None:
        content = self.read()
        how(content)
        self.text = json.dumps(content)


def punctuation(example: Example) -> None:
    example.text = re.sub(r",(\s*[}\]])", r"\1", example.text.replace("...", ""))


def credentials(example: Example) -> None:
    example.change(lambda content: [content.pop(key, None) for key in ("api_key", "master_key", "admin")])


def times(example: Example) -> None:
    example.text = example.text.replace("2017-06-30 11:45:00", "2117-06-30 11:45:00Z")


def listed_template(example: Example) -> None:
    example.settings = {"OMNISENSE_TRANSACTIONAL_TEMPLATES": "7, 45"}


MENDS: dict[str, Callable[[Example], None]] = {
    "JSON punctuation": punctuation,
    "credentials taken out": credentials,
    "times made aware and moved to the future": times,
    "is_transactional by listed template": listed_template,
}
PUNCTUATION, CREDENTIALS, TIMES, LISTED = MENDS

# Section of the document: operation, example, and its mends, each with what is said where it is left out. The rows of
# the import are taken out of their request, and its keys with it: a file holds rows alone.
TABLE: dict[str, tuple[str, str, dict[str, str]]] = {
    "User data": ("save_subscriber", USER_DATA, {CREDENTIALS: "api_key.unknown"}),
    "Actions / Events": ("record_user_event", ACTIONS, {CREDENTIALS: "api_key.unknown"}),
    "Email API": (
        "send_newsletter",
        EMAIL,
        {CREDENTIALS: "master_key.unknown", TIMES: "newsletter.delivery_time.naive", LISTED: "not_transactional"},
    ),
    "Import actions": ("import_user_events", IMPORT, {PUNCTUATION: "no JSON"}),
}


def _mended(text: str, mends: Iterable[str]) -> Example:
    example = Example(text)
    for mend in mends:
        MENDS[mend](example)
    return example


def _payloads(name: str, example: Example) -> list[Any]:
    rows = OPERATIONS[name].rows
    content = example.read()
    return content[rows.key] if rows else [content]


@pytest.mark.parametrize("section", TABLE)
def test_a_mended_example_is_accepted_and_sent_with_the_same_content(section: str, post: Post) -> None:
    name, text, mends = TABLE[section]
    example = _mended(text, mends)
    asked = _payloads(name, example)
    sent = [request.body for payload in asked for request in post(name, payload, settings=example.settings)]
    rows = OPERATIONS[name].rows
    content = [row for body in sent for row in body[rows.key]] if rows else sent
    assert content == json.loads(json.dumps(asked).replace("2117-06-30 11:45:00Z", "2117-06-30T11:45:00Z"))
    assert post.sandbox.counts()["by_status"] == {"200": len(asked)}


def _said(name: str, example: Example) -> str:
    """The first thing that is said against it."""
    try:
        (payload,) = _payloads(name, example)
    except json.JSONDecodeError:
        return "no JSON"
    operation = OPERATIONS[name]
    refusals = check_payload(payload, operation.shape)[1]
    if refusals:
        return refusals[0].code
    with pytest.raises(Refused) as refused:
        wires(operation, payload, Sending(datetime.now(UTC), example.settings))
    return refused.value.refusals[0].code


@pytest.mark.parametrize(("section", "left_out"), [(section, mend) for section in TABLE for mend in TABLE[section][2]])
def test_no_mend_is_listed_without_need(section: str, left_out: str) -> None:
    name, text, mends = TABLE[section]
    example = _mended(text, [mend for mend in mends if mend != left_out])
    assert _said(name, example) == mends[left_out]


def test_a_time_that_is_only_made_aware_is_too_late() -> None:
    aware = EMAIL.replace("2017-06-30 11:45:00", "2017-06-30 11:45:00Z")
    assert _said("send_newsletter", _mended(aware, [CREDENTIALS, LISTED])) == "too_late"


def test_the_allowed_user_hash_names_our_fields_in_its_order() -> None:
    assert re.findall(r'^  "(\w+)" :', USER_HASH, re.MULTILINE) == list(User().fields)


def test_what_the_user_hash_calls_boolean_or_date_takes_that_and_nothing_else() -> None:
    kinds = {"String": "text", "Date": "2026-01-31", "Boolean": True}
    codes = {"email": "foo@bar.com", "country": "FR", "lang": "fr", "sex": "male"}
    named = re.findall(r'^  "(\w+)" : "?(\w+)', USER_HASH, re.MULTILINE)
    user = {name: codes.get(name, kinds[kind]) for name, kind in named}
    assert check_payload({"user": user}, OPERATIONS["save_subscriber"].shape) == ({"user": user}, [])
    wrong = {name: True if kind == "String" else "text" for name, kind in named}
    refusals = check_payload({"user": wrong}, OPERATIONS["save_subscriber"].shape)[1]
    assert {one.code for one in refusals} == {f"user.{name}.invalid" for name in user}
