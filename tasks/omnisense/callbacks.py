"""Omnisense calls us when somebody opted out or in, by themselves or because a mail bounced.

Source: Omnisense API documentation v1.0, "Opt-out callback" (platforms.md 1.8). The document tells to put a secret into
the query of the callback's address; nothing is signed. It promises opt-outs and shows an opt-in as well, so both are
taken, and any other `notification_type` is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from worker.facts.callback import Callbacks, Called, Told, Unread, proven

SECRETS = "OMNISENSE_CALLBACK_SECRETS"
KINDS = {"optout": "omnisense.opted_out", "optin": "omnisense.opted_in"}
OTHER = "omnisense.other"
TIMES = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z")


def verify(called: Called, secrets: Sequence[str]) -> bool:
    return proven([value for name, value in called.query if name == "secret_key"], secrets)


def read(body: Any) -> Sequence[Told | Unread]:
    """One notice a call; a list of them is read as well."""
    return [_read(one) for one in (body if isinstance(body, list) else [body])]


def _read(said: Any) -> Told | Unread:
    if not isinstance(said, Mapping):
        return Unread("It is no JSON object.", said)
    email, kind = said.get("email"), said.get("notification_type")
    if not isinstance(email, str) or not email.strip():
        return Unread("It names no email.", said)
    if not isinstance(kind, str):
        return Unread("Its notification_type is no text.", said)
    time = said.get(f"{kind}_at")
    happened_at = moment(time)
    if kind in KINDS and happened_at is None:
        return Unread(f"Its {kind}_at is missing, or no time with an offset.", said)
    address = email.strip().lower()
    stable = (address, kind, str(time if happened_at is None else happened_at))
    return Told(KINDS.get(kind, OTHER), address, stable, happened_at, dict(said), personal=True, urgent=kind in KINDS)


def moment(text: Any) -> float | None:
    """Seconds since 1970; None for what is no date and time with an offset."""
    for shape in TIMES if isinstance(text, str) else ():
        try:
            return datetime.strptime(text.strip(), shape).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


CALLBACKS = Callbacks(SECRETS, (*KINDS.values(), OTHER), verify, read)
