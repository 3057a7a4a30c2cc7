"""Whom a saved subscriber is, and the id that the platform gives them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tasks.strict import JSON
from worker.facts.wire import Sending, Wire
from worker.people.consent import Addressed, Way

PATH = "/subscriber"
TRID = ("trid", "*.trid")  # where the id stands in an answer: at the top, or one level down
# What says yes, of which address, and on which channels.
FLAGS = {"optin": ("email", ("email",)), "optin_sms": ("phone", ("sms",))}


def compose(payload: JSON, sending: Sending) -> Wire:
    """With the `trid` that the platform gave this person before, where the caller says none."""
    known = {"trid": sending.kept} if sending.kept else {}
    return Wire(PATH, body={**known, **payload})


def person(payload: JSON) -> str | None:
    """The address, in whatever case it is written; else the platform's id, else the device's."""
    email = payload.get("user", {}).get("email")
    return email.lower() if email else payload.get("trid") or payload.get("udid")


def agreed(payload: JSON) -> list[Way]:
    """The addresses of which a subscriber says that they may be written to."""
    user = payload.get("user", {})
    said = [
        (user[address], channels) for flag, (address, channels) in FLAGS.items() if user.get(flag) and user.get(address)
    ]
    return [Way(address, channels) for address, channels in said]


def not_agreed(payload: JSON, addresses: Collection[str]) -> JSON:
    """Without the yes of these addresses: what the platform has stays."""
    user = payload["user"]
    off = {flag for flag, (address, _) in FLAGS.items() if user.get(flag) and user.get(address) in addresses}
    return {**payload, "user": {name: value for name, value in user.items() if name not in off}}


def blind(payload: JSON, _settings: Mapping[str, str]) -> str | None:
    """Why nobody's opt-out can be looked at: the person is named by an id alone."""
    user = payload.get("user", {})
    said = [(flag, address) for flag, (address, _) in FLAGS.items() if user.get(flag) and not user.get(address)]
    return (
        f"{said[0][0]} without user.{said[0][1]} can't be checked against who opted out: give both." if said else None
    )


LEFT_OUT = "It says that an address may be written to which opted out: that was left out of it."
AGREED = Addressed(agreed, not_agreed, LEFT_OUT)


def names(payload: JSON, answer: JSON) -> list[str]:
    """Whoever is saved by address may be saved by the platform's id or the device's later."""
    return [name for name in (trid(answer), payload.get("trid"), payload.get("udid")) if name]


def trid(answer: JSON) -> str | None:
    """“Returned by the API after each call”; the document does not say where: at the top, or one level down."""
    below = [inner for inner in answer.values() if isinstance(inner, dict)]
    return next(filter(None, (_id(place.get("trid")) for place in [answer, *below])), None)


def _id(value: Any) -> str | None:
    """Text or a whole number, as text."""
    if type(value) is int:
        return str(value)
    return value if isinstance(value, str) and value.strip() else None
