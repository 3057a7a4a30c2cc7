"""Whom messages go to, for those who opted out to be left out, and the requests that name nobody (consent, design §8).

Devino has no request for an opt-out. Where contacts are named, their addresses are dropped before they are sent; for
those of the address book there are stop groups, which every cascade to it is created with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tasks.devino.access import STOP_GROUPS, TRANSACTIONAL, stop_groups
from tasks.strict import JSON
from worker.people.consent import Addressed, Transactional, Way

WAYS: Mapping[str, tuple[str, ...]] = {"email": ("email",), "phone": ("sms", "viber")}


def ways(row: JSON) -> list[Way]:
    """The addresses of a contact, with the channels that lead there."""
    person = row["contact"]
    known = [Way(person[name], channels) for name, channels in WAYS.items() if name in person]
    return [*known, *(Way(device["pushToken"], ("push",)) for device in person.get("pushInfo", ()))]


def without(row: JSON, addresses: Collection[str]) -> JSON | None:
    """The contact without these addresses; None when there is no other way to it."""
    left = dict(_left(row["contact"], addresses))
    return {**row, "contact": left} if {*WAYS, "pushInfo"}.intersection(left) else None


def _left(person: JSON, addresses: Collection[str]) -> Iterator[tuple[str, Any]]:
    for name, value in person.items():
        if name == "pushInfo":
            devices = [device for device in value if device["pushToken"] not in addresses]
            if devices:
                yield name, devices
        elif name not in WAYS or value not in addresses:
            yield name, value


def of_contacts(messages: JSON, settings: Mapping[str, str]) -> str | None:
    """Why nobody's opt-out can be looked at: contacts of the address book are named by their ids."""
    return _blind("contactIds name no address") if "contactIds" in messages and not stop_groups(settings) else None


def of_cascade(cascade: JSON, settings: Mapping[str, str]) -> str | None:
    """The same of a cascade to the address book."""
    to_book = "addressBookSource" in cascade
    return _blind("A cascade to the address book names no address") if to_book and not stop_groups(settings) else None


def stopped(cascade: JSON, settings: Mapping[str, str]) -> JSON:
    """The cascade as it is created: its own stop groups and those of the account."""
    book, groups = cascade.get("addressBookSource"), stop_groups(settings)
    if book is None or not groups:
        return cascade
    both = list(dict.fromkeys([*book.get("stopContactGroupIds", ()), *groups]))
    return {**cascade, "addressBookSource": {**book, "stopContactGroupIds": both}}


def _blind(reason: str) -> str:
    return f"{reason}, so nobody's opt-out can be looked at: set {STOP_GROUPS.name} to the ids of your stop groups."


ADDRESSED = Addressed(ways, without, note="It went without an address of the contact's that opted out.", key="contacts")
LISTED = Transactional(setting=TRANSACTIONAL.name, id=lambda messages: messages["taskId"])
