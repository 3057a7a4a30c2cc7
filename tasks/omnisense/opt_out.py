"""How Omnisense is told that somebody may not be written to: the subscriber's own flags.

Source: Omnisense API v1.0, Basic API, User data: `optin` is for e-mail, `optin_sms` for SMS; neither has a date.
"""

from __future__ import annotations

from datetime import datetime

from tasks.strict import JSON

OPERATION = "omnisense.save_subscriber"


def payload(channel: str, address: str, _at: datetime) -> JSON | None:
    """The call for an address of a channel; None for a channel that has no flag."""
    return {
        "email": {"user": {"email": address, "optin": False}},
        "sms": {"user": {"phone": f"+{address}", "optin_sms": False}},
    }.get(channel)
