"""Omnisend as its documents have it: who is who, which status wins, what a list is, how many calls a minute."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from sandbox.omnisend import Omnisend
from sandbox.omnisend.role import FIRST_ID
from sandbox.server import start
from sandbox.window import Window

KEY = {"X_API_KEY": "sandbox-omnisend-key"}
OLD, NEW = "2017-05-30T15:14:22Z", "2018-05-30T15:14:22Z"


def email(address: str = "ann@shop.test", **channel: Any) -> dict[str, Any]:
    return {"type": "email", "id": address, "channels": {"email": {"status": "subscribed"} | channel}}


def phone(number: str = "+443031237301", **channel: Any) -> dict[str, Any]:
    return {"type": "phone", "id": number, "channels": {"sms": {"status": "subscribed"} | channel}}


@pytest.fixture
def ask(caller):
    def call(method: str, path: str = "", content: Any = None):
        return caller.call(method, f"/v3/contacts{path}", content, **KEY)

    return call


@pytest.fixture
def save(ask):
    return lambda *identifiers, **further: ask("POST", "", {"identifiers": list(identifiers), **further})


@pytest.fixture
def channel(caller):
    """The state of an address's channel, as status and date."""

    def look(address: str = "ann@shop.test") -> tuple[str, str]:
        (contact,) = caller.call("GET", f"/_sandbox/state?platform=omnisend&email={address}").json["contacts"]
        said = contact["identifiers"][0]["channels"]["email"]
        return said["status"], said["statusDate"]

    return look


def test_the_contact_of_the_description_is_there_from_the_beginning(ask):
    heard = ask("GET", f"/{FIRST_ID}")
    assert heard.status == 200
    assert heard.json["identifiers"][0]["id"] == "austin.powers@example.com"
    assert heard.json["customProperties"] == {"hobbies": "spying", "pets": ["dog", "cat"]}


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        (("subscribed", NEW), ("unsubscribed", OLD), ("subscribed", NEW)),
        (("subscribed", OLD), ("unsubscribed", NEW), ("unsubscribed", NEW)),
        (("subscribed", NEW), ("unsubscribed", NEW), ("unsubscribed", NEW)),
        (("unsubscribed", "2018-05-30T15:14:22.5Z"), ("subscribed", NEW), ("unsubscribed", "2018-05-30T15:14:22.5Z")),
        (("unsubscribed", NEW), ("subscribed", "2018-05-30T16:14:22+02:00"), ("unsubscribed", NEW)),
    ],
)
def test_an_earlier_date_changes_neither_status_nor_date(save, channel, first, second, left):
    for status, date in (first, second):
        assert save(email(status=status, statusDate=date)).status == 200
    assert channel() == left


def test_a_status_without_a_date_is_of_now_and_wins_over_all_that_is_past(save, channel):
    save(email(status="unsubscribed", statusDate=NEW))
    save(email(status="subscribed"))
    status, date = channel()
    assert status == "subscribed"
    assert date > "2026"


def test_a_channel_without_a_status_is_subscribed_as_the_description_has_it(save, channel):
    save({"type": "email", "id": "ann@shop.test", "channels": {"email": {}}})
    assert channel()[0] == "subscribed"


def test_saving_the_same_person_twice_is_one_contact(save, ask):
    first, second = (save(email(), phone(), firstName=name).json for name in ("Ann", "Anna"))
    assert first == second == {"email": "ann@shop.test", "contactID": first["contactID"]}
    assert ask("GET", f"/{first['contactID']}").json["firstName"] == "Anna"
    assert save(phone("+44 303 1237301".replace(" ", ""))).json["contactID"] == first["contactID"]


def test_an_address_in_capitals_is_somebody_else(save):
    assert save(email("ann@shop.test")).json["contactID"] != save(email("Ann@shop.test")).json["contactID"]


def test_an_identifier_of_another_contact_is_ignored(save, ask):
    first = save(phone()).json["contactID"]
    second = save(email(), phone()).json["contactID"]
    assert first == second  # the known number says who it is
    third = save(email("bob@shop.test")).json["contactID"]
    heard = ask("PATCH", f"/{third}", {"identifiers": [phone()]})
    assert heard.json == {"email": "bob@shop.test", "contactID": third}


