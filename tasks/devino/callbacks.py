"""Devino calls us with what became of messages: arrays of statuses, at the `callbackUrl` that came with each contact.

Source: Devino Telecom, "OMNI", "Callback" (platforms.md 2.8). Every field is optional, the unit of `ts` is not stated,
and nothing is signed: a secret stands in the address, and what we ourselves said of the message comes back as
`callbackData`. The callback names neither phone nor channel (D27).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from worker.facts.callback import Callbacks, Called, Told, Unread, proven

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


CALLBACKS = Callbacks(SECRETS, (*(f"devino.{status}" for status in STATUSES), OTHER), verify, read)
