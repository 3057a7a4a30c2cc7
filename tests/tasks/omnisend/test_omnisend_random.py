"""Random valid contacts: Omnisend takes them, and has afterwards just what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.omnisend.role import FIRST_ID
from sandbox.server import Sandbox
from tasks.omnisend import requests
from tests.tasks.omnisend.conftest import Send, checked, parcel

JSON = dict[str, Any]
State = Callable[..., Any]

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
SOMETHING = TEXT.filter(str.strip)
ADDRESS = st.from_regex(r"[a-z0-9][a-z0-9+_.]{0,9}[a-z0-9]@[a-z0-9]{1,12}\.(com|org)", fullmatch=True).filter(
    lambda address: ".." not in address
)
PHONE = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
PAST = st.datetimes(datetime(1990, 1, 1), datetime(2025, 1, 1), timezones=st.just(UTC))
MOMENT = PAST.map(lambda moment: moment.isoformat(timespec="seconds").replace("+00:00", "Z"))
STATUS = st.sampled_from(["subscribed", "unsubscribed", "nonSubscribed"])
CHANNEL = st.fixed_dictionaries({"status": STATUS, "statusDate": MOMENT})
CONSENT = st.fixed_dictionaries({}, optional={"source": TEXT, "createdAt": MOMENT, "ip": TEXT, "userAgent": TEXT})
VALUE = st.one_of(
    TEXT.filter(bool),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(-1e9, 1e9).map(lambda number: round(number, 6)),
    st.dates().map(str),
    st.lists(TEXT, max_size=3),
)
NAME = st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True)
PROFILE = {
    "createdAt": MOMENT,
    **dict.fromkeys(("firstName", "lastName", "country", "state", "city", "address", "postalCode"), TEXT),
    "tags": st.lists(SOMETHING, max_size=4),
    "countryCode": st.from_regex(r"[A-Z]{2}", fullmatch=True),
    "gender": st.sampled_from("mf"),
    "birthdate": st.dates().map(str),
    "customProperties": st.dictionaries(NAME, VALUE, min_size=1, max_size=5),
}


def identifier(kind: str, address: st.SearchStrategy[str], channel: str) -> st.SearchStrategy[JSON]:
    known = {"type": st.just(kind), "id": address, "channels": st.fixed_dictionaries({channel: CHANNEL})}
    return st.fixed_dictionaries(known, optional={"source": TEXT, "consent": CONSENT})


EMAIL, SMS = identifier("email", ADDRESS, "email"), identifier("phone", PHONE, "sms")
IDENTIFIERS = st.one_of(st.tuples(EMAIL), st.tuples(SMS), st.tuples(EMAIL, SMS)).map(list)
CONTACT = st.fixed_dictionaries({"identifiers": IDENTIFIERS}, optional=PROFILE | {"sendWelcomeEmail": st.booleans()})
CHANGES = st.fixed_dictionaries({}, optional=PROFILE).filter(bool)
WHICH = st.fixed_dictionaries(
    {},
    optional={
        "email": ADDRESS,
        "phone": PHONE,
        "status": STATUS,
        "segmentID": SOMETHING,
        "tag": SOMETHING,
        "limit": st.integers(1, 250),
    },
)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sent(name: str, payload: JSON, server: Sandbox) -> Any:
    return json.loads(parcel(name, checked(name, payload), server).request.body or b"null")


@many
@given(CONTACT)
def test_a_contact_is_saved_as_it_was_asked_for(send: Send, state: State, omnisend: Sandbox, contact: JSON) -> None:
    omnisend.reset()
    assert sent("save_contact", contact, omnisend) == contact
    answer = send("save_contact", contact).answer
    assert answer is not None
    saved = state(contactID=answer["contactID"])
    assert {name: saved[name] for name in contact if name != "sendWelcomeEmail"} == {
        name: value for name, value in contact.items() if name != "sendWelcomeEmail"
    }
    welcomed = contact.get("sendWelcomeEmail", False) and contact["identifiers"][0]["type"] == "email"
    assert omnisend.counts()["events"] == int(welcomed)


@many
@given(CHANGES, st.booleans())
def test_a_contact_is_changed_as_it_was_asked_for(
    send: Send, state: State, omnisend: Sandbox, changes: JSON, by_address: bool
) -> None:
    omnisend.reset()
    before = state(contactID=FIRST_ID)
    whom = {"email": "austin.powers@example.com"} if by_address else {"contactID": FIRST_ID}
    assert sent("update_contact", whom | changes, omnisend) == changes
    send("update_contact", whom | changes)
    properties = before["customProperties"] | changes.get("customProperties", {})
    assert state(contactID=FIRST_ID) == before | changes | {"customProperties": properties}


@many
@given(ADDRESS, PHONE, STATUS, MOMENT)
def test_the_older_form_is_the_same_contact(
    omnisend: Sandbox, address: str, phone: str, status: str, date: str
) -> None:
    of_email = {"type": "email", "id": address, "channels": {"email": {"status": status, "statusDate": date}}}
    flat = {"email": address.upper(), "status": status, "statusDate": date}
    assert sent("save_contact", flat, omnisend) == {"identifiers": [of_email]}
    both = sent("save_contact", flat | {"phone": f" {phone[:5]} ({phone[5:]})"}, omnisend)["identifiers"]
    assert both[0] == of_email
    assert both[1]["id"] == phone


@many
@given(WHICH)
def test_every_question_for_a_list_is_answered(send: Send, which: JSON) -> None:
    answer = send("list_contacts", which).answer
    assert answer is not None
    assert isinstance(answer["contacts"], list)
    assert requests.following(which, answer) is None


@many
@given(SOMETHING.filter(lambda text: text not in {".", ".."}))
def test_no_id_reaches_another_path(omnisend: Sandbox, contact_id: str) -> None:
    omnisend.reset()
    packed = parcel("get_contact", checked("get_contact", {"contactID": contact_id}), omnisend)
    path = packed.url.removeprefix(omnisend.url)
    assert path.startswith("/v3/contacts/")
    assert path.count("/") == 3
    assert "?" not in path