def test_an_update_changes_what_it_names_and_no_address(ask):
    heard = ask(
        "PATCH", f"/{FIRST_ID}", {"identifiers": [email("new@shop.test"), phone("+4911111111")], "city": "Bonn"}
    )
    assert heard.json == {"email": "austin.powers@example.com", "contactID": FIRST_ID, "phone": "+4911111111"}
    contact = ask("GET", f"/{FIRST_ID}").json
    assert (contact["city"], contact["firstName"]) == ("Bonn", "Austin")
    assert ask("GET", "?phone=%2B443031237300").json["contacts"] == []


def test_an_update_by_address_finds_its_contact(ask):
    assert ask("PATCH", "?email=austin.powers%40example.com", {"city": "Bonn"}).json["contactID"] == FIRST_ID
    assert ask("PATCH", "?email=nobody%40example.com", {"city": "Bonn"}).status == 404
    assert ask("PATCH", "", {"city": "Bonn"}).status == 400


def test_properties_are_set_one_by_one_rounded_and_removed(ask, save):
    made = save(email(), customProperties={"a": 1.23456789, "b": "x", "c": [1][:0]}).json["contactID"]
    ask("PATCH", f"/{made}", {"customProperties": {"b": None, "d": False}})
    assert ask("GET", f"/{made}").json["customProperties"] == {"a": 1.234568, "c": [], "d": False}
    ask("PATCH", f"/{made}", {"customProperties": {"a": "", "c": "", "d": ""}})
    assert ask("GET", f"/{made}").json["customProperties"] is None


def test_each_welcome_is_counted_and_a_second_one_shows(caller, save):
    body = {"identifiers": [email()], "sendWelcomeEmail": True}
    assert [save(email(), sendWelcomeEmail=True).status for _ in range(2)] == [200, 200]
    save(email(), sendWelcomeEmail=False)
    save(phone(), sendWelcomeEmail=True)
    assert caller.sandbox.taken([body], "omnisend") == [2]
    assert caller.sandbox.counts()["doubled"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "identifiers"),
        ({"identifiers": []}, "identifiers"),
        ({"identifiers": {}}, "identifiers"),
        ({"identifiers": ["ann@shop.test"]}, "identifiers[0]"),
        ({"identifiers": [email("nobody")]}, "identifiers[0].id"),
        ({"identifiers": [phone("443031237300")]}, "identifiers[0].id"),
        ({"identifiers": [phone("+44 303 123")]}, "identifiers[0].id"),
        ({"identifiers": [email() | {"type": "fax"}]}, "identifiers[0].type"),
        ({"identifiers": [email() | {"source": 5}]}, "identifiers[0].source"),
        ({"identifiers": [email() | {"consent": {"at": "x"}}]}, "identifiers[0].consent"),
        ({"identifiers": [email() | {"consent": {"createdAt": "x"}}]}, "identifiers[0].consent.createdAt"),
        ({"identifiers": [{"type": "email", "id": "ann@shop.test"}]}, "identifiers[0].channels"),
        ({"identifiers": [email() | {"channels": {"sms": {}}}]}, "identifiers[0].channels"),
        ({"identifiers": [email(status="gone")]}, "identifiers[0].channels.email.status"),
        ({"identifiers": [email(status="nonsubscribed")]}, "identifiers[0].channels.email.status"),
        ({"identifiers": [email(statusDate="2017-05-30 15:14:22Z")]}, "identifiers[0].channels.email.statusDate"),
        ({"identifiers": [email(statusDate="2017-05-30T15:14:22")]}, "identifiers[0].channels.email.statusDate"),
        ({"identifiers": [email(statusDate="2017-02-30T15:14:22Z")]}, "identifiers[0].channels.email.statusDate"),
        ({"identifiers": [email(statusDate=None)]}, "identifiers[0].channels.email.statusDate"),
        ({"identifiers": [email()], "sendWelcomeEmail": "true"}, "sendWelcomeEmail"),
        ({"identifiers": [email()], "tags": "vip"}, "tags"),
        ({"identifiers": [email()], "countryCode": "gb"}, "countryCode"),
        ({"identifiers": [email()], "gender": "M"}, "gender"),
        ({"identifiers": [email()], "birthdate": "1981-02-30"}, "birthdate"),
        ({"identifiers": [email()], "birthdate": "05.11.1981"}, "birthdate"),
        ({"identifiers": [email()], "createdAt": "2017-05-30"}, "createdAt"),
        ({"identifiers": [email()], "firstName": None}, "firstName"),
        ({"identifiers": [email()], "customProperties": []}, "customProperties"),
        ({"identifiers": [email()], "customProperties": {"a b": 1}}, "customProperties.a b"),
        ({"identifiers": [email()], "customProperties": {"a" * 129: 1}}, f"customProperties.{'a' * 129}"),
        ({"identifiers": [email()], "customProperties": {"a": {}}}, "customProperties.a"),
        ({"identifiers": [email()], "customProperties": {"a": [1]}}, "customProperties.a"),
        ({"identifiers": [email()], "customProperties": {"a": "x" * 2049}}, "customProperties.a"),
        ({"identifiers": [email()], "customProperties": {"a": ["x" * 2049]}}, "customProperties.a"),
        ({"identifiers": [email()], "email": "ann@shop.test"}, None),
        ({"identifiers": [email()], "contactID": "1"}, None),
    ],
)
def test_a_contact_that_the_document_does_not_allow_is_refused_with_its_field(ask, caller, body, field):
    heard = ask("POST", "", body)
    assert heard.status == 422
    assert heard.json["error"]
    if field:
        assert heard.json["fields"]["0"][0].startswith(f"{field}: ")
    assert len(caller.sandbox.state("omnisend")["contacts"]) == 1


