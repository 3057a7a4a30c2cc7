"""Cascades: what is refused before anything leaves (platforms.md 2.3 and 2.10), and what goes on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.devino import accord, cascades
from tests.tasks.devino.conftest import LETTER, SMS, WINDOW, cascade, codes, first, follower, loaded, wires
from tests.tasks.devino.conftest import OPERATIONS as DEVINO
from worker.errors import Refused
from worker.facts.wire import Sending

BOOK = {"contactGroupIds": [111], "addressBookSourceType": "SIMPLE", "period": "ONCE"}
ROOT = first(type="ADDRESS_BOOK_SOURCE")
WAIT = {"noEventSourceSettings": {"stateWaitMaxTimeSec": 1}}


def simple(**changes: Any) -> dict[str, Any]:
    return {"taskName": "Sale", "type": "SIMPLE", "addressBookSource": BOOK, "triggers": [ROOT], **changes}


def _without(content: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != name}


def test_a_cascade_is_kept_as_it_was_asked_for_its_moments_in_utc() -> None:
    kept = loaded("create_cascade", cascade(follower(), channel="OMNI"))
    assert kept["triggers"][0]["startTime"] == "2099-04-05T08:00:00Z"
    assert _without(kept["triggers"][1], "startTime") == {
        **_without(follower(), "startTime"),
        "endTime": "2099-04-05T09:00:00Z",
    }


@pytest.mark.parametrize(
    ("asked", "channel"),
    [
        (simple(), "SMS"),
        (simple(triggers=[ROOT, follower()]), "OMNI"),
        (cascade(), "OMNI"),
        (simple(type="PERIODIC"), "SMS"),
    ],
)
def test_the_channel_is_worked_out_and_any_other_one_refused(asked: dict[str, Any], channel: str) -> None:
    assert loaded("create_cascade", asked)["channel"] == channel
    assert loaded("create_cascade", asked | {"channel": channel})["channel"] == channel
    assert codes("create_cascade", asked | {"channel": "PUSH"}) == ["channel.disagrees"]


def test_event_source_is_taken_as_event_sources_and_both_are_refused() -> None:
    events = follower()["eventSources"]
    written = _without(follower(), "eventSources") | {"EventSource": events}
    assert loaded("create_cascade", cascade(written)) == loaded("create_cascade", cascade(follower()))
    assert codes("create_cascade", cascade(follower(EventSource=events))) == ["triggers.1.EventSource.doubled"]
    assert "EventSource" not in loaded("create_cascade", cascade(follower(EventSource=None)))["triggers"][1]


@pytest.mark.parametrize("asked", [cascade(), simple()])
def test_what_begins_a_cascade_loses_its_events(asked: dict[str, Any]) -> None:
    events = [{"channel": "SMS", "eventType": "STATE", "eventValue": "delivered"}]
    triggers = [asked["triggers"][0] | {"eventSources": events}]
    assert loaded("create_cascade", asked | {"triggers": triggers}) == loaded("create_cascade", asked)


def test_groups_to_leave_out_are_kept_and_duplicates_are_left_to_devino() -> None:
    book = BOOK | {"stopContactGroupIds": [5, "6"], "byTimeZone": True, "smoothSendMinutes": 1440}
    kept = loaded("create_cascade", simple(addressBookSource=book))["addressBookSource"]
    assert kept["stopContactGroupIds"] == [5, 6]
    assert "checkDuplicate" not in kept
    book = BOOK | {"checkDuplicate": False, "contactGroupIds": [1, "1", 2]}
    kept = loaded("create_cascade", simple(addressBookSource=book))["addressBookSource"]
    assert (kept["checkDuplicate"], kept["contactGroupIds"]) == (False, [1, 2])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["taskName.missing", "type.missing", "triggers.missing"]),
        (cascade(taskName=""), ["taskName.empty"]),
        (cascade(taskName="x" * 84), ["taskName.too_long"]),
        (cascade(type="AB_TEST"), ["type.not_one_of"]),
        (cascade(channel="FLASHCALL"), ["channel.not_one_of"]),
        (cascade(triggers=[]), ["triggers.empty"]),
        (cascade(triggers=None), ["triggers.null"]),
        (cascade(taskname="x"), ["taskname.unknown"]),
        (cascade(addressBookSource=BOOK), ["addressBookSource.not_wanted"]),
        (_without(simple(), "addressBookSource"), ["addressBookSource.missing"]),
        (simple(addressBookSource={}), ["addressBookSource.contactGroupIds.missing"]),
        (simple(addressBookSource=BOOK | {"segmentIds": [1]}), ["addressBookSource.contactGroupIds.doubled"]),
        (simple(addressBookSource=BOOK | {"period": "DAILY"}), ["addressBookSource.period.disagrees"]),
        (
            simple(addressBookSource=BOOK | {"smoothSendMinutes": 1441}),
            ["addressBookSource.smoothSendMinutes.out_of_range"],
        ),
        (
            simple(addressBookSource=BOOK | {"stopContactGroupIds": [0]}),
            ["addressBookSource.stopContactGroupIds.0.invalid"],
        ),
        (simple(triggers=[first()]), ["triggers.0.type.disagrees"]),
        (cascade(triggers=[ROOT]), ["triggers.0.type.disagrees"]),
        (cascade(first(index=1, parentIndex=0)), ["triggers.1.type.disagrees"]),
        (cascade(_without(follower(), "parentIndex")), ["triggers.1.type.disagrees"]),
        (cascade(follower(parentIndex=7)), ["triggers.1.parentIndex.unknown"]),
        (cascade(follower(index=0)), ["triggers.1.index.doubled"]),
        (cascade(follower(eventSources=None)), ["triggers.1.eventSources.missing"]),
        (cascade(follower(eventSources=[])), ["triggers.1.eventSources.empty"]),
        (cascade(follower(**WAIT)), ["triggers.1.noEventSourceSettings.not_wanted"]),
        (cascade(first(**WAIT) | {"index": 5}), ["triggers.1.noEventSourceSettings.not_wanted"]),
        (cascade(follower(type="NO_EVENT_SOURCE")), ["triggers.1.noEventSourceSettings.missing"]),
        (cascade(follower(template=SMS)), ["triggers.1.template.disagrees"]),
        (cascade(follower(template={})), ["triggers.1.template.invalid"]),
        (cascade(follower(template=LETTER | SMS)), ["triggers.1.template.invalid"]),
        (cascade(follower(template={"faxTemplate": {}})), ["triggers.1.template.faxTemplate.unknown"]),
        (cascade(follower(channel="WHATSAPP")), ["triggers.1.channel.not_one_of"]),
        (cascade(follower(startTime="2099-04-05 11:00:00")), ["triggers.1.startTime.naive"]),
        (cascade(follower(endTime=WINDOW["startTime"])), ["triggers.1.endTime.before_start"]),
        (cascade(follower(startTime="2020-06-02T11:00:00+03:00")), ["triggers.1.startTime.past"]),
    ],
)
def test_a_cascade_that_does_not_agree_with_itself_is_refused(asked: dict[str, Any], found: list[str]) -> None:
    assert codes("create_cascade", asked) == found


@pytest.mark.parametrize(
    ("wait", "code"), [(0, ["out_of_range"]), (-1, ["out_of_range"]), (True, ["invalid"]), (1, [])]
)
def test_silence_is_waited_for_at_least_a_second(wait: Any, code: list[str]) -> None:
    settings = {"noEventSourceSettings": {"stateWaitMaxTimeSec": wait}}
    place = "triggers.1.noEventSourceSettings.stateWaitMaxTimeSec"
    asked = cascade(follower(type="NO_EVENT_SOURCE", **settings))
    assert codes("create_cascade", asked) == [f"{place}.{one}" for one in code]


def test_triggers_that_follow_each_other_round_are_refused() -> None:
    second = follower(index=2, parentIndex=1, channel="SMS", template=SMS)
    event = {"channel": "EMAIL", "eventType": "STATE", "eventValue": "opened"}
    second["eventSources"] = [event]
    assert codes("create_cascade", cascade(follower(), second)) == []
    circle = follower(parentIndex=2, eventSources=follower()["eventSources"])
    found = codes("create_cascade", cascade(circle, second))
    assert found == ["triggers.1.parentIndex.circle", "triggers.2.parentIndex.circle"]
    assert "triggers.1.parentIndex.circle" in codes("create_cascade", cascade(follower(parentIndex=1)))


@pytest.mark.parametrize(
    ("end", "code"),
    [("2099-04-05T08:00:00Z", ["triggers.1.endTime.before_parent"]), ("2099-04-05T08:00:01Z", [])],
)
def test_a_childs_window_ends_after_its_parents_begins(end: str, code: list[str]) -> None:
    asked = cascade(follower(startTime="2099-04-04T08:00:00Z", endTime=end))
    assert codes("create_cascade", asked) == code


@pytest.mark.parametrize(
    ("channel", "value", "kept"),
    [
        ("SMS", "Delivered", "delivered"),
        ("SMS", "opened", None),
        ("VIBER", "CLICKED", "clicked"),
        ("VIBER", "unsubscribed", None),
        ("EMAIL", "subscribed", "subscribed"),
        ("EMAIL", "expired", None),
        ("PUSH", "Tapped", "Tapped"),
        ("PUSH_WALLET", "MSISDN_NOT_REGISTERED", "MSISDN_NOT_REGISTERED"),
        ("VK", "read", "read"),
    ],
)
def test_events_are_those_that_the_parents_channel_reports(channel: str, value: str, kept: str | None) -> None:
    templates = {
        "SMS": SMS,
        "EMAIL": LETTER,
        "VIBER": {"viberTemplate": {"from": "SHOP", "text": "Hello"}},
        "PUSH": {"pushTemplate": {"from": 1, "text": "Hello"}},
        "PUSH_WALLET": {"pushWalletTemplate": {"from": "SHOP", "payload": {"message": "Hello"}}},
        "VK": {"vkTemplate": {"templateId": "1", "routes": ["VK"]}},
    }
    event = {"channel": channel, "eventType": "STATE", "eventValue": value}
    begin = first(channel=channel, template=templates[channel])
    asked = cascade() | {"triggers": [begin, follower(eventSources=[event])]}
    if kept is None:
        assert codes("create_cascade", asked) == ["triggers.1.eventSources.0.eventValue.not_one_of"]
    else:
        (found,) = loaded("create_cascade", asked)["triggers"][1]["eventSources"]
        assert found == event | {"eventValue": kept}


def test_an_event_of_another_channel_than_the_parents_is_refused() -> None:
    event = {"channel": "EMAIL", "eventType": "STATE", "eventValue": "opened"}
    found = codes("create_cascade", cascade(follower(eventSources=[event])))
    assert found == ["triggers.1.eventSources.0.channel.disagrees"]


def test_a_near_name_is_offered_for_one_that_is_not_known() -> None:
    from worker.checking.check import check_payload

    asked = cascade(follower(stopContactGroupId=[1], parentindex=0))
    refusals = check_payload(asked, DEVINO["create_cascade"].shape)[1]
    advice = {refusal.code: refusal.advice for refusal in refusals}
    assert advice["triggers.1.parentindex.unknown"] == "Did you mean parentIndex?"
    assert advice["triggers.1.stopContactGroupId.unknown"] == "Leave it out, or correct its name."


def test_the_windows_are_written_by_devinos_clock() -> None:
    operation = DEVINO["create_cascade"]
    for zone, start in (("Europe/Moscow", "2099-04-05 11:00:00"), ("Asia/Novosibirsk", "2099-04-05 15:00:00")):
        (wire,) = wires(operation, cascade(follower()), {"DEVINO_TIME_ZONE": zone})
        assert wire.path == "/omni-task-api/tasks"
        assert [trigger["startTime"] for trigger in wire.body["triggers"]] == [start, start]


def test_a_call_that_leaves_after_a_window_began_is_too_late() -> None:
    kept = loaded("create_cascade", cascade(follower(startTime="2099-04-05T11:00:01+03:00")))
    start = datetime(2099, 4, 5, 8, tzinfo=UTC)
    cascades.compose(kept, Sending(start - timedelta(seconds=1), {}))
    for at, late in ((start, [0]), (start + timedelta(seconds=1), [0, 1])):
        with pytest.raises(Refused) as refused:
            cascades.compose(kept, Sending(at, {}))
        assert [one.code for one in refused.value.refusals] == ["too_late"] * len(late)
        assert [one.reason for one in refused.value.refusals] == [
            f"triggers.{number}.startTime passed before the call could leave." for number in late
        ]


def test_the_past_begins_now() -> None:
    kept = loaded("create_cascade", cascade())
    start = datetime(2099, 4, 5, 8, tzinfo=UTC)
    assert accord.discords(kept, start - timedelta(seconds=1)) == {}
    assert accord.discords(kept, start)["triggers"][0]["startTime"]["code"] == "past"


def test_a_time_that_devinos_clocks_show_twice_is_refused() -> None:
    asked = cascade(triggers=[first(startTime="2030-10-27T00:30:00Z", endTime="2030-10-27T03:00:00Z")])
    (wire,) = wires(DEVINO["create_cascade"], asked)
    assert wire.body["triggers"][0]["startTime"] == "2030-10-27 03:30:00"
    with pytest.raises(Refused, match=r"time\.ambiguous"):
        wires(DEVINO["create_cascade"], asked, {"DEVINO_TIME_ZONE": "Europe/Berlin"})
