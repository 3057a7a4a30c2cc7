"""Who opted out at Omnisend, which calls nobody for it: the contacts that it lists as `unsubscribed`.

Source: Omnisend API v3, "Contacts", List contacts (`status`), Contact identifiers, Channel status date. A contact is
listed when one of its channels is unsubscribed, so each channel is looked at by itself. The older form of a contact has
one status for all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tasks.omnisend.identifiers import CHANNEL_OF
from worker.facts.listed import Listed, OptedOut

OUT = "unsubscribed"
KIND = "omnisend.opted_out"
MOST = 250  # a page, by the same document


def read(contact: Any) -> Iterator[OptedOut]:
    """What is not understood is passed over: it will be listed again."""
    found = contact.get("identifiers") if isinstance(contact, dict) else None
    if isinstance(found, list) and found:
        for one in found:
            yield from _of_identifier(one)
    elif isinstance(contact, dict):
        for kind, channel in CHANNEL_OF.items():
            yield from _opted_out(contact.get(kind), channel, contact)


def _of_identifier(one: Any) -> Iterator[OptedOut]:
    channel = CHANNEL_OF.get(str(one.get("type"))) if isinstance(one, dict) else None
    channels = one.get("channels") if channel else None
    if channel and isinstance(channels, dict):
        yield from _opted_out(one.get("id"), channel, channels.get(channel))


def _opted_out(address: Any, channel: str, said: Any) -> Iterator[OptedOut]:
    if not isinstance(said, dict) or str(said.get("status")).lower() != OUT:
        return
    if isinstance(address, str) and address.strip():
        date = said.get("statusDate")
        yield OptedOut(address.strip(), channel, _moment(date), str(date or ""))


def _moment(date: Any) -> float | None:
    try:
        found = datetime.fromisoformat(str(date))
        return found.timestamp() if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


LISTED = Listed("omnisend.list_contacts", {"status": OUT, "limit": MOST}, KIND, read)