def test_an_update_takes_no_welcome(ask):
    assert ask("PATCH", f"/{FIRST_ID}", {"sendWelcomeEmail": True}).status == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nobody", 404),
        ("PATCH", "/nobody", 404),
        ("GET", "/a/b", 404),
        ("GET", "x", 404),
        ("PUT", f"/{FIRST_ID}", 405),
        ("DELETE", f"/{FIRST_ID}", 405),
        ("PUT", "", 405),
        ("POST", f"/{FIRST_ID}", 405),
        ("GET", f"/{FIRST_ID}?email=x", 400),
        ("POST", "?email=x", 400),
        ("PATCH", "?email=x&email=y", 400),
        ("GET", "?offset=5", 400),
        ("GET", "?limit=0", 400),
        ("GET", "?limit=251", 400),
        ("GET", "?limit=x", 400),
        ("GET", "?status=nonsubscribed", 400),
        ("GET", "?after=nobody", 400),
        ("GET", "?tag=a&tag=b", 400),
    ],
)
def test_paths_methods_and_parameters_that_no_document_has_are_refused(ask, method, path, status):
    heard = ask(method, path, {"city": "Bonn"} if method in {"POST", "PATCH", "PUT"} else None)
    assert heard.status == status
    assert heard.json["error"]


@pytest.mark.parametrize("key", ["wrong", ""])
def test_another_key_is_unauthorised_and_counts_for_nothing(caller, key):
    assert caller.call("GET", "/v3/contacts", X_API_KEY=key).status == 401
    assert caller.call("GET", "/v3/contacts").status == 401
    assert caller.sandbox.state("omnisend")["window"] == {"most": 0, "refused": 0}


def walked(caller, ask, query: str) -> list[str]:
    found, path = [], query
    while path is not None:
        heard = ask("GET", path).json
        found += [contact["contactID"] for contact in heard["contacts"]]
        place = heard["paging"]["next"]
        path = place and place.removeprefix(f"{caller.sandbox.url}/v3/contacts")
        assert path is None or path.startswith("/?")
    return found


@pytest.mark.parametrize("limit", [1, 2, 7, 8, 250])
def test_a_list_is_walked_by_its_cursor_each_contact_once(caller, ask, save, limit):
    made = [save(email(f"p{n}@shop.test")).json["contactID"] for n in range(7)]
    assert walked(caller, ask, f"?limit={limit}") == [FIRST_ID, *made]
    assert walked(caller, ask, "") == [FIRST_ID, *made]


def test_a_list_keeps_its_filters_from_page_to_page(caller, ask, save):
    made = [save(email(f"p{n}@shop.test"), tags=["a b&c"] if n % 2 else ["x"]).json["contactID"] for n in range(6)]
    assert walked(caller, ask, "?limit=2&tag=a+b%26c") == made[1::2]
    save(email("p0@shop.test", status="unsubscribed"))
    assert walked(caller, ask, "?status=unsubscribed&limit=1") == made[:1]
    assert walked(caller, ask, "?email=p3%40shop.test") == made[3:4]
    assert walked(caller, ask, "?phone=44+303-123-7300") == [FIRST_ID]
    assert walked(caller, ask, "?segmentID=s") == []


@pytest.mark.parametrize("place", [None, "", "https://evil.test/v3/contacts?after=a", 5])
def test_a_page_can_be_made_to_lead_anywhere(caller, ask, place):
    caller.sandbox.fault("change", at="paging.next", to=place, times=1)
    assert ask("GET", "").json["paging"]["next"] == place
    assert ask("GET", "").json["paging"]["next"] is None


