"""How Devino's answers are read (platforms.md 2.5, 2.7, 2.9)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.devino.answers import read, words
from tests.tasks.devino.conftest import OPERATIONS, Post
from worker.answers import Answer, meaning
from worker.errors import Down, Forbidden, Refused
from worker.operation import Reading, Repeat, Unreadable

DUMP = '{"email":"test@test.com","fields":[{"value":"flat #7; ring"}],"phone":"0","pushInfo":[{"pushToken":"ctJ5Vz"}]}'
PERSONAL = ("test@test.com", "flat", "ring", "ctJ5Vz", "79103398080")
SENT = {"code": "OK", "mergeKey": "3111e47182ca9c11", "result": "3606044956953218300"}


def _read(name: str, said: Any, status: int = 200) -> Reading:
    return read(OPERATIONS[name], status, {}, json.dumps(said).encode())


def _meaning(name: str, said: Any, status: int = 200) -> Reading:
    from tasks.devino import PLATFORM

    return meaning(OPERATIONS[name], PLATFORM, Repeat.HARMFUL, Answer(status, {}, json.dumps(said).encode()))


def _error(reason: str, dump: str = DUMP) -> dict[str, Any]:
    return {"code": "REJECTED", "result": None, "description": f"{dump} #{reason}"}


def _answers(*errors: dict[str, Any], sent: Any = (), ids: Any = ()) -> dict[str, Any]:
    return {"result": {"contactIds": list(ids), "sendAnswers": list(sent), "errorAnswers": list(errors)}}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    "said",
    [
        {"result": {"code": "REJECTED", "result": None, "description": f"{DUMP} #name.too.long; Too long"}},
        {"result": None, "reasons": [{"key": "name.too.long", "ref": "taskName", "defaultMessage": "Too long"}]},
        {"result": None, "reasons": None, "description": "#name.too.long; Too long"},
        {"reasons": [{"key": "Name.Too.Long", "ref": "taskName", "defaultMessage": "Too long"}]},
        {"result": {"code": "REJECTED", "reasons": [{"key": "name.too.long", "defaultMessage": "Too long"}]}},
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_a_no_is_a_no_whatever_its_status(name: str, said: Any, status: int) -> None:
    assert _read(name, said, status) == Reading(False, "name.too.long", "Too long")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_no_without_a_reason_has_a_code_all_the_same(name: str) -> None:
    assert _read(name, {"result": None}) == Reading(False, "devino.rejected", "")
    assert _read(name, {"result": {}}, 404).code == "devino.404"


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"OK", b"<html></html>", b"[]", b"{}", b'"x"', b'{"status": "ok"}', b'{"error": "no"}', b"[" * 9999],
)
def test_what_is_not_in_devinos_form_is_unreadable(name: str, body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(OPERATIONS[name], 200, {}, body)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("create_cascade", {"code": "OK"}),
        ("create_cascade", {"code": "OK", "result": ""}),
        ("create_cascade", {"code": "OK", "result": True}),
        ("create_cascade", {"code": "WELL", "result": "1"}),
        ("create_cascade", {"id": "1"}),
        ("get_cascade", []),
        ("get_cascade", {"taskName": "x"}),
        ("list_cascades", {"id": "1"}),
        ("list_cascades", ["x"]),
        ("list_macros", "x"),
        ("send_messages", {"code": "OK", "result": "1"}),
        ("send_messages", {"contactIds": ["1"]}),
        ("send_messages", []),
    ],
)
def test_an_answer_to_another_question_is_unreadable(name: str, result: Any) -> None:
    with pytest.raises(Unreadable):
        _read(name, {"result": result})


@pytest.mark.parametrize("made", ["7003", 7003, 12345678901234567890123])
def test_a_created_cascades_id_is_a_string(made: Any) -> None:
    assert _read("create_cascade", {"result": {"code": "OK", "result": made}}).answer == {
        "result": {"code": "OK", "result": str(made)}
    }


def test_ids_become_strings_and_what_no_document_lists_survives() -> None:
    trigger = {
        "triggerId": 511,
        "parentTriggerId": None,
        "channel": "TELEX",
        "counters": {"totalCount": 1},
        "newer": {"x": 1},
    }
    task = {"id": 7003, "taskName": 12, "state": "SLEEPING", "companyId": 50, "triggersInfo": [trigger]}
    kept = {
        "id": "7003",
        "taskName": 12,
        "state": "SLEEPING",
        "companyId": "50",
        "triggersInfo": [trigger | {"triggerId": "511"}],
    }
    assert _read("get_cascade", {"result": task}).answer == {"result": kept}
    assert _read("list_cascades", {"result": [task]}).answer == {"result": [kept]}
    macros = [{"task": task, "macros": ["Unsubscribe"]}]
    assert _read("list_macros", {"result": macros}).answer == {"result": [{"task": kept, "macros": ["Unsubscribe"]}]}


def test_nothing_of_a_contact_is_kept_of_an_answer_beyond_the_reason() -> None:
    sent = SENT | {"result": 3606044956953218300, "description": DUMP, "contact": {"email": "test@test.com"}}
    reading = _read("send_messages", _answers(_error("invalid.phone.size; Invalid 79103398080"), sent=[sent], ids=[5]))
    assert reading.accepted
    assert reading.answer is not None
    (error,) = reading.answer["result"]["errorAnswers"]
    assert error.pop("marks")
    assert error == {"code": "REJECTED", "result": None, "key": "invalid.phone.size", "text": "Invalid …"}
    assert reading.answer["result"]["sendAnswers"] == [SENT]
    assert reading.answer["result"]["contactIds"] == ["5"]
    assert not any(one in json.dumps(reading.answer) for one in PERSONAL)


@pytest.mark.parametrize(
    ("said", "key", "text"),
    [
        (
            {"description": f"{DUMP} #invalid.phone.size; Invalid phone size"},
            "invalid.phone.size",
            "Invalid phone size",
        ),
        ({"description": "#queue_full;"}, "queue_full", ""),
        ({"description": f"{DUMP} #Billing.Error; x"}, "billing.error", "x"),
        ({"description": f"{DUMP} #not-enough-credits; x"}, "not-enough-credits", "x"),
        ({"description": DUMP}, "", ""),
        ({"description": f"{DUMP} # ring; test@test.com"}, "", ""),
        ({"description": "Contact(name=Anna #7; 12 Main street)} #"}, "", ""),
        ({"description": f"x #a.b; {'y' * 500}"}, "a.b", "y" * 200),
        ({"description": "x #a.b; write to test@test.com"}, "a.b", "write to …"),
        ({"description": None}, "", ""),
        ({"description": 5}, "", ""),
        ({"reasons": [], "description": "#a.b; c"}, "a.b", "c"),
        ({"reasons": [{"key": "a.b", "defaultMessage": None}], "description": "#c.d; e"}, "a.b", ""),
        ({"reasons": [{"ref": "x"}], "description": "#c.d; e"}, "c.d", "e"),
        ({"reasons": "a.b"}, "", ""),
        ({}, "", ""),
    ],
)
def test_only_the_reason_is_taken_from_a_description(said: dict[str, Any], key: str, text: str) -> None:
    assert words(said) == (key, text)


@pytest.mark.parametrize("key", ["billing.error", "sms.billing.error", "not-enough-credits", "STOPPED_BALANCE_BLOCKED"])
def test_an_empty_balance_closes_the_account(key: str) -> None:
    for name in ("create_cascade", "send_messages"):
        with pytest.raises(Forbidden, match="Not enough money"):
            _meaning(name, {"result": None, "description": f"#{key}; Not enough money"})
    with pytest.raises(Forbidden, match="Not enough money"):
        _meaning("send_messages", _answers(_error(f"{key}; Not enough money"), _error(f"{key}; Not enough money")))


@pytest.mark.parametrize("key", ["unknown", "queue_full", "system_error"])
def test_devinos_own_trouble_passes(key: str) -> None:
    with pytest.raises(Down):
        _meaning("create_cascade", {"result": {"code": "REJECTED", "result": None, "description": f"#{key}; x"}})
    with pytest.raises(Down):
        _meaning("send_messages", _answers(_error(f"{key}; x"), ids=["1"]))


@pytest.mark.parametrize(
    "key", ["sender.unknown", "invalid.phone.size", "forbidden", "length.too.long", "must.be.not.null"]
)
def test_any_other_reason_is_for_good(key: str) -> None:
    with pytest.raises(Refused, match=key):
        _meaning("create_cascade", {"result": {"code": "REJECTED", "description": f"#{key}; x"}})


@pytest.mark.parametrize(
    "said",
    [
        _answers(_error("queue_full; x"), sent=[SENT]),
        _answers(_error("billing.error; x"), sent=[SENT]),
        _answers(_error("queue_full; x"), _error("invalid.phone.size; x")),
        _answers(_error("billing.error; x"), _error("invalid.phone.size; x")),
        _answers(_error("queue_full; x"), ids=["1", "2"]),
    ],
)
def test_a_request_of_which_somebody_may_have_been_sent_is_never_made_again(said: dict[str, Any]) -> None:
    reading = _meaning("send_messages", said)
    assert (reading.closes, reading.passing) == (False, False)


def test_a_cascade_that_devino_stopped_for_its_balance_closes_the_account(post: Post, without_balance: Post) -> None:
    from tests.tasks.devino.conftest import cascade

    (made,) = without_balance("create_cascade", cascade())
    (listed,) = without_balance("list_cascades", {"includedStates": ["STOPPED_BALANCE_BLOCKED"]})
    assert [row["id"] for row in listed.answer["result"]][-1] == made.answer["result"]["result"]
    with pytest.raises(Forbidden, match="balance"):
        without_balance("get_cascade", {"taskId": made.answer["result"]["result"]})
    with pytest.raises(Forbidden, match="Not enough money"):
        without_balance("send_messages", {"taskId": 7004, "contactIds": [1, 2]})
    assert post("get_cascade", {"taskId": 7004})[0].answer["result"]["state"] == "FINISHED"
