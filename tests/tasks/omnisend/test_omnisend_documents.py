"""The documents' own examples are taken and sent with the same content, with the mends that this table names.

Source: Omnisend API v3, "Contacts" (the sample at its end, and the examples in its tables), and its OpenAPI description
(the examples of creating and updating a contact).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.omnisend.role import FIRST_ID
from sandbox.server import Sandbox
from tests.tasks.omnisend.conftest import Send, checked, parcel

JSON = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """`mends` turns the document's text into what a caller writes; `sent` is what then leaves, where it differs."""

    operation: str
    text: str
    mends: tuple[tuple[str, str], ...] = ()
    sent: JSON | None = None

    @property
    def content(self) -> JSON:
        text = self.text
        for wrong, right in self.mends:
            assert wrong in text
            text = text.replace(wrong, right)
        content: JSON = json.loads(text)
        return content


HIDDEN_ADDRESS = ("[email\u00a0protected]", "vanessa.kensington@example.com")
SAMPLE_PROPERTIES = {
    "age": 33,
    "hair_color": "brown",
    "married": True,
    "marriageDate": "2018-07-07",
    "loyaltyPoints": 125.8,
    "height": "",
    "favoriteColors": ["blue", "green"],
}
# The sample names an address and no status: Omnisend is told none that would count (tasks/omnisend/identifiers.py).
IDENTIFIED = {
    "type": "email",
    "id": "vanessa.kensington@example.com",
    "channels": {"email": {"status": "nonSubscribed", "statusDate": "2000-01-01T00:00:00Z"}},
}

EXAMPLES = {
    "the sample at the end: the hidden address made one, `email` made an identifier": Example(
        "save_contact",
        """{
    "email": "[email\u00a0protected]",
    "firstName": "Vanessa",
    "lastName": "Kensington",
    "customProperties":{
      "age": 33,
      "hair_color": "brown",
      "married":true,
      "marriageDate":"2018-07-07",
      "loyaltyPoints": 125.8,
      "height": "",
      "favoriteColors": ["blue", "green"]
    }
}""",
        (HIDDEN_ADDRESS,),
        {
            "identifiers": [IDENTIFIED],
            "firstName": "Vanessa",
            "lastName": "Kensington",
            "customProperties": SAMPLE_PROPERTIES,
        },
    ),
    "creating a contact": Example(
        "save_contact",
        """{"createdAt": "2016-05-02T09:19:19Z", "firstName": "Vanessa", "lastName": "Kensington",
        "tags": ["designer", "leader", "source: shopify"],
        "identifiers": [
          {"type": "email", "id": "austin.powers@example.com",
           "channels": {"email": {"status": "subscribed", "statusDate": "2016-02-01T10:07:28Z"}}},
          {"type": "phone", "id": "+443031237300",
           "channels": {"sms": {"status": "nonSubscribed", "statusDate": "2016-02-01T10:07:28Z"}}}],
        "country": "United Kingdom", "countryCode": "GB", "state": "", "city": "London", "address": "Westminster",
        "postalCode": "SW1A 1AA", "gender": "f", "birthdate": "1997-05-02",
        "customProperties": {"age": 33, "hair_color": "brown", "married": true, "marriageDate": "2018-07-07",
          "loyaltyPoints": 125.8, "pets": ["dog", "cat"]}}""",
    ),
    "updating a contact, whose id stands in the address": Example(
        "update_contact",
        """{"firstName": "Vanessa", "lastName": "Kensington", "tags": ["designer", "leader", "source: shopify"],
        "identifiers": [
          {"type": "email", "id": "austin.powers@example.com",
           "channels": {"email": {"status": "subscribed", "statusDate": "2016-02-01T10:07:28Z"}}}],
        "country": "United Kingdom", "countryCode": "GB", "gender": "f", "birthdate": "1997-05-02",
        "customProperties": {"age": 33}}""",
    ),
    "the examples of the table of custom properties": Example(
        "save_contact",
        """{"identifiers": [{"type": "email", "id": "austin.powers@example.com",
          "channels": {"email": {"status": "unsubscribed", "statusDate": "2017-05-30T15:14:22Z"}}}],
        "createdAt": "2017-05-30T14:11:12Z", "tags": ["source: shopify"], "birthdate": "1981-11-05",
        "customProperties": {"a": 1, "b": 1.23, "c": "2018-08-08", "d": "2018-08-08 14:23", "e": "2018-08-08T14:23Z",
          "f": "2018-08-08T14:23:11+02:00", "g": ["blue", "green"], "h": false}}""",
    ),
}
WHOM = {"update_contact": {"contactID": FIRST_ID}, "save_contact": {}}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_leaves_with_its_own_content_and_is_taken(name: str, omnisend: Sandbox, send: Send) -> None:
    example = EXAMPLES[name]
    payload = WHOM[example.operation] | example.content
    leaves = parcel(example.operation, checked(example.operation, payload), omnisend).request
    assert json.loads(leaves.body or b"") == (example.sent or example.content)
    assert send(example.operation, payload).accepted


def test_the_samples_height_is_removed(omnisend: Sandbox, send: Send) -> None:
    sample = next(iter(EXAMPLES.values()))
    send("save_contact", {"email": IDENTIFIED["id"], "customProperties": {"height": 180, "age": 1}})
    send("save_contact", sample.content)
    (saved,) = omnisend.state("omnisend", email=str(IDENTIFIED["id"]))["contacts"]
    assert saved["customProperties"] == {name: value for name, value in SAMPLE_PROPERTIES.items() if value != ""}
