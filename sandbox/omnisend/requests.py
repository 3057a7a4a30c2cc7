"""The requests for contacts that Omnisend's documents have, and how it answers each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from sandbox.answer import Refusal, json_answer
from sandbox.omnisend import batched
from sandbox.omnisend.batches import Batches
from sandbox.omnisend.contacts import Contacts
from sandbox.omnisend.rules import STATUSES, check
from sandbox.request import Request
from sandbox.role import Reply
from sandbox.strict import JSON, json_object
from sandbox.tally import identity

PATH = "/v3/contacts"
FILTERS = frozenset({"email", "phone", "status", "segmentID", "tag", "limit", "after"})
SHOWN = ("type", "id", "channels")
MOST, USUAL = 250, 100
NOBODY = "Not found - There is no resource behind the URI."


def reply(contacts: Contacts, batches: Batches, request: Request) -> Reply:
    """What the request gets; raises `Refusal` for one that no document has."""
    if request.head.path.startswith(batched.PATH):
        return batched.reply(batches, request)
    path, one = request.head.path, request.head.path.removeprefix(f"{PATH}/")
    routes = _OF_ALL if path.rstrip("/") == PATH else _OF_ONE
    if routes is _OF_ONE and (one == path or "/" in one):
        raise Refusal(404, NOBODY)
    if request.head.method not in routes:
        raise Refusal(405, f"This path takes {', '.join(routes)}.", headers={"Allow": ", ".join(routes)})
    return routes[request.head.method](contacts, request, unquote(one))


def welcomed(content: Any, at: str) -> int:
    """The identity of the welcome mail that a posted contact gets."""
    addresses = [one["id"] for one in content.get("identifiers", ()) if one.get("type") == "email"]
    if not addresses:
        raise Refusal(422, "Nobody without an e-mail address is welcomed.", at)
    return identity(addresses[0], {"welcome": addresses[0]})


def save(contacts: Contacts, content: JSON) -> JSON:
    """A contact that was posted, as it is then."""
    if "identifiers" not in content:
        raise Refusal(422, "identifiers is mandatory.", "identifiers")
    return contacts.save(content, datetime.now(UTC))


def answered(contact: JSON) -> JSON:
    """What is said of a contact that was posted."""
    return _named(contact)


def _create(contacts: Contacts, request: Request, _one: str) -> Reply:
    content = json_object(request)
    _query(request, frozenset())
    check(content, frozenset({"sendWelcomeEmail"}))
    welcome = content.get("sendWelcomeEmail", False)
    if not isinstance(welcome, bool):
        raise Refusal(422, "sendWelcomeEmail has to be true or false.", "sendWelcomeEmail")
    saved = save(contacts, content)
    addressed = any(one["type"] == "email" for one in content["identifiers"])
    return Reply(json_answer(200, _named(saved)), (welcomed(content, ""),) if welcome and addressed else ())


def _update(contacts: Contacts, request: Request, one: str) -> Reply:
    content = json_object(request)
    _query(request, frozenset())
    return _changed(contacts, one, content)


def _update_by_email(contacts: Contacts, request: Request, _one: str) -> Reply:
    content, query = json_object(request), _query(request, frozenset({"email"}))
    if "email" not in query:
        raise Refusal(400, "Say whose contact is meant: ?email=", "email")
    found = contacts.of("email", query["email"])
    return _changed(contacts, found["contactID"] if found else "", content)


def _changed(contacts: Contacts, contact_id: str, content: JSON) -> Reply:
    check(content)
    changed = contacts.change(contact_id, content, datetime.now(UTC))
    if changed is None:
        raise Refusal(404, NOBODY)
    phone = {"phone": value} if (value := _value(changed, "phone")) else {}
    return Reply(json_answer(200, _named(changed) | phone))


def _get(contacts: Contacts, request: Request, one: str) -> Reply:
    _query(request, frozenset())
    found = contacts.get(one)
    if found is None:
        raise Refusal(404, NOBODY)
    return Reply(json_answer(200, shown(found)))


def _list(contacts: Contacts, request: Request, _one: str) -> Reply:
    query = _query(request, FILTERS)
    limit = _limit(query.get("limit", str(USUAL)))
    if query.get("status", "subscribed") not in STATUSES:
        raise Refusal(400, f"status is one of {', '.join(sorted(STATUSES))}.", "status")
    page: list[JSON] = []
    more = False
    for contact in _later(contacts, query):
        if _fits(contact, query) and (more := len(page) == limit):
            break
        if _fits(contact, query):
            page.append(contact)
    place = _place(request, query | {"after": page[-1]["contactID"], "limit": str(limit)}) if more else None
    paging = {"previous": None, "next": place, "limit": limit}
    return Reply(json_answer(200, {"contacts": list(map(shown, page)), "paging": paging}))


def _later(contacts: Contacts, query: dict[str, str]) -> Iterator[JSON]:
    try:
        return contacts.after(query.get("after"))
    except KeyError as error:
        raise Refusal(400, "after is no place in this list.", "after") from error


def _fits(contact: JSON, query: dict[str, str]) -> bool:
    """`status` is that of the e-mail channel. There are no segments here, so nobody is in one."""
    channels = [one["channels"].get("email", {}) for one in contact["identifiers"]]
    tests: Mapping[str, Callable[[str], bool]] = {
        "email": lambda value: _value(contact, "email") == value,
        "phone": lambda value: _digits(_value(contact, "phone")) == _digits(value),
        "status": lambda value: value in [channel.get("status") for channel in channels],
        "segmentID": lambda _: False,
        "tag": lambda value: value in contact.get("tags", ()),
    }
    return all(test(query[name]) for name, test in tests.items() if name in query)


def _value(contact: JSON, kind: str) -> str:
    return next((one["id"] for one in contact["identifiers"] if one["type"] == kind), "")


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise Refusal(400, f"limit is a whole number from 1 to {MOST}.", "limit")
    return int(text)


def _place(request: Request, query: dict[str, str]) -> str:
    """The next page as the description's example writes it, with a slash before the query."""
    return f"http://{request.head.headers.get('Host', '')}{PATH}/?{urlencode(query)}"


def _query(request: Request, allowed: frozenset[str]) -> dict[str, str]:
    pairs = parse_qsl(request.head.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs) or not query.keys() <= allowed:
        raise Refusal(400, f"The parameters here are {', '.join(sorted(allowed)) or 'none'}, each at most once.")
    return query


def _named(contact: JSON) -> JSON:
    email = {"email": value} if (value := _value(contact, "email")) else {}
    return email | {"contactID": contact["contactID"]}


def shown(contact: JSON) -> JSON:
    """As it is answered: without `source`, the consents apart, and null where there are no properties."""
    identifiers = [{name: one[name] for name in SHOWN} for one in contact["identifiers"]]
    consents = [one["consent"] for one in contact["identifiers"] if "consent" in one]
    shown = contact | {"identifiers": identifiers, "customProperties": contact.get("customProperties") or None}
    return shown | ({"consents": consents} if consents else {})


_OF_ALL = {"GET": _list, "POST": _create, "PATCH": _update_by_email}
_OF_ONE = {"GET": _get, "PATCH": _update}
