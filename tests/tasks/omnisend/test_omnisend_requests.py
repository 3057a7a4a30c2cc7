"""How Omnisend's calls go on the wire, and what they do there: statuses by their dates, pages, ids in paths."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.omnisend.role import FIRST_ID
from sandbox.server import Sandbox
from tasks.omnisend import requests
from tasks.omnisend.operations import OPERATIONS
from tests.tasks.omnisend.conftest import Send, checked, parcel
from worker.errors import Down, Refused
from worker.facts.wire import Asked, Sending
from worker.operation import Repeat

AT = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
SENDING = Sending(AT, {"OMNISEND_BASE_URL": "https://api.omnisend.com"})
ANN = {"email": "ann@example.com"}
State = Callable[..., Any]


def saying(status: str, date: str | None = None) -> dict[str, Any]:
    return {**ANN, "status": status} | ({"statusDate": date} if date else {})


def test_a_status_without_a_date_gets_the_moment_it_was_asked_for_in_every_try() -> None:
    body = checked("save_contact", saying("unsubscribed"), AT)
    said = body["identifiers"][0]["channels"]["email"]
    assert said == {"status": "unsubscribed", "statusDate": "2026-01-31T12:00:00.250Z"}
    assert requests.fix(body, Asked(AT + timedelta(hours=1), "another")) == body


def test_a_date_of_the_callers_own_stays() -> None:
    body = checked("save_contact", saying("subscribed", "2017-05-30T15:14:22Z"), AT)
    assert body["identifiers"][0]["channels"]["email"]["statusDate"] == "2017-05-30T15:14:22Z"


def test_fixing_leaves_what_was_recorded_alone() -> None:
    body = checked("save_contact", {**ANN, "city": "London"}, AT)
    assert requests.fix(body, Asked(AT, "token")) == body
    assert requests.fix({"contactID": "1", "city": "x"}, Asked(AT, "token")) == {"contactID": "1", "city": "x"}


def test_a_late_try_of_an_opt_in_does_not_win_over_an_opt_out(send: Send, state: State) -> None:
    send("save_contact", saying("unsubscribed"), at=AT + timedelta(milliseconds=1))
    send("save_contact", saying("subscribed"), at=AT)
    assert state(**ANN)["identifiers"][0]["channels"]["email"]["status"] == "unsubscribed"


def test_saving_a_profile_leaves_consent_as_it_is(send: Send, state: State) -> None:
    send("save_contact", saying("subscribed", "2017-05-30T15:14:22Z"))
    send("save_contact", {**ANN, "city": "London"})
    kept = state(**ANN)
    assert kept["city"] == "London"
    assert kept["identifiers"][0]["channels"]["email"] == {"status": "subscribed", "statusDate": "2017-05-30T15:14:22Z"}


def test_saving_a_profile_subscribes_nobody(send: Send, state: State) -> None:
    send("save_contact", {**ANN, "city": "London"})
    assert state(**ANN)["identifiers"][0]["channels"]["email"]["status"] == "nonSubscribed"


def test_only_a_contact_to_be_welcomed_does_harm_when_it_is_repeated(send: Send, omnisend: Sandbox) -> None:
    (save,) = (one for one in OPERATIONS if one.name == "omnisend.save_contact")
    assert callable(save.repeat)
    assert [save.repeat({"sendWelcomeEmail": welcome}) for welcome in (True, False)] == [Repeat.HARMFUL, Repeat.SAFE]
    assert save.repeat({}) is Repeat.SAFE
    for _ in range(2):
        send("save_contact", {**ANN, "sendWelcomeEmail": True})
    send("save_contact", {**ANN, "sendWelcomeEmail": False})
    assert omnisend.events("ann@example.com") == 2
    assert omnisend.counts()["doubled"] == 1


@pytest.mark.parametrize(
    ("name", "payload", "person"),
    [
        ("save_contact", {"email": " Ann@Example.com"}, "email:ann@example.com"),
        ("save_contact", {"phone": "+44 303 1237300", "email": "ann@example.com"}, "email:ann@example.com"),
        ("save_contact", {"phone": "+44 303 1237300"}, "phone:+443031237300"),
        ("update_contact", {"email": "ANN@example.com", "city": "x"}, "email:ann@example.com"),
        ("update_contact", {"contactID": "1", "email": "ann@example.com"}, "contactID:1"),
    ],
)
def test_a_call_names_whom_it_changes(name: str, payload: dict[str, Any], person: str) -> None:
    assert requests.person(checked(name, payload)) == person


def test_an_update_goes_to_the_contact_by_id_or_by_address(send: Send, state: State) -> None:
    send("update_contact", {"contactID": FIRST_ID, "lastName": "Powers"})
    send("update_contact", {"email": "Austin.Powers@example.com", "customProperties": {"hobbies": "", "age": 33}})
    contact = state(contactID=FIRST_ID)
    assert contact["lastName"] == "Powers"
    assert contact["customProperties"] == {"pets": ["dog", "cat"], "age": 33}


def test_an_update_of_a_status_by_address_reaches_the_channel(send: Send, state: State) -> None:
    send("update_contact", {"email": "austin.powers@example.com", "status": "unsubscribed"})
    (email, phone) = state(contactID=FIRST_ID)["identifiers"]
    assert email["channels"]["email"]["status"] == "unsubscribed"
    assert phone["channels"]["sms"]["status"] == "nonSubscribed"


def test_what_is_not_there_is_refused_and_says_what_makes_it(send: Send) -> None:
    for name, payload in {
        "update_contact": {"email": "nobody@example.com", "city": "x"},
        "get_contact": {"contactID": "nobody"},
    }.items():
        with pytest.raises(Refused) as refused:
            send(name, payload)
        (one,) = refused.value.refusals
        assert one.code == "omnisend.404"
        assert "save_contact" in one.reason


@pytest.mark.parametrize(
    ("contact_id", "path"),
    [
        ("../../v3/orders", "/v3/contacts/..%2F..%2Fv3%2Forders"),
        ("a?email=b#c", "/v3/contacts/a%3Femail%3Db%23c"),
        ("%2e%2e", "/v3/contacts/%252e%252e"),
        ("a b+c;d", "/v3/contacts/a%20b%2Bc%3Bd"),
        ("é\n", "/v3/contacts/%C3%A9%0A"),
        ("...", "/v3/contacts/..."),
    ],
)
def test_an_id_stays_within_its_part_of_the_path(contact_id: str, path: str, omnisend: Sandbox, send: Send) -> None:
    with pytest.raises(Refused):
        send("get_contact", {"contactID": contact_id})
    assert [entry["path"] for entry in omnisend.log()] == [path]


def test_an_address_in_a_query_arrives_as_it_is(send: Send) -> None:
    address = "a+b%c&d=e@example.com"
    send("save_contact", {"email": address})
    answer = send("list_contacts", {"email": address}).answer
    assert answer is not None
    assert [one["identifiers"][0]["id"] for one in answer["contacts"]] == [address]


def pages_of(send: Send, payload: dict[str, Any], most: int = 20) -> list[list[str]]:
    """The walk of an export: what every page holds."""
    found: list[list[str]] = []
    place: dict[str, Any] | None = payload
    while place is not None:
        assert len(found) < most, "it walks in a circle"
        answer = send("list_contacts", place).answer
        assert answer is not None
        found.append([one["contactID"] for one in answer["contacts"]])
        place = requests.following(checked("list_contacts", place), answer)
    return found


@pytest.fixture
def seven(send: Send) -> None:
    for n in range(6):
        send("save_contact", {"email": f"p{n}@example.com", "status": "subscribed", "tags": ["new"]})


def test_a_list_is_walked_to_its_end(send: Send, seven: None) -> None:
    walked = pages_of(send, {"limit": 3})
    assert [len(page) for page in walked] == [3, 3, 1]
    assert len({one for page in walked for one in page}) == 7
    assert [len(page) for page in pages_of(send, {"limit": 4, "tag": "new"})] == [4, 2]
    assert pages_of(send, {"email": "nobody@example.com"}) == [[]]


@pytest.mark.parametrize("place", [None, "", " "])
def test_a_place_that_is_none_ends_the_list(send: Send, seven: None, omnisend: Sandbox, place: Any) -> None:
    omnisend.fault("change", at="paging.next", to=place)
    assert len(pages_of(send, {"limit": 3})) == 1


@pytest.mark.parametrize("place", [5, ["x"], {}, False])
def test_a_place_that_is_no_text_is_no_end(send: Send, omnisend: Sandbox, place: Any) -> None:
    omnisend.fault("change", at="paging.next", to=place)
    with pytest.raises(Down):
        send("list_contacts", {})


def test_an_answer_without_paging_ends_the_list(send: Send, seven: None, omnisend: Sandbox) -> None:
    omnisend.fault("change", at="paging", to=None)
    assert len(pages_of(send, {"limit": 3})) == 1


def test_a_place_that_is_the_page_itself_ends_the_list(send: Send, seven: None, omnisend: Sandbox) -> None:
    first = send("list_contacts", {"limit": 3}).answer
    assert first is not None
    omnisend.fault("change", at="paging.next", to=first["paging"]["next"])
    assert [len(page) for page in pages_of(send, {"limit": 3})] == [3, 3]
    omnisend.clear()
    omnisend.fault("change", at="paging.next", to="/v3/contacts?limit=3")
    assert len(pages_of(send, {"limit": 3})) == 1


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/v3/contacts?after=a",
        "https://api.omnisend.com.evil.example/v3/contacts?after=a",
        "https://api.omnisend.com@evil.example/v3/contacts?after=a",
        "https://evil@api.omnisend.com/v3/contacts?after=a",
        "//evil.example/v3/contacts?after=a",
        "http://api.omnisend.com/v3/contacts?after=a",
        "https://api.omnisend.com:8443/v3/contacts?after=a",
        "https://api.omnisend.com/v3/orders?after=a",
        "https://api.omnisend.com/v3/contacts/../orders?after=a",
        "https://api.omnisend.com/v5/contacts?after=a",
        "https://[api.omnisend.com/v3/contacts",
        "https://api.omnisend.com:x/v3/contacts",
        "ftp://api.omnisend.com/v3/contacts",
        "\\\\evil.example\\v3",
    ],
)
def test_a_place_elsewhere_is_refused_with_a_sentence(place: str) -> None:
    payload = requests.following({"limit": 3}, {"contacts": [], "paging": {"next": place}})
    assert payload == {"next": place}
    with pytest.raises(Refused) as refused:
        requests.contacts(payload, SENDING)
    (one,) = refused.value.refusals
    assert one.code == "next.elsewhere"
    assert "evil" not in one.reason
    assert refused.value.whole


@pytest.mark.parametrize(
    ("place", "query"),
    [
        ("https://api.omnisend.com/v3/contacts/?after=a&limit=2", (("after", "a"), ("limit", "2"))),
        ("https://api.omnisend.com/v3/contacts?after=a%2Bb&tag=", (("after", "a+b"), ("tag", ""))),
        ("HTTPS://API.omnisend.com:443/v3/contacts?after=a", (("after", "a"),)),
        ("/v3/contacts?after=a", (("after", "a"),)),
        ("?after=a", (("after", "a"),)),
    ],
)
def test_a_place_among_our_own_contacts_is_followed(place: str, query: Any) -> None:
    wire = requests.contacts({"next": place}, SENDING)
    assert (wire.path, wire.query, wire.body) == ("/v3/contacts", query, None)


def test_without_a_base_address_of_its_own_an_account_lives_at_the_usual_one() -> None:
    wire = requests.contacts({"next": "https://api.omnisend.com/v3/contacts?after=a"}, Sending(AT, {}))
    assert wire.query == (("after", "a"),)


def test_an_empty_page_that_nobody_answered_is_no_end(send: Send, omnisend: Sandbox) -> None:
    omnisend.fault("empty", times=1)
    with pytest.raises(Down):
        send("list_contacts", {})


def test_requests_carry_the_key_in_a_header_and_nothing_in_the_body_of_a_question(omnisend: Sandbox) -> None:
    packed = parcel("get_contact", {"contactID": "1"}, omnisend).request
    assert packed.headers["X-API-KEY"] == omnisend.environment()["OMNISEND_API_KEY"]
    assert packed.body is None
    assert "Content-Type" not in packed.headers
