"""What Devino OMNI takes: cascades, and the questions about them (platforms.md 2.3, 2.6). Messages: contacts.py.

Cascades are of the types that the six templates serve: SIMPLE and PERIODIC go to an address book, API to the contacts
of later calls. Newer types (birthdays, places, tests of variants) are not taken.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, post_load, pre_load, validates_schema

from tasks.devino import accord
from tasks.devino.names import CascadeName
from tasks.devino.templates import CHANNELS, Template
from tasks.devino.times import Moment
from tasks.devino.values import Flag, Id, Several, Shape, Text, Whole, Word
from tasks.strict import JSON, problem

BASE_STATES = ("DRAFT", "NEW", "STARTED", "STOPPED", "FINISHED", "DELETED_FINISHED", "DELETED_DRAFT", "FAILED")
STATES = (*BASE_STATES, "STOPPED_BALANCE_BLOCKED")
MACRO_STATES = (*STATES, "STOPPED_NOT_WORKING_TIME")
TASK_CHANNELS = (accord.OMNI, *CHANNELS)
MOST_LISTED = 100  # assumed: short enough that no service would cut such a page


class AddressBookSource(Shape):
    """Whom a cascade goes to. `checkDuplicate` goes out only if the caller says it: documents differ on it (D9)."""

    addressBookSourceType = Word(["SIMPLE", "PERIODIC"])
    byTimeZone = Flag()
    byOptimalSendTime = Flag()
    checkDuplicate = Flag()
    contactGroupIds = Several(Id(), distinct=True)
    segmentIds = Several(Id(), distinct=True)
    stopContactGroupIds = Several(Id(), distinct=True)
    contactCountId = Id()
    period = Word(["ONCE", "DAILY", "WEEKLY", "MONTHLY"])
    smoothSendMinutes = Whole(0, 1_440)


class EventSource(Shape):
    """An event of the parent's message; its value is written as the document writes those of its channel (D18)."""

    channel = Word(CHANNELS, required=True)
    eventType = Word(["STATE"], required=True)
    eventValue = Text(required=True)

    @post_load
    def _as_documented(self, event: JSON, **_: Any) -> JSON:
        known = event["channel"] in accord.EVENT_VALUES
        return {**event, "eventValue": event["eventValue"].lower()} if known else event


class NoEventSourceSettings(Shape):
    stateWaitMaxTimeSec = Whole(1, required=True)


class Trigger(Shape):
    """One message of a cascade. `EventSource`, as an example of the document has it, is taken as eventSources (D1)."""

    index = Whole(required=True)
    parentIndex = Whole()
    startTime = Moment(required=True)
    endTime = Moment(required=True)
    type = Word([*accord.BEGINNINGS, accord.EVENT, accord.SILENCE], required=True)
    channel = Word(CHANNELS, required=True)
    eventSources = Several(fields.Nested(EventSource))
    noEventSourceSettings = fields.Nested(NoEventSourceSettings)
    template = fields.Nested(Template, required=True)

    @pre_load
    def _one_name(self, trigger: Any, **_: Any) -> Any:
        if not isinstance(trigger, dict) or "EventSource" not in trigger:
            return trigger
        rest = {name: value for name, value in trigger.items() if name != "EventSource"}
        if trigger["EventSource"] is None:
            return rest
        if rest.get("eventSources") is not None:
            both = problem("doubled", "and eventSources are both there", "Keep eventSources.")
            raise ValidationError({"EventSource": both.messages})
        return {**rest, "eventSources": trigger["EventSource"]}

    @post_load
    def _nothing_before_the_first(self, trigger: JSON, **_: Any) -> JSON:
        """What begins a cascade waits for no event (D17)."""
        if trigger["type"] in accord.BEGINNINGS:
            trigger.pop("eventSources", None)
        return trigger


class Cascade(Shape):
    """The body of `POST /omni-task-api/tasks`; Devino calls it a task. `channel` is worked out if it is left out."""

    taskName = CascadeName(required=True)
    type = Word(["SIMPLE", "API", "PERIODIC"], required=True)
    channel = Word(TASK_CHANNELS)
    addressBookSource = fields.Nested(AddressBookSource)
    draftId = Id()
    triggers = Several(fields.Nested(Trigger), required=True)

    @validates_schema
    def _agrees(self, cascade: JSON, **_: Any) -> None:
        found = accord.discords(cascade, datetime.now(UTC))
        if found:
            raise ValidationError(found)

    @post_load
    def _its_channel(self, cascade: JSON, **_: Any) -> JSON:
        return {**cascade, "channel": accord.channel_of(cascade)}


class CascadeId(Shape):
    taskId = Id(required=True)


class CascadeList(Shape):
    """The query of `GET /omni-task-api/tasks`; by id ascending unless the caller wants another order, so that a new
    cascade moves no page."""

    ascending = Flag(load_default=True)
    count = Whole(1, MOST_LISTED, load_default=MOST_LISTED)
    offset = Whole(load_default=0)
    orderBy = Word(["ID", "NAME", "STATE", "CREATION_DATE"], load_default="ID")
    channel = Word(TASK_CHANNELS)
    name = Text()
    createdDateFrom = Moment()
    createdDateTo = Moment()
    startDateFrom = Moment()
    startDateTo = Moment()
    endDateFrom = Moment()
    endDateTo = Moment()
    includedStates = Several(Word(STATES), distinct=True)
    excludedStates = Several(Word(STATES), distinct=True)
    types = Several(Word(["SIMPLE", "API"]), distinct=True)


class MacroList(Shape):
    """The query of `GET /omni-task-api/macros`."""

    taskIds = Several(Id(), distinct=True)
    taskStates = Several(Word(MACRO_STATES), distinct=True)
