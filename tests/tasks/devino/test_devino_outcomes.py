"""Which contacts were taken (platforms.md D12 and D28): never a wrong one, and unsure where it can't be told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.devino import messages
from tasks.devino.answers import read
from tasks.devino.outcomes import sort
from tests.tasks.devino.conftest import OPERATIONS, Post, loaded
from worker.facts.wire import Sorted

ANNA = {"email": "anna@shop.test", "phone": "79103398080"}
BORIS = {"email": "boris@shop.test", "phone": "79103398081"}
CLARA = {"phone": "79103398082"}
DORA = {"pushInfo": [{"appId": "3410", "os": 1, "pushToken": "ctJ5VzCERSiFTwvIQ8zUUN:APA91bEmdapZ9iHEPsVH9v"}]}
IDS = ["3111e47182ca9c11-3111e4711103c800", "3111e47182ca9c12-3111e4711103c801"]
SENT = {"code": "OK", "mergeKey": "1", "result": "3606044956953218300"}


def _error(person: Any, reason: str = "invalid.email; Invalid email") -> dict[str, Any]:
    names = ("email", "fields", "phone", "pushInfo")
    dump = person if isinstance(person, str) else json.dumps({name: person.get(name) for name in names})
    return {"code": "REJECTED", "result": None, "description": f"{dump} #{reason}"}


def _sorted(
    people: list[Any], *answers: dict[str, Any], ids: list[Any] | None = None
) -> tuple[dict[int, str], list[int]]:
    """The codes of refused rows, and the unsure ones."""
    result = {
        "contactIds": [],
        "sendAnswers": [one for one in answers if one["code"] == "OK"],
        "errorAnswers": [one for one in answers if one["code"] != "OK"],
    }
    answer = read(OPERATIONS["send_messages"], 200, {}, json.dumps({"result": result}).encode()).answer
    asked = {"taskId": 1, "contacts": [{"contact": one} for one in people], "contactIds": ids or []}
    found = sort(asked, answer or {})
    return {one.row: one.code for one in found.refused}, list(found.unsure)


def test_all_sent_is_all_accepted() -> None:
    assert _sorted([ANNA, BORIS], SENT, SENT) == ({}, [])


@pytest.mark.parametrize(
    ("person", "row"),
    [
        (ANNA, 1),
        (BORIS, 2),
        (CLARA, 3),
        (DORA, 4),
        (ANNA | {"email": "ANNA@shop.test", "phone": "+7 910 339-80-80"}, 1),
        ({"email": "Boris@Shop.test"}, 2),
        ({"phone": "79103398081"}, 2),
        ("Contact(email=anna@shop.test, phone=79103398080)", 1),
        ("{'phone': '79103398082'}", 3),
        ("pushToken=ctJ5VzCERSiFTwvIQ8zUUN:APA91bEmdapZ9iHEPsVH9v;", 4),
    ],
)
def test_an_error_is_that_of_the_contact_whose_addresses_it_holds(person: Any, row: int) -> None:
    assert _sorted([ANNA, BORIS, CLARA, DORA], SENT, _error(person), SENT, SENT) == ({row: "invalid.email"}, [])


def test_an_error_that_could_be_two_contacts_is_nobodys() -> None:
    family = [ANNA, BORIS | {"phone": ANNA["phone"]}]
    assert _sorted([*family, CLARA], SENT, SENT, _error({"phone": ANNA["phone"]})) == ({}, [1, 2, 3])
    assert _sorted([*family, CLARA], SENT, SENT, _error(family[1])) == ({2: "invalid.email"}, [])
    both = (_error(family[1]), _error({"phone": ANNA["phone"]}))
    assert _sorted([*family, CLARA], SENT, *both) == ({2: "invalid.email"}, [1, 3])


def test_an_error_of_a_stranger_makes_the_rest_unsure() -> None:
    stranger = _error({"email": "nobody@shop.test"})
    assert _sorted([ANNA, BORIS], SENT, stranger) == ({}, [1, 2])
    assert _sorted([ANNA, BORIS], SENT, SENT, stranger) == ({}, [1, 2])
    assert _sorted([ANNA, BORIS, CLARA], SENT, stranger, _error(ANNA)) == ({1: "invalid.email"}, [2, 3])


def test_where_nobody_was_sent_and_the_counts_meet_all_are_refused() -> None:
    first, second = _error("no dump", "a.b; c"), _error("no dump", "d.e; f")
    assert _sorted([ANNA], first) == ({1: "a.b"}, [])
    assert _sorted([ANNA, BORIS], first, second) == ({1: "a.b", 2: "d.e"}, [])
    assert _sorted([ANNA, BORIS, CLARA], first, _error(ANNA), second) == ({1: "invalid.email", 2: "a.b", 3: "d.e"}, [])


@pytest.mark.parametrize("answers", [[], [SENT], [SENT] * 3])
def test_where_the_counts_do_not_meet_nobody_is_told_to_be_sent(answers: list[dict[str, Any]]) -> None:
    assert _sorted([ANNA, BORIS], *answers) == ({}, [1, 2])


def test_an_answer_that_says_too_little_leaves_the_rest_unsure() -> None:
    assert _sorted([ANNA, BORIS, CLARA], _error(ANNA), SENT) == ({1: "invalid.email"}, [2, 3])
    assert _sorted([ANNA, BORIS], _error(ANNA), _error(ANNA)) == ({1: "invalid.email"}, [2])


def test_a_contact_of_the_address_book_is_known_by_its_id() -> None:
    ok = SENT | {"mergeKey": IDS[0][:-3]}
    assert _sorted([ANNA], ok, ids=IDS) == ({}, [1, 3])
    assert _sorted([ANNA], ok, SENT | {"mergeKey": IDS[1]}, _error(ANNA), ids=IDS) == ({1: "invalid.email"}, [])
    assert _sorted([], SENT | {"mergeKey": IDS[0][:5]}, ids=IDS) == ({}, [1, 2])
    assert _sorted([], SENT | {"mergeKey": "1"}, ids=[1, 11]) == ({}, [2])
    assert _sorted([], _error("") | {"mergeKey": "11"}, SENT | {"mergeKey": "1"}, ids=[1, 11]) == (
        {2: "invalid.email"},
        [],
    )


def test_an_id_told_twice_counts_once() -> None:
    told = SENT | {"mergeKey": IDS[0]}
    assert _sorted([], told, told, told, ids=IDS) == ({}, [2])


def test_marks_of_another_process_match_nobody() -> None:
    result = {"contactIds": [], "sendAnswers": [SENT], "errorAnswers": [_error(ANNA)]}
    answer = read(OPERATIONS["send_messages"], 200, {}, json.dumps({"result": result}).encode()).answer
    assert answer is not None
    answer["result"]["errorAnswers"][0]["marks"] = ["0" * 16, "1" * 16]
    asked = {"taskId": 1, "contacts": [{"contact": ANNA}, {"contact": BORIS}]}
    assert sort(asked, answer) == Sorted((), (1, 2))


def test_a_refusal_names_its_reason_and_no_address() -> None:
    result = {
        "contactIds": [],
        "sendAnswers": [],
        "errorAnswers": [_error(ANNA, "invalid.email; Invalid anna@shop.test")],
    }
    answer = read(OPERATIONS["send_messages"], 200, {}, json.dumps({"result": result}).encode()).answer
    (refusal,) = sort({"taskId": 1, "contacts": [{"contact": ANNA}]}, answer or {}).refused
    assert refusal.reason == "Devino refused the contact: Invalid …."
    assert "anna" not in repr(refusal)


@st.composite
def _crowd(draw: st.DrawFn) -> list[dict[str, Any]]:
    """People of whom some are refused, some share a phone, and nobody is there twice."""
    domains = draw(st.lists(st.sampled_from(["shop.test", "refused.test", "busy.test"]), min_size=1, max_size=12))
    phones = draw(st.lists(st.integers(0, 5), min_size=len(domains), max_size=len(domains)))
    people = enumerate(zip(domains, phones, strict=True))
    return [{"email": f"p{n}@{domain}", "phone": f"7910339808{phone}"} for n, (domain, phone) in people]


@given(_crowd(), st.lists(st.sampled_from(["1", "77", "1404", "77404"]), unique=True, max_size=4))
@settings(max_examples=150, deadline=None)
def test_what_the_sandbox_took_is_accepted_and_nothing_else(
    played: Any, crowd: list[dict[str, Any]], ids: list[str]
) -> None:
    played.reset()
    if all(one["email"].endswith("@busy.test") for one in crowd):
        return  # such a request is made again as a whole
    asked = {"taskId": 7004, "contacts": [{"contact": one} for one in crowd], **({"contactIds": ids} if ids else {})}
    answers = [sent.answer for sent in Post(played)("send_messages", asked)]
    events = [[{"taskId": 7004, "contact": one} for one in crowd], [{"taskId": 7004, "contactId": one} for one in ids]]
    pieces = OPERATIONS["send_messages"].split(loaded("send_messages", asked), messages.LIMITS)  # type: ignore[misc]
    for piece, answer, of_piece in zip(pieces, answers, filter(None, events), strict=True):
        found = sort(piece, answer)
        refused = {one.row for one in found.refused}
        taken = [0 if row in refused else 1 for row in range(1, len(of_piece) + 1)]
        assert (found.unsure, taken) == ((), played.taken(of_piece, "Devino"))
