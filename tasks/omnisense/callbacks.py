"""Omnisense calls us when somebody opted out or in, by themselves or because a mail bounced.

Source: Omnisense API documentation v1.0, "Opt-out callback" (platforms.md 1.8). The document tells to put a secret into
the query of the callback's address; nothing is signed. It promises opt-outs and shows an opt-in as well, so both are
taken, in capitals too; any other `notification_type` may be an opt-out in words that no document has, so a person sees
it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from worker.facts.callback import Callbacks, Called, Field, Told, Unread, proven

SECRETS = "OMNISENSE_CALLBACK_SECRETS"
KINDS = {"optout": "omnisense.opted_out", "optin": "omnisense.opted_in"}
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
TIMES = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z")


def verify(called: Called, secrets: Sequence[str]) -> bool:
    return proven([value for name, value in called.query if name == "secret_key"], secrets)


def read(body: Any) -> Sequence[Told | Unread]:
    """One notice a call; a list of them is read as well."""
    return [_read(one) for one in (body if isinstance(body, list) else [body])]


def _read(said: Any) -> Told | Unread:
    if not isinstance(said, Mapping):
        return Unread("It is no JSON object.", said)
    address, kind = _text(said.get("email")), _text(said.get("notification_type"))
    if not ADDRESS.fullmatch(address):
        return Unread("It names no email.", said)
    if kind not in KINDS:
        return Unread(f"Its notification_type is neither {' nor '.join(KINDS)}: is it an opt-out in other words?", said)
    happened_at = moment(said.get(f"{kind}_at"))
    # What a program writes where it knows no time counts as now: of an opt-in that would lift every opt-out.
    if happened_at is None or (kind == "optin" and happened_at <= 0):
        return Unread(f"Its {kind}_at is missing, or no time with an offset.", said)
    return Told(KINDS[kind], address, (address, kind, str(happened_at)), happened_at, dict(said), True, urgent=True)


def _text(said: Any) -> str:
    """In small letters; empty for what is no text."""
    return said.strip().lower() if isinstance(said, str) else ""


def moment(text: Any) -> float | None:
    """Seconds since 1970; None for what is no date and time with an offset."""
    for shape in TIMES if isinstance(text, str) else ():
        try:
            return datetime.strptime(text.strip(), shape).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


FIELDS = (
    Field("email", "an address", "whose; needed"),
    Field("notification_type", "`optout` or `optin`, in any case", "needed; anything else is quarantined"),
    Field("optout_type", "`unsubscription`, `bounce` or `complaint`", "any other word counts as an unsubscription"),
    Field("optout_at, optin_at", "`2018-10-05 08:30:00 +0200`", "the event's own time, with its offset; needed"),
)
EXAMPLES = (
    {
        "email": "yourcustomer@test.com",
        "notification_type": "optout",
        "optout_type": "unsubscription",
        "optout_at": "2018-10-05 08:30:00 +0200",
    },
    {"email": "yourcustomer@test.com", "notification_type": "optin", "optin_at": "2018-10-05 08:30:00 +0200"},
)
CALLBACKS = Callbacks(
    SECRETS,
    tuple(KINDS.values()),
    verify,
    read,
    source="Omnisense API v1.0, Opt-in / Opt-out callback notification",
    asked_for="Enter the address under Settings > Communications, DNS & Callback settings. One notice a call; a list "
    "of them is read as well.",
    fields=FIELDS,
    examples=EXAMPLES,
)
