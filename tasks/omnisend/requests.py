"""How a checked payload goes on the wire, what is fixed when it is asked for, and whom it concerns."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, quote, urljoin, urlsplit

from tasks.omnisend.access import base_url
from tasks.omnisend.flat import without
from tasks.omnisend.values import written
from tasks.strict import JSON
from worker.errors import Refused
from worker.facts.found_by import FoundBy
from worker.facts.wire import Asked, Query, Sending, Wire
from worker.operation import Repeat
from worker.outcome import Refusal

CONTACTS = "/v3/contacts"
BY_EMAIL = "/v4/contacts/email:"
FOUND_BY = FoundBy(("contactID", "email", "phone", "identifiers.id"), answered=("contactID",))
PORTS = {"http": 80, "https": 443}


def repeat(payload: JSON) -> Repeat:
    """Saving twice is saving; greeting twice is not greeting."""
    return Repeat.HARMFUL if payload.get("sendWelcomeEmail") else Repeat.SAFE


def fix(payload: JSON, asked: Asked) -> JSON:
    """A status without a date gets the moment at which it was asked for: at Omnisend the later status wins, and a late
    try must not win over what came after it."""
    if "identifiers" not in payload:
        return payload
    date = written(asked.at)
    return {**payload, "identifiers": [_dated(one, date) for one in payload["identifiers"]]}


def _dated(identifier: JSON, date: str) -> JSON:
    channels = {name: {"statusDate": date, **channel} for name, channel in identifier["channels"].items()}
    return {**identifier, "channels": channels}


def person(payload: JSON) -> str | None:
    """Whom a checked payload changes: `contactID`, else an e-mail address, else a telephone number."""
    if "contactID" in payload:
        return f"contactID:{payload['contactID']}"
    named = [(one["type"], one["id"]) for one in payload.get("identifiers", ())]
    known = [("email", payload["email"])] if "email" in payload else sorted(named)
    return ":".join(known[0]) if known else None


def names(_payload: JSON, answer: JSON) -> list[str]:
    """Omnisend answers with the contact's id and its address: it may be asked for by either."""
    found = {"contactID": answer.get("contactID"), "email": str(answer.get("email") or "").lower()}
    return [f"{kind}:{name}" for kind, name in found.items() if isinstance(name, str) and name]


def update(payload: JSON, _sending: Sending) -> Wire:
    """`PATCH /v3/contacts/{contactID}`, or `PATCH /v3/contacts?email=`, with what changes."""
    body = without(payload, "contactID", "email")
    if "contactID" in payload:
        return Wire(_path(payload["contactID"]), body=body)
    return Wire(CONTACTS, (("email", payload["email"]),), body)


def get(payload: JSON, _sending: Sending) -> Wire:
    return Wire(_path(payload["contactID"]))


def get_v4(payload: JSON, _sending: Sending) -> Wire:
    """`GET /v4/contacts/email:{email}`."""
    return Wire(f"{BY_EMAIL}{quote(payload['email'], safe='')}")


def contacts(payload: JSON, sending: Sending) -> Wire:
    """`GET /v3/contacts?…`. Raises `Refused` for a next page that lies anywhere but there."""
    if "next" in payload:
        return Wire(CONTACTS, _place(payload["next"], base_url(sending.settings)))
    return Wire(CONTACTS, _query(payload))


def following(payload: JSON, answer: JSON) -> JSON | None:
    """The payload of the next page; None where the answer names none, or the page that it is."""
    paging = answer.get("paging")
    place = paging.get("next") if isinstance(paging, dict) else None
    if not isinstance(place, str) or not place.strip():
        return None
    asked = _query_of(payload["next"]) if "next" in payload else _query(payload)
    return None if sorted(_query_of(place)) == sorted(asked) else {"next": place}


def _path(contact_id: str) -> str:
    return f"{CONTACTS}/{quote(contact_id, safe='')}"


def _query(payload: JSON) -> Query:
    return tuple((name, str(value)) for name, value in payload.items())


def _query_of(place: str) -> Query:
    try:
        return tuple(parse_qsl(urlsplit(place).query, keep_blank_values=True))
    except ValueError:
        return (("", place),)


def _place(place: str, base: str) -> Query:
    """Where the next page lies on our own way in. A page elsewhere would get the account's key."""
    if not _is_ours(place, base):
        reason = "next, the place of the next page, does not lie among the contacts of this account's Omnisend."
        raise Refused([Refusal(1, "next.elsewhere", reason, "Give paging.next of Omnisend's own answer.")], whole=True)
    return _query_of(place)


def _is_ours(place: str, base: str) -> bool:
    try:
        wanted, given = urlsplit(base + CONTACTS), urlsplit(urljoin(base + CONTACTS, place))
        same = _door(given) == _door(wanted)
    except ValueError:
        return False
    return same and given.username is None and given.path.rstrip("/") == CONTACTS


def _door(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
