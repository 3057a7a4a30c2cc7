"""Who opted out at Omnisend, which calls nobody for it: the contacts that it lists as `unsubscribed`; and, for the
nightly comparison, who is subscribed there.

Source: Omnisend API v3, "Contacts", List contacts (`status`), Contact identifiers, Channel status date. A contact is
listed when one of its channels is unsubscribed, so each channel is looked at by itself. The older form of a contact has
one status for all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from tasks.omnisend.identifiers import CHANNEL_OF
from worker.facts.listed import Listed, Shown

OUT, IN = "unsubscribed", "subscribed"
KIND = "omnisend.opted_out"
MOST = 250  # a page, by the same document


def read(contact: Any, status: str = OUT) -> Iterator[Shown]:
    """What is not understood is passed over: it will be listed again."""
    found = contact.get("identifiers") if isinstance(contact, dict) else None
    if isinstance(found, list) and found:
        for one in found:
            yield from _of_identifier(one, status)
    elif isinstance(contact, dict):
        for kind, channel in CHANNEL_OF.items():
            yield from _shown(contact.get(kind), channel, contact, status)


def _of_identifier(one: Any, status: str) -> Iterator[Shown]:
    channel = CHANNEL_OF.get(str(one.get("type"))) if isinstance(one, dict) else None
    channels = one.get("channels") if channel else None
    if channel and isinstance(channels, dict):
        yield from _shown(one.get("id"), channel, channels.get(channel), status)


def _shown(address: Any, channel: str, said: Any, status: str) -> Iterator[Shown]:
    if not isinstance(said, dict) or str(said.get("status")).lower() != status:
        return
    if isinstance(address, str) and address.strip():
        date = said.get("statusDate")
        yield Shown(address.strip(), channel, _moment(date), str(date or ""))


def _moment(date: Any) -> float | None:
    try:
        found = datetime.fromisoformat(str(date))
        return found.timestamp() if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


LISTED = Listed("omnisend.list_contacts", {"status": OUT, "limit": MOST}, KIND, read)
EVERYBODY = Listed("omnisend.list_contacts", {"limit": MOST}, KIND, read, agreed=partial(read, status=IN))
