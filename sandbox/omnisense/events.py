"""User events: the body of `POST /user_event` and the elements of an import, as they are counted."""

from __future__ import annotations

from typing import Any

from sandbox.answer import Refusal
from sandbox.omnisense.values import address, date, plain_hash
from sandbox.strict import JSON, known, mapping, text

TRACKED = frozenset({"api_key", "trid", "email", "user_event"})
USER_EVENT = frozenset({"identifier", "segments"})
ACTION = frozenset({"email", "date", "identifier", "segments"})


def tracked(content: JSON) -> JSON:
    """The event of a `/user_event` body."""
    known(content, TRACKED, "")
    if "trid" not in content and "email" not in content:
        raise Refusal(422, "trid is mandatory if email is not set.", "trid")
    event = mapping(content.get("user_event"), "user_event")
    known(event, USER_EVENT, "user_event")
    return {
        "trid": text(content, "trid", "") if "trid" in content else None,
        "email": address(content, "") if "email" in content else None,
        "identifier": text(event, "identifier", "user_event."),
        "segments": plain_hash(event, "segments", "user_event."),
    }


def imported(content: Any, at: str) -> JSON:
    """One element of `user_events`."""
    action = mapping(content, at)
    known(action, ACTION, at)
    inside = f"{at}."
    return {
        "email": address(action, inside),
        "date": date(action, inside),
        "identifier": text(action, "identifier", inside),
        "segments": plain_hash(action, "segments", inside),
    }
