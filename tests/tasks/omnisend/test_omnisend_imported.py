"""A contact of a file: what it may be, what is sent of it, and the date of every status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from marshmallow import ValidationError

from sandbox.omnisend.rules import check
from tasks.omnisend import imported
from tasks.omnisend.identifiers import UNSAID
from tasks.omnisend.operations import OPERATIONS
from worker.checking.check import check_payload
from worker.facts.rows import Brief
from worker.orders.options import off_options
from worker.orders.words import FILE_OPTIONS

(IMPORT,) = (one for one in OPERATIONS if one.name == "omnisend.import_contacts")
ASKED_AT = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
SENT = "2026-11-26T08:30:00Z"


def codes(row: Any) -> list[str]:
    return [refusal.code for refusal in check_payload(row, imported.ImportedContact)[1]]


def sent(row: dict[str, Any], **options: Any) -> dict[str, Any]:
    loaded, refusals = check_payload(row, imported.ImportedContact)
    assert loaded is not None, refusals
    made = imported.fit(loaded, Brief(options, {}, ASKED_AT))
    check(made)
    return made


def status(row: dict[str, Any], **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = sent({"email": "ann@shop.com", **row}, **options)["identifiers"][0]["channels"]["email"]
    return found


def test_whatever_is_no_field_is_a_property() -> None:
    row = {"email": "Ann@Shop.com", "firstName": "Ann", "shoe_size": 38, "note": "", "gone": None}
    assert sent(row) == {
        "identifiers": [{"type": "email", "id": "ann@shop.com", "channels": {"email": UNSAID}}],
        "firstName": "Ann",
        "customProperties": {"shoe_size": 38},
    }


def test_properties_that_are_written_as_such_win_and_may_remove_one() -> None:
    row = {"phone": "+44 20 7946 0000", "size": 38, "customProperties": {"size": 40, "gone": None}}
    assert sent(row)["customProperties"] == {"size": 40, "gone": None}


@pytest.mark.parametrize("tags", ["vip, source: shop", ["vip", "source: shop"], "vip,,source: shop,"])
def test_tags_are_a_list_or_a_text(tags: Any) -> None:
    assert sent({"email": "a@b.co", "tags": tags})["tags"] == ["vip", "source: shop"]


def test_as_the_document_has_it_stray_names_are_refused() -> None:
    identifier = {"type": "email", "id": "a@b.co"}
    assert codes({"identifiers": [identifier], "shoe_size": 38}) == ["shoe_size.unknown"]
    assert sent({"identifiers": [identifier]})["identifiers"][0]["channels"] == {"email": UNSAID}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"firstName": "Nobody"}, "identifiers.missing"),
        ({"email": "ann"}, "email.invalid"),
        ({"email": "a@b.co", "status": "maybe"}, "status.invalid"),
        ({"email": "a@b.co", "sendWelcomeEmail": True}, "sendWelcomeEmail.unknown"),
        ({"email": "a@b.co", "sendWelcomeMessage": True}, "sendWelcomeMessage.unknown"),
        ({"email": "a@b.co", "contactID": "1"}, "contactID.unknown"),
        ({"email": "a@b.co", "Shoe size": 3}, "customProperties.Shoe size.name"),
        ({"email": "a@b.co", "statusDate": "2024-01-01T00:00:00Z"}, "statusDate.alone"),
    ],
)
def test_what_cant_be_sent_is_refused(row: dict[str, Any], code: str) -> None:
    assert codes(row) == [code]


def test_its_own_date_is_kept() -> None:
    own = {"status": "subscribed", "statusDate": "2024-05-01T10:00:00Z"}
    assert status(own, consent_date="2020-01-01") == own


@pytest.mark.parametrize(
    ("options", "row", "date"),
    [
        ({"consent_date": "2024-05-01"}, {}, "2024-05-01T00:00:00Z"),
        ({"consent_date": "2024-05-01T12:00:00+02:00"}, {}, "2024-05-01T10:00:00Z"),
        ({"consent_date": "agreed"}, {"agreed": "2024-05-01"}, "2024-05-01T00:00:00Z"),
        ({"consent_date": "agreed"}, {"agreed": "2024-05-01 12:00:00+02:00"}, "2024-05-01T10:00:00Z"),
        ({"consent_date": "createdAt"}, {"createdAt": "2024-05-01T10:00:00Z"}, "2024-05-01T10:00:00Z"),
        (
            {"consent_date": "agreed", "time_zone": "Europe/Paris"},
            {"agreed": "2024-05-01 12:00:00"},
            "2024-05-01T10:00:00Z",
        ),
        (
            {"consent_date": "agreed", "time_zone": "Europe/Paris"},
            {"agreed": "2024-10-27 02:30:00"},
            "2024-10-27T00:30:00Z",
        ),
        ({"consent_date": "agreed", "time_zone": "Europe/Paris"}, {"agreed": "2024-05-01"}, "2024-04-30T22:00:00Z"),
    ],
)
def test_the_date_of_consent_is_where_the_job_says(options: dict[str, Any], row: dict[str, Any], date: str) -> None:
    assert status({"status": "subscribed", **row}, **options) == {"status": "subscribed", "statusDate": date}


def test_the_column_of_consent_is_no_property() -> None:
    row = {"email": "a@b.co", "status": "unsubscribed", "agreed": "2024-05-01", "age": 3}
    assert sent(row, consent_date="agreed")["customProperties"] == {"age": 3}


def test_a_consent_that_stands_with_the_identifier_has_a_date() -> None:
    channels = {"email": {"status": "subscribed"}}
    said = {"type": "email", "id": "a@b.co", "channels": channels, "consent": {"createdAt": "2024-05-01T10:00:00Z"}}
    found = sent({"identifiers": [said]})["identifiers"][0]["channels"]["email"]
    assert found["statusDate"] == "2024-05-01T10:00:00Z"


@pytest.mark.parametrize(
    ("row", "options", "code"),
    [
        ({}, {}, ("status", "no_consent_date")),
        ({"agreed": ""}, {"consent_date": "agreed"}, ("status", "no_consent_date")),
        ({}, {"consent_date": "agreed"}, ("status", "no_consent_date")),
        ({"agreed": "2024-05-01 10:00:00"}, {"consent_date": "agreed"}, ("consent_date", "naive")),
        ({"agreed": "01/05/2024"}, {"consent_date": "agreed"}, ("consent_date", "invalid")),
        ({"agreed": "2094-05-01"}, {"consent_date": "agreed"}, ("consent_date", "future")),
    ],
)
def test_subscribed_without_a_date_that_holds_is_refused(
    row: dict[str, Any], options: dict[str, Any], code: tuple[str, str]
) -> None:
    with pytest.raises(ValidationError) as refused:
        status({"status": "subscribed", **row}, **options)
    assert refused.value.messages_dict[code[0]]["code"] == code[1]


def test_a_date_that_only_somebody_unsubscribed_has_is_not_looked_at() -> None:
    """The column says when they agreed, not when they left; what is wrong with it is nobody's matter."""
    row = {"status": "unsubscribed", "agreed": "01/05/2024"}
    assert status(row, consent_date="agreed") == {"status": "unsubscribed", "statusDate": SENT}


