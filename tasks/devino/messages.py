"""Messages to contacts: the rows of a call, its cutting into requests, and what goes on the wire.

The rows of a call are its `contacts`, then its `contactIds`. A request carries only one of the two: in its answer
`contactIds` are those that the contacts were given, and an error names no id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tasks.devino.times import local
from tasks.strict import JSON, problem
from worker.facts.found_by import FoundBy
from worker.facts.wire import CalledBack, Sending, Wire
from worker.operation import Limits

PATH = "/omni-scheduler/api/messages"
LIMITS = Limits(rows=100, bytes=1 << 20, assumed=True)
LISTS = ("contacts", "contactIds")
REFERENCE = "omniworker"  # of `callbackData`: what the message is at ours
ADDRESSES = ("email", "phone", "pushInfo.pushToken")
WHOM = (*(f"contacts.contact.{name}" for name in ADDRESSES), "contactIds")
FOUND_BY = FoundBy(
    asked=("taskId", *WHOM),
    row=(*(f"contact.{name}" for name in ADDRESSES), "email", "phone", "pushToken"),
    answered=("result.sendAnswers.result", "result.sendAnswers.mergeKey"),
)
AROUND = len(b',"contactIds":[]')


def count(messages: JSON) -> int:
    return sum(len(messages.get(name, ())) for name in LISTS)


def split(messages: JSON, limits: Limits) -> list[JSON]:
    """Requests of at most so many rows and bytes each, in the order of the rows."""
    room = _room(messages, limits)
    return [
        {**_without_rows(messages), name: rows}
        for name in LISTS
        for rows in _cut(messages.get(name, ()), limits.rows, room)
    ]


def _cut(rows: Sequence[Any], most: int, room: int) -> Iterator[list[Any]]:
    piece: list[Any] = []
    used = 0
    for row in rows:
        size = _size(row) + 1
        if piece and (len(piece) == most or used + size > room):
            yield piece
            piece, used = [], 0
        piece.append(row)
        used += size
    if piece:
        yield piece


def oversized(messages: JSON) -> dict[str, Any]:
    """Rows that no request can carry, nested as marshmallow nests its messages."""
    room = _room(messages, LIMITS)
    if room < 0:
        return {"templates": problem("too_large", "is larger than a request", "Shorten them.").messages}
    too_large = problem("too_large", "is larger than a request", "Shorten it, or the templates.").messages
    found = {
        name: {number: too_large for number, row in enumerate(messages.get(name, ())) if _size(row) >= room}
        for name in LISTS
    }
    return {name: rows for name, rows in found.items() if rows}


def compose(messages: JSON, sending: Sending) -> Wire:
    """The request. What we ourselves tell Devino about a contact is put beside it here, right before it leaves."""
    body = at_devinos_clock(messages, sending)
    if "contacts" in body:
        body = {**body, "contacts": told_where(body["contacts"], sending.callback)}
    return Wire(PATH, body=body)


def told_where(contacts: Sequence[JSON], callback: CalledBack | None) -> Sequence[JSON]:
    """The contacts, each with the place where Devino tells what became of its message."""
    if callback is None:
        return contacts
    return [_called_back(one, row, callback) for row, one in enumerate(contacts, 1)]


def at_devinos_clock(messages: JSON, sending: Sending) -> JSON:
    """With the moments in its templates as Devino reads them."""
    overriding = messages.get("templates", {})
    templates = {trigger: _at_devinos_clock(template, sending) for trigger, template in overriding.items()}
    return {**messages, "templates": templates} if overriding else messages


def _called_back(contact: JSON, row: int, callback: CalledBack) -> JSON:
    """Devino tells us what became of the message, unless the caller wants to be told instead."""
    if "callbackUrl" in contact:
        return contact
    return {
        **contact,
        "callbackUrl": callback.url,
        "callbackData": {**contact.get("callbackData", {}), REFERENCE: callback.refer(row)},
    }


def _at_devinos_clock(template: JSON, sending: Sending) -> JSON:
    """A wallet push may be told its own moment, as a local date and time."""
    return {key: _scheduled(content, sending) for key, content in template.items()}


def _scheduled(content: JSON, sending: Sending) -> JSON:
    moment = content.get("scheduledTime")
    return content if moment is None else {**content, "scheduledTime": local(moment, sending, "T")}


def _without_rows(messages: JSON) -> JSON:
    return {name: value for name, value in messages.items() if name not in LISTS}


def _room(messages: JSON, limits: Limits) -> int:
    return limits.bytes - AROUND - _size(_without_rows(messages))


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))
