"""What Omnisend takes, at every edge, and what is refused with which code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.omnisend.identifiers import UNSAID
from tasks.omnisend.shapes import SaveContact, UpdateContact, WhichContact, WhichContacts
from worker.checking.check import check_payload

EMAIL = {"email": "ann@example.com"}
DATED = {"status": "subscribed", "statusDate": "2017-05-30T15:14:22Z"}
Contact = dict[str, Any]


def codes(payload: Contact, shape: Any = SaveContact) -> list[str]:
    return [refusal.code for refusal in check_payload(payload, shape)[1]]


def advice(payload: Contact, shape: Any = SaveContact) -> str:
    (refusal,) = check_payload(payload, shape)[1]
    return refusal.advice


def loaded(payload: Contact, shape: Any = SaveContact) -> Contact:
    content, refusals = check_payload(payload, shape)
    assert refusals == []
    assert content is not None
    return content


def identifier(kind: str = "email", **changes: Any) -> Contact:
    one = {
        "email": {"type": "email", "id": "ann@example.com", "channels": {"email": DATED}},
        "phone": {"type": "phone", "id": "+443031237300", "channels": {"sms": DATED}},
    }[kind]
    return {"identifiers": [one | changes]}


def test_a_contact_of_the_documents_form_goes_on_as_it_is() -> None:
    whole = {
        "identifiers": [
            {
                "type": "email",
                "id": "ann@example.com",
                "source": "shop",
                "consent": {"source": "shop", "createdAt": "2017-05-30T15:14:22Z", "ip": "::1", "userAgent": "x"},
                "channels": {"email": DATED},
            },
            identifier("phone")["identifiers"][0],
        ],
        "createdAt": "2017-05-30T14:11:12Z",
        "firstName": "Ann",
        "lastName": "",
        "tags": ["source: shopify"],
        "country": "United Kingdom",
        "countryCode": "GB",
        "state": "",
        "city": "London",
        "address": "Westminster",
        "postalCode": "SW1A 1AA",
        "gender": "f",
        "birthdate": "1981-11-05",
        "customProperties": {"age": 33},
        "sendWelcomeEmail": True,
    }
    assert loaded(whole) == whole
    assert loaded(loaded(whole)) == whole


@pytest.mark.parametrize("shape", [SaveContact, UpdateContact, WhichContact, WhichContacts])
def test_what_was_checked_passes_a_second_check_unchanged(shape: Any) -> None:
    payloads: dict[Any, Contact] = {
        SaveContact: {"email": " Ann@Example.com", "phone": "+44 303 123-73-00", "status": "UNSUBSCRIBED"},
        UpdateContact: {"email": "Ann@Example.com", "status": "subscribed", "countryCode": "gb"},
        WhichContact: {"contactID": "a/b"},
        WhichContacts: {"phone": "+44 303 1237300", "limit": 250},
    }
    once = loaded(payloads[shape], shape)
    assert loaded(once, shape) == once


def test_the_older_form_becomes_identifiers() -> None:
    flat = {"firstName": "Ann", **EMAIL, **DATED}
    assert loaded(flat) == {**identifier(), "firstName": "Ann"}


@pytest.mark.parametrize(
    ("status", "of_the_phone"),
    [("subscribed", UNSAID), ("nonSubscribed", UNSAID), ("unsubscribed", {"status": "unsubscribed"})],
)
def test_one_status_for_both_is_the_addresss_and_an_opt_out_counts_for_both(status: str, of_the_phone: Any) -> None:
    first, second = loaded({**EMAIL, "phone": "+443031237300", "status": status})["identifiers"]
    assert first["channels"] == {"email": {"status": status}}
    assert second["channels"] == {"sms": of_the_phone}


def test_the_status_of_a_phone_alone_is_the_phones() -> None:
    (one,) = loaded({"phone": "+443031237300", **DATED})["identifiers"]
    assert one["channels"] == {"sms": DATED}


@pytest.mark.parametrize("channels", [None, {}, {"email": None}])
def test_where_nobody_says_a_status_the_one_that_omnisend_has_stays(channels: Any) -> None:
    (one,) = loaded(identifier(channels=channels))["identifiers"]
    assert one["channels"] == {"email": UNSAID}


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({}, ["identifiers.missing"]),
        ({"identifiers": [], **EMAIL}, ["identifiers.invalid"]),
        ({"identifiers": None}, ["identifiers.missing"]),
        ({"email": None, "phone": None}, ["identifiers.missing"]),
        ({"email": "nobody"}, ["email.invalid"]),
        ({"phone": "443031237300"}, ["phone.invalid"]),
        ({"phone": "+44303"}, ["phone.invalid"]),
        ({"phone": "+4430312373001234"}, ["phone.invalid"]),
        ({"phone": "+0443031237300"}, ["phone.invalid"]),
        ({"phone": "+٤٤٣٠٣١٢٣٧"}, ["phone.invalid"]),
        ({**EMAIL, "status": "gone"}, ["status.invalid"]),
        ({**EMAIL, "statusDate": "2017-05-30T15:14:22Z"}, ["statusDate.alone"]),
        ({**EMAIL, **identifier()}, ["email.beside"]),
        ({"status": "subscribed", **identifier()}, ["status.beside"]),
        ({"identifiers": identifier()["identifiers"] * 2}, ["identifiers.twice"]),
        (identifier(type="fax"), ["identifiers.0.type.invalid"]),
        (identifier(id="nobody"), ["identifiers.0.id.invalid"]),
        (identifier(id=" "), ["identifiers.0.id.empty"]),
        (identifier("phone", id="12"), ["identifiers.0.id.invalid"]),
        (identifier(channels={"sms": DATED}), ["identifiers.0.channels.sms.other"]),
        (identifier("phone", channels={"email": DATED}), ["identifiers.0.channels.email.other"]),
        (identifier(channels={"messenger": DATED}), ["identifiers.0.channels.messenger.unknown"]),
        (identifier(channels={"email": {}}), ["identifiers.0.channels.email.status.missing"]),
        (identifier(consent={"ip": "x" * 65}), ["identifiers.0.consent.ip.invalid"]),
        (identifier(consent={"createdAt": "2017-05-30"}), ["identifiers.0.consent.createdAt.naive"]),
        ({**EMAIL, "contactID": "1"}, ["contactID.unknown"]),
        ({**EMAIL, "consents": []}, ["consents.unknown"]),
        ({**EMAIL, "createdAt": "2017-05-30 14:11:12"}, ["createdAt.naive"]),
        ({**EMAIL, "createdAt": "yesterday"}, ["createdAt.invalid"]),
        ({**EMAIL, "createdAt": "0001-01-01T00:00:00+14:00"}, ["createdAt.invalid"]),
        ({**EMAIL, "firstName": 5}, ["firstName.invalid"]),
        ({**EMAIL, "tags": "vip"}, ["tags.invalid"]),
        ({**EMAIL, "tags": [" "]}, ["tags.0.empty"]),
        ({**EMAIL, "countryCode": "GBR"}, ["countryCode.invalid"]),
        ({**EMAIL, "countryCode": "ГБ"}, ["countryCode.invalid"]),
        ({**EMAIL, "gender": "x"}, ["gender.invalid"]),
        ({**EMAIL, "birthdate": "1981-02-30"}, ["birthdate.invalid"]),
        ({**EMAIL, "birthdate": "19811105"}, ["birthdate.invalid"]),
        ({**EMAIL, "birthdate": "1981-11-05T00:00:00Z"}, ["birthdate.invalid"]),
        ({**EMAIL, "sendWelcomeEmail": "true"}, ["sendWelcomeEmail.invalid"]),
        ({**EMAIL, "sendWelcomeEmail": 1}, ["sendWelcomeEmail.invalid"]),
        ({**EMAIL, "customProperties": []}, ["customProperties.invalid"]),
    ],
)
def test_a_contact_that_cant_be_saved_is_refused_by_its_codes(payload: Contact, found: list[str]) -> None:
    assert codes(payload) == found


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        ("countryCode", "gb", "GB"),
        ("gender", "M", "m"),
        ("createdAt", "2017-05-30T16:11:12+02:00", "2017-05-30T14:11:12Z"),
        ("createdAt", "2017-05-30T14:11:12.3456Z", "2017-05-30T14:11:12.345Z"),
        ("createdAt", "2017-05-30T14:11:12.000999Z", "2017-05-30T14:11:12Z"),
        ("tags", [], []),
        ("customProperties", {}, {}),
    ],
)
def test_a_value_is_sent_in_the_documents_form(name: str, given: Any, sent: Any) -> None:
    assert loaded({**EMAIL, name: given})[name] == sent


def test_nulls_are_left_out_and_empty_texts_stay() -> None:
    assert loaded({**EMAIL, "firstName": None, "tags": None, "customProperties": None, "city": ""}) == {
        "identifiers": [{"type": "email", "id": "ann@example.com", "channels": {"email": UNSAID}}],
        "city": "",
    }


def test_a_status_of_the_future_is_refused_as_far_as_clocks_dont_differ() -> None:
    soon, late = (datetime.now(UTC) + timedelta(minutes=n) for n in (4, 6))
    assert codes({**EMAIL, "status": "subscribed", "statusDate": soon.isoformat()}) == []
    assert codes({**EMAIL, "status": "subscribed", "statusDate": late.isoformat()}) == ["statusDate.future"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "x" * 2048,
        True,
        False,
        0,
        -1,
        10**18,
        125.8,
        "2018-08-08",
        "2018-08-08 14:23",
        "2018-08-08 14:23:11",
        "2018-08-08T14:23Z",
        "2018-08-08T14:23:11+02:00",
        "2018-08-08 or so",
        "12-34",
        [],
        ["blue", "green"],
        ["", "x" * 2048],
    ],
)
def test_a_custom_property_of_the_five_types_goes_on_as_it_is(value: Any) -> None:
    assert loaded({**EMAIL, "customProperties": {"p": value}})["customProperties"] == {"p": value}


@pytest.mark.parametrize("given", [1.23456749, 0.1 + 0.2, 1e-9])
def test_a_float_is_rounded_to_the_digits_that_omnisend_keeps(given: float) -> None:
    assert loaded({**EMAIL, "customProperties": {"p": given}})["customProperties"] == {"p": round(given, 6)}


@pytest.mark.parametrize("name", ["a" * 128, "_", "9lives", "Hair_Color"])
def test_a_property_has_a_name_of_latin_letters_digits_and_underscores(name: str) -> None:
    assert codes({**EMAIL, "customProperties": {name: 1}}) == []


@pytest.mark.parametrize("name", ["a" * 129, "", "hair color", "hair-color", "цвет", "a\n"])
def test_any_other_name_of_a_property_is_refused(name: str) -> None:
    (code,) = codes({**EMAIL, "customProperties": {name: 1}})
    assert code.startswith("customProperties.")
    assert code.endswith(".name")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x" * 2049, "too_long"),
        (["x" * 2049], "too_long"),
        ({"a": 1}, "type"),
        ([1], "list"),
        (["a", None], "list"),
        ([["a"]], "list"),
        ("2018-02-30", "date"),
        ("2018-08-08 25:00", "date"),
        ("2018-08-08T14:23:61Z", "date"),
    ],
)
def test_any_other_value_of_a_property_is_refused(value: Any, problem: str) -> None:
    assert codes({**EMAIL, "customProperties": {"p": value}}) == [f"customProperties.p.{problem}"]


def test_a_stray_name_is_told_where_it_belongs() -> None:
    assert "firstName?" in advice({**EMAIL, "fistName": "Ann"})
    assert "customProperties" in advice({**EMAIL, "loyaltyPoints": 5})
    assert "update_contact" in advice({**EMAIL, "contactID": "1"})
    assert "beside identifiers" in advice(identifier(sendWelcomeEmail=True))
    assert "into channels" in advice(identifier(status="subscribed"))
    assert "save_contact" in advice({"contactID": "1", "city": "x", "sendWelcomeEmail": True}, UpdateContact)
    assert "list_contacts" in advice({"contactID": "1", **EMAIL}, WhichContact)
    assert "Give next" in advice({"after": "abc"}, WhichContacts)


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"contactID": "1", "city": "London"}, {"contactID": "1", "city": "London"}),
        ({"email": "Ann@Example.com", "tags": []}, {"email": "ann@example.com", "tags": []}),
        ({"contactID": "1", **EMAIL, **DATED}, {"contactID": "1", **identifier()}),
        ({**EMAIL, **DATED}, {**EMAIL, **identifier()}),
        ({**EMAIL, **identifier("phone")}, {**EMAIL, **identifier("phone")}),
        ({"contactID": "1", "customProperties": {"p": None}}, {"contactID": "1", "customProperties": {"p": None}}),
    ],
)
def test_an_update_names_a_contact_and_what_changes(payload: Contact, found: Contact) -> None:
    assert loaded(payload, UpdateContact) == found


def test_an_update_by_address_may_add_a_phone_without_touching_the_addresss_status() -> None:
    (one,) = loaded({**EMAIL, "phone": "+443031237300"}, UpdateContact)["identifiers"]
    assert one["type"] == "phone"


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"city": "London"}, ["contactID.missing"]),
        ({"contactID": "1"}, ["row.nothing"]),
        (EMAIL, ["row.nothing"]),
        ({"contactID": "1", "city": None}, ["row.nothing"]),
        ({"contactID": "1", "status": "unsubscribed"}, ["status.nobody"]),
        ({"contactID": "1", **EMAIL, **identifier()}, ["email.beside"]),
        ({**EMAIL, **DATED, **identifier()}, ["status.beside", "statusDate.beside"]),
        ({"contactID": "..", "city": "x"}, ["contactID.invalid"]),
        ({"contactID": " ", "city": "x"}, ["contactID.empty"]),
        ({"contactID": 5, "city": "x"}, ["contactID.invalid"]),
    ],
)
def test_an_update_that_names_nobody_or_nothing_is_refused(payload: Contact, found: list[str]) -> None:
    assert codes(payload, UpdateContact) == found


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({}, []),
        ({"limit": 1, "status": "nonsubscribed", "segmentID": "s", "tag": "vip"}, []),
        ({"limit": 0}, ["limit.invalid"]),
        ({"limit": 251}, ["limit.invalid"]),
        ({"limit": "100"}, ["limit.invalid"]),
        ({"next": "https://api.omnisend.com/v3/contacts/?after=a"}, []),
        ({"next": "https://api.omnisend.com/v3/contacts/?after=a", "limit": 5}, ["next.beside"]),
        ({"next": ""}, ["next.empty"]),
        ({"offset": 5}, ["offset.unknown"]),
    ],
)
def test_a_list_is_asked_for_by_filters_or_by_the_place_of_its_next_page(payload: Contact, found: list[str]) -> None:
    assert codes(payload, WhichContacts) == found


@pytest.mark.parametrize("contact_id", ["", " ", ".", ".."])
def test_an_id_that_no_path_can_hold_is_refused(contact_id: str) -> None:
    assert len(codes({"contactID": contact_id}, WhichContact)) == 1


def test_no_reason_holds_a_value() -> None:
    secret = "ann@secret"
    payload = {"email": secret, "phone": secret, "status": secret, "tags": secret, "birthdate": secret, secret: secret}
    refusals = check_payload(payload, SaveContact)[1]
    assert len(refusals) == 6
    assert "ann" not in repr(refusals)
