"""Omnisense's subscribers, as the document has them, and what is known of them afterwards."""

from __future__ import annotations

import pytest

from sandbox.server import start


def save(caller, **content):
    return caller.call("POST", "/api/v1/subscriber", {"api_key": "sandbox-api-key", **content})


def person(caller, whom):
    return caller.call("GET", f"/_sandbox/person?is={whom}").json["known"]


# The document's example, with the sandbox's key.
EXAMPLE = {
    "udid": "12345-abcdef-67890-fedcba",
    "trid": "9876543210abcdef1234567890",
    "user": {"email": "foo@bar.com", "first_name": "Foo", "last_name": "Bar", "lang": "fr"},
    "location": {"latitude": "42.6932879", "longitude": "2.8951097"},
    "metadata": {"purchase_count": "5"},
}


def test_the_documents_example_is_saved_and_answered_with_its_trid(caller):
    heard = save(caller, **EXAMPLE)
    assert (heard.status, heard.json) == (200, {"trid": EXAMPLE["trid"]})
    for whom in ("foo@bar.com", "FOO@bar.com", EXAMPLE["trid"], EXAMPLE["udid"]):
        assert person(caller, whom) == EXAMPLE


def test_a_save_is_not_counted_as_an_event(caller):
    save(caller, **EXAMPLE)
    counts = caller.sandbox.counts()
    assert (counts["events"], counts["by_path"]) == (0, {"/api/v1/subscriber": 1})


def test_the_last_word_on_each_field_stands(caller):
    trid = save(caller, user={"email": "a@b.c", "optin": True, "city": "Nice"}, metadata={"a": "1", "b": "1"}).json[
        "trid"
    ]
    save(caller, user={"email": "A@b.c", "optin": False, "optin_sms": False}, metadata={"b": "2"}, token="t")
    assert person(caller, "a@b.c") == {
        "trid": trid,
        "user": {"email": "A@b.c", "optin": False, "optin_sms": False, "city": "Nice"},
        "metadata": {"a": "1", "b": "2"},
        "token": "t",
    }


def test_a_person_keeps_the_trid_over_calls_of_all_kinds(caller):
    first = save(caller, user={"email": "a@b.c"}).json
    tracked = {"api_key": "sandbox-api-key", "email": "a@b.c", "user_event": {"identifier": "x"}}
    assert caller.call("POST", "/api/v1/user_event", tracked).json == first
    assert save(caller, trid=first["trid"], user={"email": "new@b.c"}).json == first
    assert person(caller, "a@b.c") is None
    assert person(caller, "new@b.c") == person(caller, first["trid"])


@pytest.mark.parametrize("who", [{"udid": "u"}, {"trid": "t"}, {"user": {"phone": "1"}}])
def test_any_of_the_three_parameters_is_enough(caller, who):
    heard = save(caller, **who)
    assert heard.status == 200
    assert person(caller, heard.json["trid"]) == who | heard.json


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"user": None, "udid": None, "trid": None}, "user"),
        ({"user": {}, "udid": "", "trid": ""}, "user"),
        ({"udid": 5}, "udid"),
        ({"trid": " "}, "trid"),
        ({"token": ""}, "token"),
        ({"lang": "fr"}, ""),
        ({"user": "foo@bar.com"}, "user"),
        ({"user": {"name": "Foo"}}, "user"),
        ({"user": {"email": "nobody"}}, "user.email"),
        ({"user": {"first_name": 5}}, "user.first_name"),
        ({"user": {"birthday": "31.01.1990"}}, "user.birthday"),
        ({"user": {"birthday": "1990-02-30"}}, "user.birthday"),
        ({"user": {"country": "fr"}}, "user.country"),
        ({"user": {"lang": "FR"}}, "user.lang"),
        ({"user": {"sex": "Male"}}, "user.sex"),
        ({"user": {"optin": "true"}}, "user.optin"),
        ({"user": {"optin_sms": 1}}, "user.optin_sms"),
        ({"user": {"registered": None}}, "user.registered"),
        ({"platform": "ios"}, "platform"),
        ({"platform": None}, "platform"),
        ({"location": {"latitude": "1"}}, "location"),
        ({"location": {"latitude": "1", "longitude": 1}}, "location"),
        ({"location": {"latitude": "90.1", "longitude": "1"}}, "location"),
        ({"location": {"latitude": "1", "longitude": "1", "altitude": "1"}}, "location"),
        ({"location": []}, "location"),
        ({"metadata": {"a": 5}}, "metadata.a"),
        ({"metadata": {"a": None}}, "metadata.a"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_what_the_document_does_not_allow_is_refused_with_its_place_and_not_saved(caller, changes, at):
    heard = save(caller, **(EXAMPLE | changes))
    assert (heard.status, heard.json.get("at", "")) == (422, at)
    assert heard.json["error"]
    assert person(caller, "foo@bar.com") is None


@pytest.mark.parametrize("key", ["wrong", None, 5])
def test_another_key_is_unauthorised(caller, key):
    assert save(caller, **EXAMPLE, api_key=key).status == 401
    assert person(caller, "foo@bar.com") is None


def test_a_question_about_nobody_gets_a_sentence(caller):
    heard = caller.call("GET", "/_sandbox/person")
    assert heard.status == 400
    assert "?is=" in heard.json["error"]


def test_reset_forgets_people_and_each_sandbox_has_its_own(caller, calling):
    save(caller, **EXAMPLE)
    with start() as other:
        assert person(calling(other), "foo@bar.com") is None
    assert caller.sandbox.person("foo@bar.com") == EXAMPLE
    caller.sandbox.reset()
    assert caller.sandbox.person("foo@bar.com") is None
