"""What Omnisend's answers say.

Source: Omnisend API v3, "Contacts", "Responses", and its OpenAPI description. `fields`, which names what is wrong with
a request, is called a list there and shown as an object; newer versions answer problem details (RFC 9457). All of them
are read, and words that nobody documents are handed on as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tasks.omnisend.oauth import AUTH
from worker.operation import JSON, Operation, Reading, Unreadable

# What a status means here beyond its number, and what to do about it.
MEANING = {
    404: "there is no such contact; omnisend.save_contact makes one",
    409: "an identifier belongs to another contact already",
    410: "this version of Omnisend's interface is no longer served; omniworker has to be updated",
    422: "something that it needs is missing, or can't be processed",
}
ERRORS = ("error", "errors", "detail", "title")
DETAILS = ("fields", "errors")


def read(operation: Operation, status: int, _headers: Mapping[str, str], body: bytes) -> Reading:
    """A contact's id for what was written, contacts for what was asked. Raises `Unreadable` for anything else."""
    said = _decoded(body) if body.strip() else None
    wrong = " ".join(words(said))
    if status >= 400 or (_is_error(said) and not _is_batch(operation, said)):
        return Reading(False, f"omnisend.{status}", ": ".join(filter(None, (MEANING.get(status), wrong))))
    if not isinstance(said, dict) or not _fits(operation, said):
        raise Unreadable("the answer is not one of Omnisend's")
    return Reading(True, answer=_known(said))


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("the answer is not JSON") from error


def _is_error(said: Any) -> bool:
    return isinstance(said, dict) and any(said.get(name) for name in ("error", "errors"))


def _is_batch(operation: Operation, said: Any) -> bool:
    """A batch, its items (whose errors are not the request's), or a list of batches."""
    if operation.later is None or not isinstance(said, dict):
        return False
    return isinstance(said.get("batchID"), str) or isinstance(said.get("batches"), list)


def _fits(operation: Operation, said: JSON) -> bool:
    """An answer without its contact, or without a list of them, could be anybody's."""
    if _is_batch(operation, said):
        return True
    if operation.pages:
        return isinstance(said.get(operation.pages.items), list) and _leads_on(said.get("paging"))
    if operation.auth == AUTH:
        return bool(said)  # no document shows what version 4 answers
    return isinstance(said.get("contactID"), str | int)


def _leads_on(paging: Any) -> bool:
    """What is no place at all would end a list too early."""
    place = paging.get("next") if isinstance(paging, dict) else paging
    return place is None or isinstance(place, str)


def words(said: Any) -> Iterator[str]:
    """What an error says, and of which fields."""
    if not isinstance(said, dict):
        return
    text = next((said[name] for name in ERRORS if isinstance(said.get(name), str)), "")
    details = "; ".join(part for name in DETAILS for part in _details(said.get(name)))
    yield from filter(None, (text.strip(), f"({details})" if details else ""))


def _details(found: Any) -> Iterator[str]:
    """Every sentence of a list, of an object keyed by index, of a list of lists, or of problem details."""
    match found:
        case {"field": str() as name, **rest}:
            yield f"{name}: {rest.get('message') or rest.get('code') or 'not accepted'}"
        case dict():
            for inner in found.values():
                yield from _details(inner)
        case list():
            for inner in found:
                yield from _details(inner)
        case str():
            yield found


def _known(said: JSON) -> JSON:
    """Ids as text, and properties that are null as none."""
    contacts = said.get("contacts")
    listed = (
        {"contacts": [_contact(one) for one in contacts if isinstance(one, dict)]} if isinstance(contacts, list) else {}
    )
    return _contact(said) | listed


def _contact(said: JSON) -> JSON:
    contact = dict(said)
    if isinstance(said.get("contactID"), int):
        contact["contactID"] = str(said["contactID"])
    if "customProperties" in said and said["customProperties"] is None:
        contact["customProperties"] = {}
    return contact