@pytest.mark.parametrize("said", ["unsubscribed", "nonSubscribed"])
def test_any_other_status_without_a_date_is_of_the_jobs_start(said: str) -> None:
    assert status({"status": said}, consent_date="2020-01-01") == {"status": said, "statusDate": SENT}


def test_no_status_changes_none() -> None:
    assert status({}, consent_date="2020-01-01") == UNSAID
    assert status({"status": None}) == UNSAID


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"consent_date": "2094-01-01"}, "options.consent_date"),
        ({"consent_date": "2024-05-01 10:00:00"}, "options.consent_date"),
        ({"consent_date": 5}, "options.consent_date"),
        ({"consent_date": " "}, "options.consent_date"),
        ({"via": "pigeons"}, "options.via"),
        ({"batch_size": 1}, "options.batch_size"),
        ({"batch_size": 1001}, "options.batch_size"),
        ({"batch_size": True}, "options.batch_size"),
        ({"batch_size": "100"}, "options.batch_size"),
        ({"sendWelcomeEmail": True}, "options.unknown"),
    ],
)
def test_an_option_that_cant_be_followed_is_refused(options: dict[str, Any], code: str) -> None:
    assert [one.code for one in off_options(IMPORT, FILE_OPTIONS, options)] == [code]


@pytest.mark.parametrize(
    "options",
    [
        {"consent_date": "2024-05-01", "via": "contacts"},
        {"consent_date": "agreed on", "batch_size": 2},
        {"consent_date": "2024-05-01 10:00:00", "time_zone": "Europe/Paris", "batch_size": 1000},
    ],
)
def test_options_that_can_be_followed(options: dict[str, Any]) -> None:
    assert list(off_options(IMPORT, FILE_OPTIONS, options)) == []
