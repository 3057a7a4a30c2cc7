"""The body of "Sending transactional messages", and what becomes of each contact.

The document shows one reason for a no, the size of a phone number. For tests there are made-up ones: an e-mail address
that ends in `@refused.test` or `@busy.test`, and an id of a contact that ends in 404. Without a balance everybody is
refused with `billing.error`. More than 100 contacts are refused as a whole, which is an assumption of this sandbox.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.answer import Refusal
from sandbox.devino.rules import anything, link, named, record, refuse, several, text, whole
from sandbox.devino.shelf import Cascade, Shelf
from sandbox.devino.templates import NAMES, channel_name, override
from sandbox.strict import JSON
from sandbox.tally import identity

MOST = 100
CUT = 3  # so many letters of a contact's id the document's mergeKey lacks
FIRST_MESSAGE = 3_606_044_956_953_218_300
FIELD = record({"name": text(), "type": whole()}, {"displayName": text(), "value": anything})
DEVICE = record({"appId": text(), "os": whole(), "pushToken": text()}, {})
CONTACT = record({}, {"email": text(), "phone": text(), "fields": several(FIELD), "pushInfo": several(DEVICE)})


def contact_id(value: Any, at: str) -> None:
    if not (type(value) is int or (isinstance(value, str) and value)):
        raise refuse(at, "has to be the id of a contact.")


MESSAGES = record(
    {"taskId": whole(1)},
    {
        "contactIds": several(contact_id),
        "contacts": several(record({"contact": CONTACT}, {"callbackUrl": link(), "callbackData": named(anything)})),
        "templates": named(override),
    },
)


@dataclass(frozen=True)
class Delivery:
    """One contact of a request: an uploaded one, or one of the address book by its id."""

    contact: JSON
    id: int | str | None = None

    def why_not(self, blocked: bool) -> str | None:
        """Key and text of the reason why it is refused."""
        phone, email = str(self.contact.get("phone", "00000000")), str(self.contact.get("email", ""))
        reasons = {
            "billing.error; Not enough money": blocked,
            "invalid.phone.size; Invalid phone size": not (phone.isdigit() and 8 <= len(phone) <= 15),
            "invalid.email; Invalid email": email.endswith("@refused.test"),
            "queue_full; The queue is full": email.endswith("@busy.test"),
            "contact.not.found; Contact is not found": str(self.id).endswith("404"),
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def dump(self) -> str:
        names = ("email", "fields", "phone", "pushInfo")
        content = {name: self.contact.get(name) for name in names} if self.id is None else {"contactId": self.id}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


class Desk:
    """Hands out the ids of contacts and messages of one account."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._numbers = itertools.count(1)

    def send(self, messages: JSON) -> tuple[JSON, tuple[int, ...]]:
        """The answer's content, and the identities of the contacts that were taken."""
        MESSAGES(messages, "")
        cascade = self._shelf.get(messages["taskId"])
        deliveries = list(_deliveries(messages))
        no = _refusal(cascade, messages, len(deliveries))
        if no or cascade is None:
            return {"result": {"code": "REJECTED", "result": None, "description": f"#{no}"}}, ()
        return self._delivered(cascade, deliveries)

    def _delivered(self, cascade: Cascade, deliveries: list[Delivery]) -> tuple[JSON, tuple[int, ...]]:
        ids, sent, errors, taken = [], [], [], []
        for delivery in deliveries:
            why_not = delivery.why_not(self._shelf.blocked)
            if why_not:
                errors.append(
                    {"code": "REJECTED", "result": None, "description": f"{delivery.dump()} #{why_not}"},
                )
                continue
            number = next(self._numbers)
            given = f"{0x3111E47182CA9C11 + number:016x}-{0x3111E4711103C800 + number * 0x1000:016x}"
            ids += [given] if delivery.id is None else []
            key = given[:-CUT] if delivery.id is None else str(delivery.id)
            sent.append({"code": "OK", "mergeKey": key, "result": str(FIRST_MESSAGE + number)})
            taken.append(delivered(cascade.id, delivery))
        self._shelf.count(cascade.first, len(sent))
        return {"result": {"contactIds": ids, "sendAnswers": sent, "errorAnswers": errors}}, tuple(taken)


def delivered(task_id: int, delivery: Delivery) -> int:
    """The identity of a message: the cascade, and whom it goes to with which fields."""
    contact = delivery.contact
    tokens = [device["pushToken"] for device in contact.get("pushInfo", ())]
    address = next((one for one in (contact.get("email"), contact.get("phone"), *tokens) if one), str(delivery.id))
    return counted(address, {"taskId": task_id, "contact": contact, "contactId": delivery.id})


def counted(address: str, event: JSON) -> int:
    try:
        return identity(address, event)
    except ValueError as error:
        raise Refusal(422, "It holds text that is no Unicode, or a number that JSON has no form for.") from error


def asked_about(event: JSON, at: str) -> int:
    """The identity of `{"taskId", "contact"}` or `{"taskId", "contactId"}`."""
    record({"taskId": whole(1)}, {"contact": CONTACT, "contactId": contact_id})(event, at)
    return delivered(event["taskId"], Delivery(event.get("contact", {}), event.get("contactId")))


def _deliveries(messages: JSON) -> Iterator[Delivery]:
    for one in messages.get("contacts", ()):
        if not {"email", "phone", "pushInfo"} & one["contact"].keys():
            raise Refusal(422, "A contact needs an email, a phone or pushInfo.", "contacts")
        yield Delivery(one["contact"])
    for one in messages.get("contactIds", ()):
        yield Delivery({}, one)


def _refusal(cascade: Cascade | None, messages: JSON, contacts: int) -> str | None:
    """Why the whole request is refused."""
    if cascade is None or cascade.asked["type"] != "API":
        return "task.not.found; There is no transactional task of this id"
    if not 0 < contacts <= MOST:
        return "too.many.messages; Contacts have to be 1 to 100"
    keys = {str(trigger.id): NAMES[trigger.asked["channel"]] for trigger in cascade.triggers}
    wrong = [one for one, content in messages.get("templates", {}).items() if keys.get(one) != channel_name(content)]
    return "template.invalid; A template is for no trigger of the task" if wrong else None