def test_an_answer_without_the_place_to_change_stays_as_it_is(caller, ask):
    caller.sandbox.fault("change", at="paging.next.after", to=1)
    assert ask("GET", f"/{FIRST_ID}").json["contactID"] == FIRST_ID
    assert caller.call("POST", "/_sandbox/faults", {"fault": "change", "to": 1}).status == 400
    assert caller.call("POST", "/_sandbox/faults", {"fault": "change", "at": "a..b"}).status == 400


def test_what_is_left_of_the_minute_is_told_with_every_answer(ask):
    for status, left in ((200, "399"), (404, "398")):
        heard = ask("GET", "" if status == 200 else "/nobody")
        assert heard.status == status
        assert (heard.headers["X-Rate-Limit-Limit"], heard.headers["X-Rate-Limit-Remaining"]) == ("400", left)
        assert 1 <= int(heard.headers["X-Rate-Limit-Reset"]) <= 60


@pytest.mark.parametrize("tells", [False, True])
def test_a_call_too_many_is_a_429_that_tells_when_if_it_is_told_to(caller, ask, tells):
    told = {"platform": "omnisend", "calls": 2, "seconds": 30, "tells": tells}
    assert caller.call("POST", "/_sandbox/window", told).json == told
    heard = [ask("GET", "") for _ in range(3)]
    assert [one.status for one in heard] == [200, 200, 429]
    assert heard[2].headers.get("Retry-After") in ([str(n) for n in range(25, 31)] if tells else [None])
    assert heard[2].json["error"]
    assert caller.sandbox.state("omnisend")["window"] == {"most": 2, "refused": 1}


@pytest.mark.parametrize(
    "told", [{}, {"calls": 0, "seconds": 1}, {"calls": 1, "seconds": 0}, {"calls": 1, "seconds": 1, "tells": 1}]
)
def test_a_window_that_makes_no_sense_is_refused(caller, told):
    assert caller.call("POST", "/_sandbox/window", {"platform": "omnisend"} | told).status == 400


def test_a_platform_that_counts_or_keeps_nothing_says_so(caller):
    assert caller.call("POST", "/_sandbox/window", {"platform": "omnisense", "calls": 1, "seconds": 1}).status == 404
    assert caller.call("GET", "/_sandbox/state?platform=nobody").status in (400, 404)


def test_four_hundred_fit_into_any_minute_and_slide_out_one_by_one():
    now = itertools.count()
    moments: list[float] = []
    window = Window(400, 60.0, clock=lambda: moments[-1])
    for n in now:
        moments.append(n / 10)
        if wait := window.arrive():
            break
    assert n == 400
    assert wait == pytest.approx(20.0)
    assert window.left() == (0, pytest.approx(20.0))
    moments.append(60.0)
    assert window.arrive() == 0.0
    assert window.arrive() > 0.0
    moments.append(60.1)
    assert window.arrive() == 0.0
    assert window.counts() == {"most": 400, "refused": 2}


def test_many_callers_at_once_never_get_more_than_the_window_holds(caller, ask):
    caller.sandbox.set_window("omnisend", 20, 30)
    heard: list[int] = []
    threads = [threading.Thread(target=lambda: heard.append(ask("GET", "").status)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard) == [200] * 20 + [429] * 20


def test_reset_brings_the_beginning_back_and_keeps_the_window(caller, ask, save):
    caller.sandbox.set_window("omnisend", 3, 30)
    save(email())
    ask("PATCH", f"/{FIRST_ID}", {"firstName": "Dr. Evil"})
    caller.call("POST", "/_sandbox/reset")
    state = caller.sandbox.state("omnisend")
    assert [one["firstName"] for one in state["contacts"]] == ["Austin"]
    assert state["window"] == {"most": 0, "refused": 0}
    assert [ask("GET", "").status for _ in range(4)] == [200, 200, 200, 429]


def test_a_store_with_a_key_of_its_own_is_its_own_and_shows_nothing(calling):
    mine = Omnisend("mine")
    with start(roles=(mine,)) as sandbox:
        caller = calling(sandbox)
        assert caller.call("GET", "/v3/contacts", X_API_KEY="mine").status == 200
        assert caller.call("GET", "/v3/contacts", **KEY).status == 401
        told = sandbox.environment()
        assert (told["OMNISEND_BASE_URL"], told["OMNISEND_API_KEY"]) == (sandbox.url, "mine")
    assert "mine" not in repr(mine)
    assert "austin" not in repr(mine)
