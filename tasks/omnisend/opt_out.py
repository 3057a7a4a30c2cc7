"""How Omnisend is told that somebody may not be written to: `unsubscribed`, with the date at which it happened.

Source: Omnisend API v3, "Contacts", Channel statuses. The later of two dates wins there, so a late try undoes nothing.
"""

from __future__ import annotations

from datetime import datetime

from tasks.omnisend.values import written
from tasks.strict import JSON

OPERATION = "omnisend.save_contact"


def payload(channel: str, address: str, at: datetime) -> JSON | None:
    """The call for an address of a channel; None for a channel that it does not know."""
    kinds = {"email": ("email", address), "sms": ("phone", f"+{address}")}
    if channel not in kinds:
        return None
    kind, named = kinds[channel]
    status = {"status": "unsubscribed", "statusDate": written(at)}
    return {"identifiers": [{"type": kind, "id": named, "channels": {channel: status}}]}
