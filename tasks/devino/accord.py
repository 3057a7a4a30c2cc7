"""What the parts of a cascade have to agree on before it is sent (platforms.md 2.10, D1 to D7 and D17)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tasks.devino.templates import TEMPLATES
from tasks.devino.times import parsed
from tasks.strict import JSON

API, OMNI, ONCE = "API", "OMNI", "ONCE"
ADDRESS_BOOK, CALLS = "ADDRESS_BOOK_SOURCE", "TRAN_API_SOURCE"
EVENT, SILENCE = "EVENT_SOURCE", "NO_EVENT_SOURCE"
BEGINNINGS = (ADDRESS_BOOK, CALLS)
EVENT_VALUES = {
    "SMS": ("delivered", "expired"),
    "VIBER": ("delivered", "expired", "opened", "clicked"),
    "EMAIL": ("delivered", "opened", "clicked", "unsubscribed", "subscribed"),
}


@dataclass(frozen=True)
class Discord:
    """Where it stands, and `reason` as the rest of a sentence that begins with that place."""

    place: tuple[str | int, ...]
    code: str
    reason: str
    advice: str


def discords(cascade: JSON, now: datetime) -> dict[str | int, Any]:
    """Every discord in a cascade, nested as marshmallow nests its messages; the first one at each place."""
    found: dict[str | int, Any] = {}
    for discord in _all(cascade, now):
        inner: dict[str | int, Any] = found
        for step in discord.place[:-1]:
            inner = inner.setdefault(step, {})
        words = {"code": discord.code, "reason": discord.reason, "advice": discord.advice}
        inner.setdefault(discord.place[-1], words)
    return found


def channel_of(cascade: JSON) -> str:
    """The channel of a whole cascade (D6)."""
    channels = {trigger["channel"] for trigger in cascade["triggers"]}
    return OMNI if cascade["type"] == API or len(channels) > 1 else next(iter(channels))


def _all(cascade: JSON, now: datetime) -> Iterator[Discord]:
    yield from _channel(cascade)
    yield from _address_book(cascade)
    by_index: dict[int, JSON] = {}
    for number, trigger in enumerate(cascade["triggers"]):
        if by_index.setdefault(trigger["index"], trigger) is not trigger:
            yield Discord(("triggers", number, "index"), "doubled", "stands above already", "Number them differently.")
    if len(by_index) == len(cascade["triggers"]):
        for number, trigger in enumerate(cascade["triggers"]):
            for one in _in_trigger(trigger, by_index, cascade["type"], now):
                yield replace(one, place=("triggers", number, *one.place))


def _channel(cascade: JSON) -> Iterator[Discord]:
    right = channel_of(cascade)
    if cascade.get("channel", right) != right:
        yield Discord(("channel",), "disagrees", f"is not {right}, as type and triggers have it", "Leave it out.")


def _address_book(cascade: JSON) -> Iterator[Discord]:
    place, book = ("addressBookSource",), cascade.get("addressBookSource")
    if cascade["type"] == API:
        if book is not None:
            yield Discord(place, "not_wanted", "has no place in a cascade of type API", "Name contacts when you send.")
    elif book is None:
        yield Discord(place, "missing", "is missing", "Name the contact groups, or make the type API.")
    else:
        yield from _groups(cascade["type"], book)


def _groups(kind: str, book: JSON) -> Iterator[Discord]:
    place = ("addressBookSource", "contactGroupIds")
    if "contactGroupIds" not in book and "segmentIds" not in book:
        yield Discord(place, "missing", "and segmentIds are missing", "Give one of them.")
    if "contactGroupIds" in book and "segmentIds" in book:
        yield Discord(place, "doubled", "can't go together with segmentIds", "Give one of them.")
    if kind == "SIMPLE" and book.get("period", ONCE) != ONCE:
        advice = f"Write {ONCE}, or make the type PERIODIC."
        yield Discord(("addressBookSource", "period"), "disagrees", "is for cascades of type PERIODIC", advice)


def _in_trigger(trigger: JSON, by_index: dict[int, JSON], kind: str, now: datetime) -> Iterator[Discord]:
    parent = by_index.get(trigger["parentIndex"]) if "parentIndex" in trigger else None
    yield from _place(trigger, by_index, kind)
    yield from _window(trigger, parent, now)
    yield from _content(trigger)
    if trigger["type"] in (EVENT, SILENCE):
        yield from _events(trigger, parent)


def _place(trigger: JSON, by_index: dict[int, JSON], kind: str) -> Iterator[Discord]:
    first = CALLS if kind == API else ADDRESS_BOOK
    if "parentIndex" not in trigger:
        if trigger["type"] != first:
            advice = f"Write {first}, or give it a parentIndex."
            yield Discord(("type",), "disagrees", f"is not {first}, which begins a cascade of this type", advice)
    elif trigger["parentIndex"] not in by_index:
        yield Discord(("parentIndex",), "unknown", "is the index of no trigger", "Write the index of its parent.")
    elif trigger["type"] in BEGINNINGS:
        advice = f"Write {EVENT} or {SILENCE}, or leave parentIndex out."
        yield Discord(("type",), "disagrees", "begins a cascade, and the trigger has a parent", advice)
    elif _goes_round(trigger, by_index):
        yield Discord(("parentIndex",), "circle", "leads round to the trigger itself", "Let one trigger begin.")


def _goes_round(trigger: JSON, by_index: dict[int, JSON]) -> bool:
    seen: set[int] = set()
    step: JSON | None = trigger
    while step is not None and step["index"] not in seen:
        seen.add(step["index"])
        step = by_index.get(step["parentIndex"]) if "parentIndex" in step else None
    return step is not None


def _window(trigger: JSON, parent: JSON | None, now: datetime) -> Iterator[Discord]:
    start, end = trigger["startTime"], trigger["endTime"]
    if parsed(start) <= now:
        yield Discord(("startTime",), "past", "has passed", "Choose a later one.")
    if end <= start:
        yield Discord(("endTime",), "before_start", "is not after startTime", "Choose a later one.")
    if parent is not None and end <= parent["startTime"]:
        advice = "Move the window behind the start of its parent's."
        yield Discord(("endTime",), "before_parent", "is not after the startTime of its parent", advice)


def _content(trigger: JSON) -> Iterator[Discord]:
    key = TEMPLATES[trigger["channel"]]
    if key not in trigger["template"]:
        yield Discord(("template",), "disagrees", f"is not the {key} that the channel needs", "Let the two agree.")
    waits, silence = "noEventSourceSettings" in trigger, trigger["type"] == SILENCE
    if silence and not waits:
        advice = "Write how many seconds to wait, as stateWaitMaxTimeSec."
        yield Discord(("noEventSourceSettings",), "missing", "is missing", advice)
    if waits and not silence:
        yield Discord(("noEventSourceSettings",), "not_wanted", f"is for {SILENCE} alone", "Leave it out.")


def _events(trigger: JSON, parent: JSON | None) -> Iterator[Discord]:
    events = trigger.get("eventSources", ())
    if not events:
        yield Discord(("eventSources",), "missing", "is missing", "Say which event of the parent decides.")
    for number, event in enumerate(events):
        place = ("eventSources", number)
        if parent is not None and event["channel"] != parent["channel"]:
            yield Discord((*place, "channel"), "disagrees", "is not the channel of the parent", "Write the parent's.")
        values = EVENT_VALUES.get(event["channel"], (event["eventValue"],))
        if event["eventValue"] not in values:
            advice = f"Write one of {', '.join(values)}."
            yield Discord((*place, "eventValue"), "not_one_of", "is no state that this channel reports", advice)
