"""The document's own examples, as they stand there, are accepted and sent with the same content.

Each is mended by exactly what its line of the table names, and by nothing that it would do without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.tasks.devino.conftest import OPERATIONS, Post, codes, wires
from worker.checking.check import check_payload

PLAIN = """{
"taskName": "NEW_SMS",
"type": "SIMPLE",
"channel": "SMS",
"addressBookSource": {
"contactGroupIds": [111],
"addressBookSourceType": "SIMPLE",
"period": "ONCE"
},
"triggers": [
{
"index": 321,
"startTime": "2020-06-02 11:00:00",
"endTime": "2020-06-02 12:00:00",
"type": "ADDRESS_BOOK_SOURCE",
"channel": "SMS",
"eventSources": [
{
"channel": "SMS",
"eventType": "STATE",
"eventValue": "delivered"
}
],
"template": {
"smsTemplate": {
"text": "We have new shop!",
"from": "TEST",
"validity": 600
}
}
}
]
}"""
CASCADE = """{
"taskName": "PUSH -> EMAIL -> SMS",
"type": "API",
"channel": "OMNI",
"triggers": [
{
"index": 0,
"startTime": "2022-04-05 11:00:00",
"endTime": "2022-04-05 12:00:00",
"type": "TRAN_API_SOURCE",
"channel": "PUSH_WALLET",
"template": {
"pushWalletTemplate": {
"from": "hello",
"payload": {
"deeplink": {
"campaignId": "q123456",
"target": "campaign"
},
"message": "We have new shop",
"title": "New shop"
}
}
}
},
{
"index": 1,
"parentIndex": 0,
"startTime": "2022-04-04 12:00:00",
"endTime": "2022-04-04 13:00:00",
"type": "NO_EVENT_SOURCE",
"noEventSourceSettings": {
"stateWaitMaxTimeSec": 60
},
"EventSource": [
{
"channel": "PUSH_WALLET",
"eventType": "STATE",
"eventValue": "MSISDN_NOT_REGISTERED"
}
],
"channel": "EMAIL",
"template": {
"emailTemplate": {
"htmlBody": "We have new shop!${Unsubscribe}",
"plainText": "<h1>We have new shop!</h1>${Unsubscribe}",
"sourceAddress": "testadr@newshop.com",
"sourceName": "DEVINOTELE",
"subject": "New shop"
}
}
},
{
"index": 2,
"parentIndex": 1,
"startTime": "2022-04-04 13:00:00",
"endTime": "2022-04-04 14:00:00",
"type": "NO_EVENT_SOURCE",
"channel": "SMS",
"eventSources": [
{
"channel": "EMAIL",
"eventType": "STATE",
"eventValue": "delivered"
}
],
"template": {
"smsTemplate": {
"text": "We have new shop!",
"from": "smsSA",
"validity": 600
}
}
}
]
}"""
MESSAGES = r"""{
"contacts": [
{
"contact": {
"email": "James@jamesmail.com",
"phone": "79103398080"
}
}
],
"taskId": 7004,
"templates": {
"63321": {
"emailTemplate": {
"htmlBody": "<html><h1>We have new shop!</h1><a id=\"unsubscribe-link\" href=\"${Unsubscribe}\" style=\"color: rgb(0, 122, 255); text-decoration: none;\">Отписаться от рассылки</a> | <a id=\"web-version-link\" href=\"${WebVersion}\" style=\"color: rgb(0, 122, 255); text-decoration: none;\">Web Версия</a></html>",
"sourceAddress": "test@shop.org",
"sourceName": "TEST",
"subject": "New shop"
}
},
"63322": {
"smsTemplate": {
"text": "We have new new shop!",
"from": "TESTADR",
"validity": 600
}
}
}
}"""  # noqa: E501 - a line of the document


def _triggers(content: dict[str, Any]) -> list[dict[str, Any]]:
    return content.get("triggers", [])


def times(content: dict[str, Any]) -> None:
    for trigger in _triggers(content):
        for name in ("startTime", "endTime"):
            trigger[name] = f"2099-{trigger[name][5:].replace(' ', 'T')}+03:00"


def window(content: dict[str, Any]) -> None:
    """The third trigger hangs on the second one and moves with it."""
    for trigger in _triggers(content)[1:]:
        for name in ("startTime", "endTime"):
            trigger[name] = trigger[name].replace("-04-04", "-04-05")


def wait(content: dict[str, Any]) -> None:
    _triggers(content)[2]["noEventSourceSettings"] = {"stateWaitMaxTimeSec": 60}


def event_source(content: dict[str, Any]) -> None:
    for trigger in _triggers(content):
        if "EventSource" in trigger:
            trigger["eventSources"] = trigger.pop("EventSource")


def at_the_root(content: dict[str, Any]) -> None:
    for trigger in _triggers(content):
        if "parentIndex" not in trigger:
            trigger.pop("eventSources", None)


# What a caller has to mend, and what is said where it is left out.
MENDS: dict[str, Callable[[dict[str, Any]], None]] = {
    "times made aware and moved to the future": times,
    "the second trigger's window moved after its parent's": window,
    "the third trigger given a wait": wait,
}
TIMES, WINDOW, WAIT = MENDS
# What we mend ourselves.
OURS: dict[str, Callable[[dict[str, Any]], None]] = {
    "`EventSource` → `eventSources`": event_source,
    "`eventSources` dropped at an address-book root": at_the_root,
}
RENAMED, DROPPED = OURS

# Section of the document: operation, example, the caller's mends, ours.
TABLE: dict[str, tuple[str, str, dict[str, str], list[str]]] = {
    "Script creation": ("create_cascade", PLAIN, {TIMES: "triggers.0.startTime.naive"}, [DROPPED]),
    "Sending transactional messages: the cascade": (
        "create_cascade",
        CASCADE,
        {
            TIMES: "triggers.0.startTime.naive",
            WINDOW: "triggers.1.endTime.before_parent",
            WAIT: "triggers.2.noEventSourceSettings.missing",
        },
        [RENAMED],
    ),
    "Sending transactional messages: the messages": ("send_messages", MESSAGES, {}, []),
}


def _mended(text: str, mends: Iterable[str]) -> Any:
    content = json.loads(text)
    for mend in mends:
        {**MENDS, **OURS}[mend](content)
    return content


@pytest.mark.parametrize("section", TABLE)
def test_a_mended_example_is_accepted_and_sent_with_the_same_content(section: str, post: Post) -> None:
    name, text, mends, ours = TABLE[section]
    (sent,) = post(name, _mended(text, mends))
    written = re.sub(r"(2099-\d\d-\d\d)T(\d\d:00:00)\+03:00", r"\1 \2", json.dumps(_mended(text, [*mends, *ours])))
    assert sent.body == json.loads(written)
    assert post.sandbox.counts()["by_status"] == {"200": 1}


@pytest.mark.parametrize(("section", "left_out"), [(section, mend) for section in TABLE for mend in TABLE[section][2]])
def test_no_mend_is_listed_without_need(section: str, left_out: str) -> None:
    name, text, mends, _ = TABLE[section]
    assert mends[left_out] in codes(name, _mended(text, [mend for mend in mends if mend != left_out]))


@pytest.mark.parametrize("section", TABLE)
def test_each_mend_of_ours_changes_something(section: str) -> None:
    name, text, mends, ours = TABLE[section]
    for mend in ours:
        assert _mended(text, [*mends, mend]) != _mended(text, mends)
        assert check_payload(_mended(text, [*mends, mend]), OPERATIONS[name].shape) == check_payload(
            _mended(text, mends), OPERATIONS[name].shape
        )


def test_a_time_that_is_only_made_aware_is_past() -> None:
    aware = json.loads(PLAIN.replace(":00:00", ":00:00+03:00"))
    assert codes("create_cascade", aware) == ["triggers.0.startTime.past"]


@pytest.mark.parametrize(
    ("name", "payload", "address"),
    [
        ("get_cascade", {"taskId": 7003}, "/omni-task-api/tasks/7003"),
        (
            "list_cascades",
            {"ascending": True, "count": 10, "offset": 0, "orderBy": "ID"},
            "/omni-task-api/tasks?ascending=true&count=10&offset=0&orderBy=ID",
        ),
        ("list_macros", {"taskStates": ["FINISHED"]}, "/omni-task-api/macros?taskStates=FINISHED"),
    ],
)
def test_the_documents_questions_are_asked_as_it_asks_them(
    name: str, payload: dict[str, Any], address: str, post: Post
) -> None:
    (wire,) = wires(OPERATIONS[name], payload)
    query = "&".join(f"{key}={value}" for key, value in wire.query)
    assert address == (f"{wire.path}?{query}" if query else wire.path)
    (sent,) = post(name, payload)
    assert sent.answer["result"]
