"""What a contact says of who may be written to, for what opted out later to be left out of it (consent, design §8)."""

from __future__ import annotations

from collections.abc import Collection

from tasks.omnisend.identifiers import CHANNEL_OF, UNSAID
from tasks.strict import JSON
from worker.people.consent import Addressed, Way


def ways(payload: JSON) -> list[Way]:
    """The addresses that it says are subscribed."""
    named = [one for one in payload.get("identifiers", ()) if _subscribed(one)]
    return [Way(one["id"], (CHANNEL_OF[one["type"]],)) for one in named]


def without(payload: JSON, addresses: Collection[str]) -> JSON:
    """The contact that says nothing of the status of these: the one that Omnisend has stays."""
    found = [_unsaid(one) if _subscribed(one) and one["id"] in addresses else one for one in payload["identifiers"]]
    return {**payload, "identifiers": found}


def _subscribed(identifier: JSON) -> bool:
    return bool(identifier["channels"][CHANNEL_OF[identifier["type"]]]["status"] == "subscribed")


def _unsaid(identifier: JSON) -> JSON:
    return {**identifier, "channels": {CHANNEL_OF[identifier["type"]]: UNSAID}}


AGREED = Addressed(
    ways, without, note="It says that an address is subscribed which opted out: that was left out of it."
)
