"""Whom a saved subscriber is, and the id that the platform gives them."""

from __future__ import annotations

from typing import Any

from tasks.strict import JSON
from worker.wire import Sending, Wire

PATH = "/subscriber"


def compose(payload: JSON, sending: Sending) -> Wire:
    """With the `trid` that the platform gave this person before, where the caller says none."""
    known = {"trid": sending.kept} if sending.kept else {}
    return Wire(PATH, body={**known, **payload})


def person(payload: JSON) -> str | None:
    """The address, in whatever case it is written; else the platform's id, else the device's."""
    email = payload.get("user", {}).get("email")
    return email.lower() if email else payload.get("trid") or payload.get("udid")


def trid(answer: JSON) -> str | None:
    """“Returned by the API after each call”; the document does not say where: at the top, or one level down."""
    below = [inner for inner in answer.values() if isinstance(inner, dict)]
    return next(filter(None, (_id(place.get("trid")) for place in [answer, *below])), None)


def _id(value: Any) -> str | None:
    """Text or a whole number, as text."""
    if type(value) is int:
        return str(value)
    return value if isinstance(value, str) and value.strip() else None
