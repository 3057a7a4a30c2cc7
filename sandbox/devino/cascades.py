"""The body of "Script creation": what a task has to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.devino.rules import flag, moment, record, refuse, several, text, whole, word
from sandbox.devino.templates import NAMES, channel_name, template
from sandbox.strict import JSON

BEGINNINGS = {"API": "TRAN_API_SOURCE", "SIMPLE": "ADDRESS_BOOK_SOURCE", "PERIODIC": "ADDRESS_BOOK_SOURCE"}
CHANNEL = word(*NAMES)
IDS = several(whole(1))
EVENT = record({"channel": CHANNEL, "eventType": word("STATE"), "eventValue": text()}, {})
TRIGGER = record(
    {
        "index": whole(),
        "startTime": moment(),
        "endTime": moment(),
        "type": word("ADDRESS_BOOK_SOURCE", "EVENT_SOURCE", "NO_EVENT_SOURCE", "TRAN_API_SOURCE"),
        "channel": CHANNEL,
        "template": template,
    },
    {
        "parentIndex": whole(),
        "eventSources": several(EVENT),
        "noEventSourceSettings": record({"stateWaitMaxTimeSec": whole(1)}, {}),
    },
)
ADDRESS_BOOK = record(
    {},
    {
        "addressBookSourceType": word("SIMPLE", "PERIODIC"),
        "byTimeZone": flag,
        "byOptimalSendTime": flag,
        "checkDuplicate": flag,
        "contactGroupIds": IDS,
        "segmentIds": IDS,
        "stopContactGroupIds": IDS,
        "contactCountId": whole(1),
        "period": word("ONCE", "DAILY", "WEEKLY", "MONTHLY"),
        "smoothSendMinutes": whole(0, 1440),
    },
)
TASK = record(
    {
        "taskName": text(100),
        "type": word(*BEGINNINGS),
        "channel": word("OMNI", *NAMES),
        "triggers": several(TRIGGER),
    },
    {"addressBookSource": ADDRESS_BOOK, "draftId": whole(1)},
)


def check_task(task: JSON) -> None:
    """The whole body, part by part, then what the parts say of each other."""
    TASK(task, "")
    if (task["type"] == "API") == ("addressBookSource" in task):
        raise refuse("addressBookSource", "belongs to every type but API.")
    by_index = {trigger["index"]: trigger for trigger in task["triggers"]}
    if len(by_index) < len(task["triggers"]):
        raise refuse("triggers", "have to have different indexes.")
    for number, trigger in enumerate(task["triggers"]):
        _check_trigger(trigger, by_index, BEGINNINGS[task["type"]], f"triggers[{number}]")
    if len(list(levels(task["triggers"]))) < len(task["triggers"]):
        raise refuse("triggers", "have to begin with one that has no parent.")


def levels(triggers: list[JSON]) -> Iterator[JSON]:
    """Every trigger that a way leads to from one without a parent, parents first."""
    level = [trigger for trigger in triggers if "parentIndex" not in trigger]
    while level:
        yield from level
        above = {trigger["index"] for trigger in level}
        level = [trigger for trigger in triggers if trigger.get("parentIndex") in above]


def _check_trigger(trigger: JSON, by_index: Mapping[int, JSON], beginning: str, at: str) -> None:
    if channel_name(trigger["template"]) != NAMES[trigger["channel"]]:
        raise refuse(f"{at}.template", "has to be that of the channel.")
    if trigger["endTime"] <= trigger["startTime"]:
        raise refuse(f"{at}.endTime", "has to be after startTime.")
    if "parentIndex" not in trigger:
        if trigger["type"] != beginning:
            raise refuse(f"{at}.type", f"has to be {beginning} in a trigger without a parent.")
        return
    parent = by_index.get(trigger["parentIndex"])
    if parent is None or parent is trigger:
        raise refuse(f"{at}.parentIndex", "has to be the index of another trigger.")
    _check_follower(trigger, parent, at)


def _check_follower(trigger: JSON, parent: JSON, at: str) -> None:
    if trigger["type"] not in ("EVENT_SOURCE", "NO_EVENT_SOURCE"):
        raise refuse(f"{at}.type", "has to be one that waits for its parent.")
    channels = {event["channel"] for event in trigger.get("eventSources", ())}
    if channels != {parent["channel"]}:
        raise refuse(f"{at}.eventSources", "have to name the channel of the parent.")
    if (trigger["type"] == "NO_EVENT_SOURCE") != ("noEventSourceSettings" in trigger):
        raise refuse(f"{at}.noEventSourceSettings", "belong to NO_EVENT_SOURCE.")
