"""The queries of "Receiving scenarios" and "Receiving macros". A list is its key again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from sandbox.answer import Refusal
from sandbox.devino.rules import moment, refuse, text, word
from sandbox.devino.shelf import Cascade, Shelf
from sandbox.devino.templates import NAMES

STATES = (
    *("DRAFT", "NEW", "STARTED", "STOPPED", "FINISHED", "DELETED_FINISHED", "DELETED_DRAFT", "FAILED"),
    "STOPPED_BALANCE_BLOCKED",
)
NEEDED = ("ascending", "count", "offset", "orderBy")
LISTS = {"includedStates", "excludedStates", "types", "taskIds", "taskStates"}
Rule = Callable[[Any, str], None]


def digits(value: Any, at: str) -> None:
    if not (value.isascii() and value.isdigit()):
        raise refuse(at, "has to be a whole number.")


TASKS: Mapping[str, Rule] = {
    "ascending": word("true", "false"),
    "count": digits,
    "offset": digits,
    "orderBy": word("ID", "NAME", "STATE", "CREATION_DATE"),
    "channel": word("OMNI", *NAMES),
    "name": text(),
    **{f"{what}Date{end}": moment() for what in ("created", "start", "end") for end in ("From", "To")},
    "includedStates": word(*STATES),
    "excludedStates": word(*STATES),
    "types": word("SIMPLE", "API"),
}
MACROS: Mapping[str, Rule] = {"taskIds": digits, "taskStates": word(*STATES, "STOPPED_NOT_WORKING_TIME")}


def tasks(shelf: Shelf, query: str) -> list[Any]:
    """One page of the tasks that fit. `name` is the whole name: the document doesn't say, and that is stricter."""
    asked = _read(query, TASKS)
    for name in NEEDED:
        if name not in asked:
            raise refuse(name, "is missing.")
    fitting = [cascade for cascade in shelf.all() if _fits(cascade, asked, shelf.blocked)]
    orders: Mapping[str, Callable[[Cascade], Any]] = {
        "ID": lambda cascade: cascade.id,
        "NAME": lambda cascade: (cascade.asked["taskName"], cascade.id),
        "STATE": lambda cascade: (cascade.state(shelf.blocked), cascade.id),
        "CREATION_DATE": lambda cascade: (cascade.created, cascade.id),
    }
    fitting.sort(key=orders[asked["orderBy"][0]], reverse=asked["ascending"] == ["false"])
    first = int(asked["offset"][0])
    return [shelf.show(cascade, parents=True) for cascade in fitting[first : first + int(asked["count"][0])]]


def macros(shelf: Shelf, query: str) -> list[Any]:
    asked = _read(query, MACROS)
    ids, states = {int(one) for one in asked.get("taskIds", ())}, asked.get("taskStates", STATES)
    return [
        {"task": shelf.show(cascade, parents=False), "macros": cascade.macros()}
        for cascade in shelf.all()
        if (not ids or cascade.id in ids) and cascade.state(shelf.blocked) in states
    ]


def _read(query: str, rules: Mapping[str, Rule]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in rules:
            raise Refusal(422, f"Not in the document: {name}.", name)
        rules[name](value, name)
        found.setdefault(name, []).append(value)
        if len(found[name]) > 1 and name not in LISTS:
            raise refuse(name, "stands more than once.")
    return found


def _fits(cascade: Cascade, asked: Mapping[str, list[str]], blocked: bool) -> bool:
    state = cascade.state(blocked)
    dates = {"created": cascade.created, "start": cascade.start, "end": cascade.end}
    return (
        asked.get("channel", [cascade.asked["channel"]]) == [cascade.asked["channel"]]
        and asked.get("name", [cascade.asked["taskName"]]) == [cascade.asked["taskName"]]
        and cascade.asked["type"] in asked.get("types", [cascade.asked["type"]])
        and state in asked.get("includedStates", [state])
        and state not in asked.get("excludedStates", [])
        and all(asked.get(f"{what}DateFrom", [date])[0] <= date for what, date in dates.items())
        and all(asked.get(f"{what}DateTo", [date])[0] >= date for what, date in dates.items())
    )
