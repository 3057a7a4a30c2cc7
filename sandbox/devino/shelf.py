"""The cascades of one account, with the ids that Devino gave them.

Two stand on it from the start: the plain one of the document's first example and the transactional one that its
example of messages is sent through, both long finished.
"""

from __future__ import annotations

import itertools
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sandbox.devino.cascades import levels
from sandbox.strict import JSON

DEVINOS_CLOCK = timezone(timedelta(hours=3))
OWNER = {"userId": 22, "companyId": 50, "officeId": 1}
BLOCKED = "STOPPED_BALANCE_BLOCKED"
MACRO = re.compile(r"\$\{(\w+)\}")


@dataclass
class Trigger:
    """A trigger as it was asked for, and its ids; `total` counts the messages that it sent."""

    asked: JSON
    id: int
    parent_id: int | None
    external_id: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    total: int = 0


@dataclass
class Cascade:
    asked: JSON
    id: int
    created: str
    triggers: list[Trigger]

    @property
    def start(self) -> str:
        return min(str(trigger.asked["startTime"]) for trigger in self.triggers)

    @property
    def end(self) -> str:
        return max(str(trigger.asked["endTime"]) for trigger in self.triggers)

    @property
    def first(self) -> Trigger:
        return next(trigger for trigger in self.triggers if trigger.parent_id is None)

    def state(self, blocked: bool) -> str:
        now = _now(DEVINOS_CLOCK)
        if blocked and self.end > now:
            return BLOCKED
        return "FINISHED" if self.end <= now else "STARTED" if self.start <= now else "NEW"

    def macros(self) -> list[str]:
        """The names of macros in its templates, each once."""
        return list(dict.fromkeys(name for part in _texts(self.asked["triggers"]) for name in MACRO.findall(part)))


class Shelf:
    """`blocked`: the account's balance is empty."""

    def __init__(self, blocked: bool = False) -> None:
        self.blocked = blocked
        self._lock = threading.Lock()
        self._trigger_ids = itertools.count(64_001)
        self._cascades = {cascade.id: cascade for cascade in _from_the_start()}

    def add(self, task: JSON) -> Cascade:
        """A parent's trigger id is lower than its children's."""
        with self._lock:
            triggers = list(_numbered(task["triggers"], self._trigger_ids))
            cascade = Cascade(task, max(self._cascades) + 1, _now(UTC), triggers)
            self._cascades[cascade.id] = cascade
            return cascade

    def get(self, cascade_id: int) -> Cascade | None:
        with self._lock:
            return self._cascades.get(cascade_id)

    def all(self) -> list[Cascade]:
        with self._lock:
            return list(self._cascades.values())

    def count(self, trigger: Trigger, messages: int) -> None:
        with self._lock:
            trigger.total += messages

    def show(self, cascade: Cascade, parents: bool) -> JSON:
        """The task as answers write it; only a list shows `parents`, if the document's tables are to be believed."""
        state = cascade.state(self.blocked)
        head = {"id": str(cascade.id), "taskName": cascade.asked["taskName"], **OWNER, "creationDate": cascade.created}
        kind = {"type": cascade.asked["type"], "channel": cascade.asked["channel"], "state": state}
        triggers = [_shown(trigger, cascade, state, parents) for trigger in reversed(cascade.triggers)]
        return {**head, **kind, "triggersInfo": triggers}


def _shown(trigger: Trigger, cascade: Cascade, state: str, parents: bool) -> JSON:
    ids = {"triggerId": str(trigger.id), "taskId": str(cascade.id), **OWNER}
    parent = {"parentTriggerId": str(trigger.parent_id)} if parents and trigger.parent_id is not None else {}
    kept = {name: trigger.asked[name] for name in ("startTime", "endTime", "type", "channel")}
    counters = {"totalCount": trigger.total, "successCount": trigger.total, "errorCount": 0}
    return {**ids, **parent, **kept, "state": state, "counters": counters, "externalId": trigger.external_id}


def _numbered(triggers: list[JSON], numbers: Iterator[int]) -> Iterator[Trigger]:
    given: dict[int | None, int] = {}
    for trigger in levels(triggers):
        given[trigger["index"]] = next(numbers)
        yield Trigger(trigger, given[trigger["index"]], given.get(trigger.get("parentIndex")))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _texts(one)


def _now(zone: timezone) -> str:
    return datetime.now(zone).replace(tzinfo=None).isoformat(" ", "seconds")


def _from_the_start() -> Iterator[Cascade]:
    window = {"startTime": "2020-06-02 11:00:00", "endTime": "2020-06-02 12:00:00"}
    sms = {"index": 0, **window, "channel": "SMS", "template": {"smsTemplate": {"from": "TEST", "text": "Hello"}}}
    letter = {"subject": "Hello", "sourceAddress": "test@shop.test", "htmlBody": "${Unsubscribe} ${WebVersion}"}
    email = {"index": 0, **window, "channel": "EMAIL", "template": {"emailTemplate": letter}}
    plain = Trigger({**sms, "type": "ADDRESS_BOOK_SOURCE"}, 511, None)
    first = Trigger({**email, "type": "TRAN_API_SOURCE"}, 63_321, None)
    second = Trigger({**sms, "index": 1, "parentIndex": 0, "type": "NO_EVENT_SOURCE"}, 63_322, 63_321)
    for number, name, kind, channel, triggers in (
        (7003, "NEW_SMS", "SIMPLE", "SMS", [plain]),
        (7004, "TRANSACTIONAL_CASCADE", "API", "OMNI", [first, second]),
    ):
        asked = {"taskName": name, "type": kind, "channel": channel, "triggers": [one.asked for one in triggers]}
        yield Cascade(asked, number, "2020-06-02 07:59:08", triggers)
