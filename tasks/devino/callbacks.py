"""Devino calls us with what became of messages: arrays of statuses, at the `callbackUrl` that came with each contact.

Source: Devino Telecom, "OMNI", "Callback" (platforms.md 2.8). Every field is optional, the unit of `ts` is not stated,
and nothing is signed: a secret stands in the address, and what we ourselves said of the message comes back as
`callbackData`. The callback names neither phone nor channel (D27).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from worker.facts.callback import Callbacks, Called, Field, Told, Unread, proven

SECRETS = "DEVINO_CALLBACK_SECRETS"
STATUSES = (
    *("delivered", "expired", "undeliverable", "bounced", "opened", "clicked", "rejected", "deleted"),
    *("subscribed", "unsubscribed", "complained", "unknown", "canceled"),
)
OTHER = "devino.other"
URGENT = ("unsubscribed", "complained", "bounced", "subscribed")
MILLISECONDS = 10**12  # a moment that large is in milliseconds


def verify(called: Called, secrets: Sequence[str]) -> bool:
    return proven([value for name, value in called.query if name == "secret_key"], secrets)


def read(body: Any) -> Sequence[Told | Unread]:
    """A notice for each element; one that can't be read keeps none of the others."""
    return [_read(one) for one in (body if isinstance(body, list) else [body])]


def _read(said: Any) -> Told | Unread:
    if not isinstance(said, Mapping):
        return Unread("An element of it is no JSON object.", said)
    status = said.get("status")
    if not isinstance(status, str) or not status.strip():
        return Unread("Its status is no text.", said)
    status, message = status.strip().lower(), _id(said.get("messageId"))
    urgent = status in URGENT
    # Without an id it is the whole of it that tells it from others: an unsubscription is never dropped.
    stable = (message, status, str(said.get("ts"))) if message else (json.dumps(said, sort_keys=True),)
    kind = f"devino.{status}" if status in STATUSES else OTHER
    return Told(kind, message or "", stable, moment(said.get("ts")), dict(said), urgent=urgent)


def moment(ts: Any) -> float | None:
    """Seconds since 1970. None for 0, which the document's example has, and for what is no number."""
    number = int(ts) if isinstance(ts, str) and ts.isdigit() and len(ts) < 20 else ts
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 10**15:
        return None
    return number / 1000 if number >= MILLISECONDS else float(number)


def _id(said: Any) -> str | None:
    """Ids are texts inside: 19 digits are too many for a float."""
    if isinstance(said, bool) or not isinstance(said, str | int):
        return None
    text = str(said).strip()
    return text if 0 < len(text) <= 200 else None


FIELDS = (
    Field("messageId", "a whole number, or a text of it", "by which `find` knows the message; nearly always there"),
    Field("status", ", ".join(f"`{status}`" for status in STATUSES), "needed; any other is kept, and quarantined"),
    Field("ts", "seconds or milliseconds since 1970", "when; the moment of its arrival where it is 0 or left out"),
    Field(
        "callbackData", "an object", "`omniworker` in it is the reference that we gave: which row of which job it is"
    ),
    Field("taskId, triggerId", "whole numbers", "the cascade, and its trigger: the channel, where that is known"),
    Field("email", "an address", "whose, where no reference says it: an opt-out counts, an opt-in does not"),
    Field("pushToken", "a text", "the same of a device"),
    Field("errorCode, contactId, ip, browser, os, userAgent, url, geolocation", "as the document has them", "kept"),
    Field("actionId, pushApplicationId", "as the document has them", "kept"),
)
EXAMPLE = {
    "messageId": "string",
    "ts": 0,
    "status": "string",
    "errorCode": 0,
    "ip": "string",
    "browser": "string",
    "os": "string",
    "callbackData": {"additionalProp": "string"},
    "userAgent": "string",
    "contactId": "string",
    "taskId": 0,
    "triggerId": 0,
    "email": "string",
    "url": "string",
    "geolocation": {"country": "string", "region": "string", "city": "string"},
    "pushToken": "string",
    "actionId": "string",
    "pushApplicationId": 0,
}
CALLBACKS = Callbacks(
    SECRETS,
    (*(f"devino.{status}" for status in STATUSES), OTHER),
    verify,
    read,
    source="Devino Telecom, OMNI, Getting status of transactional message via CallbackURL",
    asked_for="With `RECEIVER_PUBLIC_URL` set, each contact that is sent without a `callbackUrl` of the caller's "
    "brings the address along. An array of statuses a call; a single one is read as well.",
    fields=FIELDS,
    examples=([EXAMPLE],),
)
