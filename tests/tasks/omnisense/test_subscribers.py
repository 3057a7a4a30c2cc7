"""What a saved subscriber may be, whom a save changes, and which id is handed back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.omnisense.shapes import Subscriber
from tasks.omnisense.subscribers import compose, person, trid
from tests.tasks.omnisense.conftest import Post
from worker.checking.check import check_payload
from worker.facts.wire import Sending

USER: dict[str, Any] = {"user": {"email": "foo@bar.com"}}
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _loaded(payload: dict[str, Any]) -> dict[str, Any]:
    loaded, refusals = check_payload(payload, Subscriber)
    assert refusals == []
    assert loaded is not None
    return loaded


def _codes(payload: dict[str, Any]) -> list[str]:
    return [refusal.code for refusal in check_payload(payload, Subscriber)[1]]


def _advice(payload: dict[str, Any]) -> str:
    (refusal,) = check_payload(payload, Subscriber)[1]
    return refusal.advice


@pytest.mark.parametrize(
    ("field", "given", "sent"),
    [
        ("birthday", "1990-01-31", "1990-01-31"),
        ("birthday", "19900131", "1990-01-31"),
        ("custom_event_date", "2024-02-29", "2024-02-29"),
        ("country", "fr", "FR"),
        ("country", "GB", "GB"),
        ("lang", "FR", "fr"),
        ("sex", "female", "female"),
        ("optin", False, False),
        ("optin_sms", True, True),
        ("registered", False, False),
        ("first_name", "", ""),
        ("phone", "+33 6 12-34", "+33 6 12-34"),
        ("last_name", "O’Neil 🙂", "O’Neil 🙂"),
        ("fb_id", "0042", "0042"),
    ],
)
def test_a_field_of_user_is_sent_in_the_platforms_form(field: str, given: Any, sent: Any) -> None:
    assert _loaded({"user": {field: given}}) == {"user": {field: sent}}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("email", "nobody"),
        ("email", 5),
        ("birthday", "1990-02-30"),
        ("birthday", "31.01.1990"),
        ("birthday", "1990-01-31T00:00:00Z"),
        ("birthday", 1990),
        ("custom_event_date", ""),
        ("country", "FRA"),
        ("country", "F"),
        ("country", "France"),
        ("country", "ÉÉ"),
        ("country", "FR\n"),
        ("lang", "fra"),
        ("lang", "fr-FR"),
        ("sex", "Male"),
        ("sex", "x"),
        ("optin", "true"),
        ("optin", 1),
        ("optin", 0),
        ("optin_sms", "yes"),
        ("registered", []),
        ("first_name", 5),
        ("phone", 33612345678),
    ],
)
def test_a_field_of_user_in_another_form_is_refused(field: str, given: Any) -> None:
    assert _codes({"user": {field: given}}) == [f"user.{field}.invalid"]


def test_a_facebook_id_with_nothing_in_it_is_refused() -> None:
    assert _codes({"user": {"fb_id": " "}}) == ["user.fb_id.empty"]


@pytest.mark.parametrize("name", ["favourite_colour", "firstname", "metadata", "trid"])
def test_an_unknown_name_in_user_belongs_into_metadata(name: str) -> None:
    payload = {"user": {"email": "foo@bar.com", name: "x"}}
    assert _codes(payload) == [f"user.{name}.unknown"]
    assert "metadata" in _advice(payload)


def test_a_name_that_is_nearly_right_is_offered() -> None:
    assert _advice({"user": {"firstname": "Foo"}}).endswith("Did you mean first_name?")
    assert _advice(USER | {"locaton": {}}).endswith("Did you mean location?")
    assert "Did you mean" not in _advice(USER | {"colour": "red"})


@pytest.mark.parametrize("name", ["email", "lang", "optin", "first_name"])
def test_a_field_of_user_that_stands_beside_it_is_told_where_it_belongs(name: str) -> None:
    assert _advice(USER | {name: "x"}) == "Write it into user."


@pytest.mark.parametrize(
    "who", [{"udid": "u"}, {"trid": "t"}, USER, {"user": {"phone": "1"}}, {"udid": "u", "user": {}}]
)
def test_any_of_the_three_names_somebody(who: dict[str, Any]) -> None:
    assert _loaded(who) == who


@pytest.mark.parametrize("nobody", [{}, {"user": None}, {"user": {}}, {"user": {"email": None}}, {"trid": None}])
def test_nobody_is_nobody(nobody: dict[str, Any]) -> None:
    assert _codes(nobody) == ["user.missing"]


@pytest.mark.parametrize(
    ("payload", "codes"),
    [
        ({"trid": ""}, ["trid.empty"]),
        ({"udid": 5}, ["udid.invalid"]),
        ({"user": "foo@bar.com"}, ["user.invalid"]),
        ({"user": []}, ["user.invalid"]),
        ({"user": 5}, ["user.invalid"]),
        ({"user": [[1]]}, ["user.invalid"]),
        ({"user": {}, "trid": []}, ["trid.invalid"]),
        (USER | {"token": " "}, ["token.empty"]),
        ({"colour": "red", "a": 1, "b": 2}, ["user.missing", "colour.unknown", "a.unknown", "b.unknown"]),
    ],
)
def test_what_is_wrong_with_an_id_is_said_once(payload: dict[str, Any], codes: list[str]) -> None:
    assert _codes(payload) == codes


def test_nulls_are_left_out_everywhere() -> None:
    nothing = {"udid": None, "platform": None, "token": None, "location": None, "metadata": None}
    assert _loaded({"trid": "t", "user": {"email": None, "city": "Nice"}} | nothing) == {
        "trid": "t",
        "user": {"city": "Nice"},
    }


@pytest.mark.parametrize(("given", "sent"), [("android", "android"), ("iphone", "iphone"), ("ios", "iphone")])
def test_a_platform_has_the_documents_name(given: str, sent: str) -> None:
    assert _loaded(USER | {"platform": given})["platform"] == sent


def test_another_platform_is_refused_with_the_words_there_are() -> None:
    assert _codes(USER | {"platform": "Android"}) == ["platform.invalid"]
    assert _advice(USER | {"platform": "Android"}) == "Correct it."


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (("42.6932879", "2.8951097"), ("42.6932879", "2.8951097")),
        ((42.6932879, 2.8951097), ("42.6932879", "2.8951097")),
        ((90, 180), ("90", "180")),
        (("-90.000", "-180.0"), ("-90.000", "-180.0")),
        (("+1.5", 1e-7), ("+1.5", "0.0000001")),
        ((-0.0, 5e-324), ("-0.0", "0." + "0" * 323 + "5")),
    ],
)
def test_a_place_is_two_decimal_strings(given: tuple[Any, Any], sent: tuple[str, str]) -> None:
    loaded = _loaded(USER | {"location": dict(zip(("latitude", "longitude"), given, strict=True))})
    assert loaded["location"] == dict(zip(("latitude", "longitude"), sent, strict=True))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"latitude": 90.0000001}, "latitude.invalid"),
        ({"latitude": "90." + "0" * 40 + "1"}, "latitude.invalid"),
        ({"latitude": -91}, "latitude.invalid"),
        ({"latitude": "-90.5"}, "latitude.invalid"),
        ({"longitude": "180.1"}, "longitude.invalid"),
        ({"longitude": 10**400}, "longitude.invalid"),
        ({"longitude": "1e2"}, "longitude.invalid"),
        ({"longitude": "٣"}, "longitude.invalid"),
        ({"longitude": " 3"}, "longitude.invalid"),
        ({"longitude": ""}, "longitude.invalid"),
        ({"longitude": True}, "longitude.invalid"),
        ({"longitude": []}, "longitude.invalid"),
        ({"longitude": None}, "longitude.null"),
        ({"altitude": 3}, "altitude.unknown"),
    ],
)
def test_a_place_outside_the_earth_is_refused(change: dict[str, Any], code: str) -> None:
    assert _codes(USER | {"location": {"latitude": "0", "longitude": "0"} | change}) == [f"location.{code}"]


@pytest.mark.parametrize("one", ["latitude", "longitude"])
def test_half_a_place_is_refused(one: str) -> None:
    (missing,) = {"latitude", "longitude"} - {one}
    assert _codes(USER | {"location": {one: "1"}}) == [f"location.{missing}.missing"]


def test_metadata_are_strings() -> None:
    given = {
        "text": "5",
        "": "",
        "whole": 5,
        "huge": 10**30,
        "part": 0.1,
        "tiny": 1e-7,
        "big": 1e22,
        "yes": True,
        "no": False,
    }
    assert _loaded(USER | {"metadata": given | {"nothing": None}})["metadata"] == {
        "text": "5",
        "": "",
        "whole": "5",
        "huge": "1" + "0" * 30,
        "part": "0.1",
        "tiny": "0.0000001",
        "big": "1" + "0" * 22,
        "yes": "true",
        "no": "false",
    }


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ([], "invalid"),
        ("a=b", "invalid"),
        ({"a": {}}, "nested"),
        ({"a": [1]}, "nested"),
        ({"a": 1 << 8200}, "number"),
    ],
)
def test_metadata_of_another_kind_are_refused(metadata: Any, code: str) -> None:
    assert _codes(USER | {"metadata": metadata}) == [f"metadata.{code}"]


def test_the_id_kept_from_earlier_answers_is_handed_back_where_the_caller_gave_none() -> None:
    assert compose(USER, Sending(NOW, {}, kept="t1")).body == {"trid": "t1"} | USER
    assert compose(USER | {"trid": "mine"}, Sending(NOW, {}, kept="t1")).body == {"trid": "mine"} | USER
    assert compose(USER, Sending(NOW, {})).body == USER


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ({"trid": "t1"}, "t1"),
        ({"trid": 42}, "42"),
        ({"user": {"trid": "t1"}, "trid": None}, "t1"),
        ({"status": "ok", "data": {"trid": 7}}, "7"),
        ({"trid": "top", "user": {"trid": "below"}}, "top"),
        ({"trid": ""}, None),
        ({"trid": " "}, None),
        ({"trid": True}, None),
        ({"trid": 4.2}, None),
        ({"trid": ["t1"]}, None),
        ({"data": {"user": {"trid": "too deep"}}}, None),
        ({"answer": [{"trid": "t1"}]}, None),
        ({}, None),
    ],
)
def test_the_id_is_found_at_the_top_of_an_answer_or_one_level_down(answer: dict[str, Any], kept: str | None) -> None:
    assert trid(answer) == kept


@pytest.mark.parametrize(
    ("payload", "whom"),
    [
        ({"udid": "u", "trid": "t", "user": {"email": "Foo@Bar.com"}}, "foo@bar.com"),
        ({"udid": "u", "trid": "t", "user": {"phone": "1"}}, "t"),
        ({"udid": "u"}, "u"),
        ({"user": {"phone": "1"}}, None),
    ],
)
def test_a_save_changes_the_person_of_its_address_or_else_of_its_ids(payload: dict[str, Any], whom: str | None) -> None:
    assert person(payload) == whom


def test_a_person_saved_twice_is_one_with_one_id_and_the_last_words(post: Post) -> None:
    (first,) = post("save_subscriber", {"user": {"email": "foo@bar.com", "city": "Nice", "optin": True}})
    assert first.answer is not None
    kept = trid(first.answer)
    (second,) = post("save_subscriber", {"user": {"email": "foo@bar.com", "optin": False}}, kept=kept)
    assert second.body["trid"] == kept
    assert second.answer == first.answer
    assert post.sandbox.person("FOO@bar.com") == {
        "trid": kept,
        "user": {"email": "foo@bar.com", "city": "Nice", "optin": False},
    }
