"""Devino as its document has it, and nothing beyond."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.devino import Devino
from sandbox.server import start

KEY = "sandbox-devino-key"
BLOCKED = "sandbox-devino-key-without-balance"
TASKS, MACROS, MESSAGES = (
    "/devino/omni-task-api/tasks",
    "/devino/omni-task-api/macros",
    "/devino/omni-scheduler/api/messages",
)
WINDOW = {"startTime": "2099-04-05 11:00:00", "endTime": "2099-04-05 12:00:00"}
SMS = {"smsTemplate": {"from": "SHOP", "text": "Hello ${Name}"}}
LETTER = {"emailTemplate": {"sourceAddress": "a@b.c", "subject": "x", "htmlBody": "${Name} ${Unsubscribe}"}}
FIRST = {"index": 0, **WINDOW, "type": "TRAN_API_SOURCE", "channel": "SMS", "template": SMS}
EVENT = {"channel": "SMS", "eventType": "STATE", "eventValue": "expired"}
NEXT = {"index": 1, "parentIndex": 0, **WINDOW, "type": "EVENT_SOURCE", "channel": "EMAIL", "template": LETTER}
NEXT |= {"eventSources": [EVENT]}
ANNA = {"email": "anna@shop.test", "phone": "79103398080"}
PAGE = "ascending=true&count=100&offset=0&orderBy=ID"


def task(*triggers: Any, **changes: Any) -> dict[str, Any]:
    whole = {
        "taskName": "Order",
        "type": "API",
        "channel": "OMNI",
        "triggers": list(triggers) or [FIRST, NEXT],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def to(*contacts: Any, **changes: Any) -> dict[str, Any]:
    return {"taskId": 7004, **({"contacts": [{"contact": one} for one in contacts]} if contacts else {}), **changes}


@pytest.fixture
def ask(caller):
    """A call with a key; `key` of None leaves it out."""

    def asked(method: str, path: str, content: Any = None, key: str | None = KEY):
        return caller.call(method, path, content, **({} if key is None else {"Authorization": f"Key {key}"}))

    return asked


@pytest.fixture
def listed(ask):
    return lambda query="", key=KEY: [
        one["id"] for one in ask("GET", f"{TASKS}?{PAGE}{query}", None, key).json["result"]
    ]


def test_a_created_task_is_shown_with_ids_of_its_own(ask):
    made = ask("POST", TASKS, task())
    assert (made.status, made.json) == (200, {"result": {"code": "OK", "result": "7005"}})
    shown = ask("GET", f"{TASKS}/7005").json["result"]
    triggers = shown.pop("triggersInfo")
    assert {name: shown[name] for name in ("id", "taskName", "type", "channel", "state", "companyId")} == {
        "id": "7005",
        "taskName": "Order",
        "type": "API",
        "channel": "OMNI",
        "state": "NEW",
        "companyId": 50,
    }
    assert [(one["triggerId"], one["taskId"], one["channel"]) for one in triggers] == [
        ("64002", "7005", "EMAIL"),
        ("64001", "7005", "SMS"),
    ]
    assert triggers[1]["counters"] == {"totalCount": 0, "successCount": 0, "errorCount": 0}
    assert not any("parentTriggerId" in one or "index" in one for one in triggers)
    (row,) = (one for one in ask("GET", f"{TASKS}?{PAGE}").json["result"] if one["id"] == "7005")
    assert [one.get("parentTriggerId") for one in row["triggersInfo"]] == ["64001", None]


def test_the_documents_own_tasks_are_there_from_the_start(ask, listed):
    assert listed() == ["7003", "7004"]
    assert [one["triggerId"] for one in ask("GET", f"{TASKS}/7004").json["result"]["triggersInfo"]] == [
        "63322",
        "63321",
    ]
    assert ask("GET", f"{MACROS}?taskStates=FINISHED&taskIds=7004").json["result"][0]["macros"] == [
        "Unsubscribe",
        "WebVersion",
    ]


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"taskName": None}, "taskName"),
        ({"taskName": "x" * 101}, "taskName"),
        ({"type": "GEO"}, "type"),
        ({"channel": None}, "channel"),
        ({"addressBookSource": {"contactGroupIds": [1]}}, "addressBookSource"),
        ({"type": "SIMPLE"}, "addressBookSource"),
        ({"triggers": []}, "triggers"),
        ({"colour": "red"}, ""),
        ({"triggers": [FIRST | {"startTime": "2099-04-05T11:00:00"}]}, "triggers[0].startTime"),
        ({"triggers": [FIRST | {"startTime": "2099-04-05 11:00:00Z"}]}, "triggers[0].startTime"),
        ({"triggers": [FIRST | {"startTime": "2099-02-30 11:00:00"}]}, "triggers[0].startTime"),
        ({"triggers": [FIRST | {"endTime": WINDOW["startTime"]}]}, "triggers[0].endTime"),
        ({"triggers": [FIRST | {"template": LETTER}]}, "triggers[0].template"),
        ({"triggers": [FIRST | {"template": {**LETTER, **SMS}}]}, "triggers[0].template"),
        ({"triggers": [FIRST | {"type": "ADDRESS_BOOK_SOURCE"}]}, "triggers[0].type"),
        ({"triggers": [FIRST | {"EventSource": [EVENT]}]}, "triggers[0]"),
        ({"triggers": [FIRST, NEXT | {"index": 0}]}, "triggers"),
        ({"triggers": [FIRST, NEXT | {"parentIndex": 5}]}, "triggers[1].parentIndex"),
        ({"triggers": [FIRST, NEXT | {"parentIndex": 1}]}, "triggers[1].parentIndex"),
        ({"triggers": [FIRST, NEXT | {"type": "NO_EVENT_SOURCE"}]}, "triggers[1].noEventSourceSettings"),
        (
            {"triggers": [FIRST, NEXT | {"noEventSourceSettings": {"stateWaitMaxTimeSec": 0}}]},
            "triggers[1].noEventSourceSettings.stateWaitMaxTimeSec",
        ),
        ({"triggers": [FIRST, NEXT | {"eventSources": [EVENT | {"channel": "EMAIL"}]}]}, "triggers[1].eventSources"),
        ({"triggers": [FIRST, {k: v for k, v in NEXT.items() if k != "eventSources"}]}, "triggers[1].eventSources"),
        (
            {"triggers": [NEXT, NEXT | {"index": 0, "parentIndex": 1, "eventSources": [EVENT | {"channel": "EMAIL"}]}]},
            "triggers[0].eventSources",
        ),
        ({"triggers": [FIRST | {"template": {"smsTemplate": {"text": "x"}}}]}, "triggers[0].template.smsTemplate.from"),
        (
            {"triggers": [FIRST | {"template": {"smsTemplate": {"from": "x", "text": "x", "validity": 259_201}}}]},
            "triggers[0].template.smsTemplate.validity",
        ),
        (
            {"triggers": [FIRST, NEXT | {"template": {"emailTemplate": {**LETTER["emailTemplate"], "htmlBody": "x"}}}]},
            "triggers[1].template.emailTemplate.htmlBody",
        ),
        ({"taskName": "\ud800"}, ""),
    ],
)
def test_a_task_that_the_document_does_not_allow_is_refused_whole(ask, listed, changes, at):
    heard = ask("POST", TASKS, task(**changes))
    (reason,) = heard.json["reasons"]
    assert (heard.status, heard.json["result"], reason["key"], reason["ref"]) == (400, None, "invalid", at)
    assert heard.json["description"].startswith("#invalid; ")
    assert listed() == ["7003", "7004"]


def test_triggers_that_only_follow_each_other_are_refused(ask):
    mail = {"channel": "EMAIL", "eventType": "STATE", "eventValue": "opened"}
    back = {**FIRST, "index": 2, "parentIndex": 1, "type": "EVENT_SOURCE", "eventSources": [mail]}
    heard = ask("POST", TASKS, task(FIRST, NEXT | {"parentIndex": 2}, back))
    assert (heard.status, heard.json["reasons"][0]["ref"]) == (400, "triggers")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("&types=API", ["7004"]),
        ("&types=API&types=SIMPLE", ["7003", "7004"]),
        ("&channel=SMS", ["7003"]),
        ("&name=NEW_SMS", ["7003"]),
        ("&name=NEW", []),
        ("&includedStates=NEW", []),
        ("&includedStates=NEW&includedStates=FINISHED", ["7003", "7004"]),
        ("&excludedStates=FINISHED", []),
        ("&createdDateFrom=2020-06-02%2007:59:08", ["7003", "7004"]),
        ("&createdDateFrom=2020-06-02%2007:59:09", []),
        ("&createdDateTo=2020-06-02%2007:59:07", []),
        ("&startDateFrom=2020-06-02%2011:00:00&endDateTo=2020-06-02%2012:00:00", ["7003", "7004"]),
        ("&startDateTo=2020-06-02%2010:59:59", []),
        ("&endDateFrom=2020-06-02%2012:00:01", []),
    ],
)
def test_a_list_is_filtered_by_each_of_its_parameters(listed, query, found):
    assert listed(query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ascending=false&count=100&offset=0&orderBy=ID", ["7005", "7004", "7003"]),
        ("ascending=true&count=100&offset=0&orderBy=NAME", ["7005", "7003", "7004"]),
        ("ascending=true&count=100&offset=0&orderBy=STATE", ["7003", "7004", "7005"]),
        ("ascending=false&count=100&offset=0&orderBy=CREATION_DATE", ["7005", "7004", "7003"]),
        ("ascending=true&count=2&offset=0&orderBy=ID", ["7003", "7004"]),
        ("ascending=true&count=2&offset=2&orderBy=ID", ["7005"]),
        ("ascending=true&count=2&offset=3&orderBy=ID", []),
    ],
)
def test_a_list_has_an_order_and_pages(ask, query, found):
    ask("POST", TASKS, task(taskName="A"))
    assert [one["id"] for one in ask("GET", f"{TASKS}?{query}").json["result"]] == found


@pytest.mark.parametrize(
    "query",
    [
        "",
        "ascending=true&count=10&offset=0",
        f"{PAGE}&limit=5",
        f"{PAGE}&count=5",
        f"{PAGE}&types=GEO",
        f"{PAGE}&createdDateFrom=2020-06-02",
        f"{PAGE}&includedStates=",
        "ascending=yes&count=10&offset=0&orderBy=ID",
        "ascending=true&count=-1&offset=0&orderBy=ID",
    ],
)
def test_a_question_that_is_off_is_refused(ask, query):
    assert ask("GET", f"{TASKS}?{query}").status == 400


def test_each_contact_has_an_answer_of_its_own(ask, caller):
    wrong = {"phone": "0", "fields": [{"name": "n", "type": 3, "value": "secret"}]}
    heard = ask("POST", MESSAGES, to(ANNA, wrong, {"email": "boris@refused.test"}, {"email": "c@busy.test"})).json[
        "result"
    ]
    (sent,) = heard["sendAnswers"]
    assert (sent["code"], len(sent["result"])) == ("OK", 19)
    assert len(heard["contactIds"]) == 1
    assert heard["contactIds"][0].startswith(sent["mergeKey"])
    assert heard["contactIds"][0] != sent["mergeKey"]
    reasons = [one["description"].rpartition(" #")[2] for one in heard["errorAnswers"]]
    assert [one.partition(";")[0] for one in reasons] == ["invalid.phone.size", "invalid.email", "queue_full"]
    assert heard["errorAnswers"][0]["description"].startswith(
        '{"email":null,"fields":[{"name":"n","type":3,"value":"secret"}],'
    )
    assert caller.sandbox.counts()["events"] == 1


def test_contacts_of_the_address_book_are_known_by_their_ids(ask, caller):
    heard = ask("POST", MESSAGES, to(contactIds=[111, "3111e47182ca9c11", 404])).json["result"]
    assert [one["mergeKey"] for one in heard["sendAnswers"]] == ["111", "3111e47182ca9c11"]
    assert heard["errorAnswers"][0]["description"] == '{"contactId":404} #contact.not.found; Contact is not found'
    assert caller.sandbox.taken([{"taskId": 7004, "contactId": one} for one in (111, 404)], "devino") == [1, 0]


def test_a_message_sent_twice_shows(ask, caller):
    for contacts in ([ANNA], [ANNA, {"phone": "79103398081"}]):
        ask("POST", MESSAGES, to(*contacts))
    events = [{"taskId": 7004, "contact": ANNA}, {"taskId": 7004, "contact": {"phone": "79103398081"}}]
    assert caller.call("POST", "/_sandbox/taken?platform=devino", events).json == [2, 1]
    assert caller.sandbox.counts()["doubled"] == 1
    assert caller.sandbox.events("anna@shop.test") == 2
    assert ask("GET", f"{TASKS}/7004").json["result"]["triggersInfo"][1]["counters"]["totalCount"] == 3


def test_a_task_created_twice_shows(ask, caller):
    for _ in range(2):
        ask("POST", TASKS, task(taskName="Once"))
    assert caller.sandbox.taken([{"taskName": "Once"}, {"taskName": "Other"}], "devino") == [2, 0]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (to(ANNA, taskId=9999), "task.not.found"),
        (to(ANNA, taskId=7003), "task.not.found"),
        (to(), "too.many.messages"),
        (to(*[{"phone": f"7910{n:07}"} for n in range(101)]), "too.many.messages"),
        (to(ANNA, templates={"1": SMS}), "template.invalid"),
        (to(ANNA, templates={"63321": SMS}), "template.invalid"),
    ],
)
def test_messages_that_cant_be_sent_are_rejected_inside_a_200(ask, caller, content, key):
    heard = ask("POST", MESSAGES, content)
    assert (heard.status, heard.json["result"]["code"], heard.json["result"]["result"]) == (200, "REJECTED", None)
    assert heard.json["result"]["description"].startswith(f"#{key}; ")
    assert caller.sandbox.counts()["events"] == 0


@pytest.mark.parametrize(
    ("content", "at"),
    [
        ({}, "taskId"),
        (to(ANNA, taskId="7004"), "taskId"),
        (to({"mail": "x"}), "contacts[0].contact"),
        (to({}), "contacts"),
        (to({"phone": 79103398080}), "contacts[0].contact.phone"),
        (to(ANNA) | {"callbackUrl": "https://a.b"}, ""),
        ({"taskId": 7004, "contacts": [{"contact": ANNA, "callbackUrl": "a.b"}]}, "contacts[0].callbackUrl"),
        ({"taskId": 7004, "contacts": [{"contact": ANNA, "callbackData": "x"}]}, "contacts[0].callbackData"),
        (to(contactIds=[True]), "contactIds[0]"),
        (to(ANNA, templates={"63322": {"smsTemplate": {"colour": "red"}}}), "templates.63322.smsTemplate"),
        (to({"email": "a@b.c", "fields": [{"name": "n", "type": 3, "value": "\ud800"}]}), ""),
    ],
)
def test_messages_that_the_document_does_not_allow_are_refused_whole(ask, caller, content, at):
    heard = ask("POST", MESSAGES, content)
    assert (heard.status, heard.json["reasons"][0]["ref"]) == (400, at)
    assert caller.sandbox.counts()["events"] == 0


def test_an_override_may_lack_what_stays(ask):
    heard = ask("POST", MESSAGES, to(ANNA, templates={"63322": {"smsTemplate": {"validity": 60}}}))
    assert heard.json["result"]["sendAnswers"]


def test_an_account_without_balance_sends_nothing_and_shares_nothing(ask, listed):
    assert ask("POST", TASKS, task(), BLOCKED).json["result"]["code"] == "OK"
    assert ask("GET", f"{TASKS}/7005", None, BLOCKED).json["result"]["state"] == "STOPPED_BALANCE_BLOCKED"
    heard = ask("POST", MESSAGES, to(ANNA, taskId=7005), BLOCKED).json["result"]
    assert (heard["contactIds"], heard["sendAnswers"]) == ([], [])
    assert heard["errorAnswers"][0]["description"].endswith(" #billing.error; Not enough money")
    assert (listed(), listed("", BLOCKED)) == (["7003", "7004"], ["7003", "7004", "7005"])
    assert ask("GET", f"{TASKS}/7005").status == 404


def test_reset_forgets_what_was_created(ask, caller, listed):
    ask("POST", TASKS, task())
    caller.call("POST", "/_sandbox/reset")
    assert listed() == ["7003", "7004"]
    assert ask("POST", TASKS, task()).json["result"]["result"] == "7005"


@pytest.mark.parametrize("key", [None, "wrong", ""])
def test_another_key_is_unauthorised(ask, caller, key):
    assert ask("GET", f"{TASKS}?{PAGE}", None, key).status == 401
    assert ask("POST", MESSAGES, to(ANNA), key).status == 401
    assert caller.sandbox.counts()["events"] == 0


def test_the_key_has_a_word_before_it(caller):
    for written in (KEY, f"Bearer {KEY}", f"key {KEY}"):
        assert caller.call("GET", f"{TASKS}?{PAGE}", Authorization=written).status == 401


def test_keys_given_to_the_constructor_are_the_ones_that_count(calling):
    mine = Devino("mine", "poor")
    with start(roles=(mine,)) as sandbox:
        caller = calling(sandbox)
        statuses = [
            caller.call("GET", f"{TASKS}?{PAGE}", Authorization=f"Key {key}").status for key in ("mine", "poor", KEY)
        ]
        assert statuses == [200, 200, 401]
        assert sandbox.environment() == {"DEVINO_BASE_URL": f"{sandbox.url}/devino", "DEVINO_API_KEY": "mine"}
    assert "mine" not in repr(mine)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/devino/omni-task-api/task", 404),
        ("GET", f"{TASKS}/", 404),
        ("GET", f"{TASKS}/x", 404),
        ("GET", f"{TASKS}/1", 404),
        ("POST", f"{TASKS}/7003", 405),
        ("GET", MESSAGES, 405),
        ("POST", f"{MESSAGES}?taskId=7004", 400),
        ("POST", MACROS, 405),
    ],
)
def test_paths_and_methods_that_the_document_does_not_have_are_refused(ask, method, path, status):
    assert ask(method, path, to(ANNA) if method == "POST" else None).status == status


def test_what_is_no_json_is_a_bad_request(ask):
    for body in (b"", b"{", b'{"a": 1, "a": 2}', b"[]"):
        assert ask("POST", MESSAGES, body).status == 400


def test_questions_about_what_arrived_that_are_off_get_a_sentence(caller):
    for event in ({}, {"taskId": 7004, "contact": {"mail": "x"}}, {"contact": ANNA}, []):
        assert caller.call("POST", "/_sandbox/taken?platform=devino", [event]).status == 422
