"""What Omnisend takes: a contact to save or to change, an id to look up, a question for a list.

Source: Omnisend API v3, "Contacts", Parameters, and its OpenAPI description (paths, query parameters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from tasks.omnisend import flat
from tasks.omnisend.identifiers import STATUSES, Identifier
from tasks.omnisend.properties import Properties
from tasks.omnisend.values import Address, Country, Day, Flag, Id, Moment, OneOf, Phone, StatusDate
from tasks.strict import JSON, Shape, Text, problem

WHOM = ("contactID", "email")
OF_WHICH = "that of `email`, or of `phone` where there is no `email`; `unsubscribed` counts for both"
WELCOME = "if true, a request whose answer was lost is not repeated: it could greet twice"


class Contact(Shape):
    """What is known of a contact. It is identified by `identifiers`, or by the older `email`, `phone` and `status`."""

    stray = "Correct its name, write it into customProperties, or leave it out."
    identifiers = fields.List(fields.Nested(Identifier), allow_none=True, validate=validate.Length(1))
    email = Address(allow_none=True)
    phone = Phone(allow_none=True)
    status = OneOf(*STATUSES, about=OF_WHICH, allow_none=True)
    statusDate = StatusDate(allow_none=True)
    createdAt = Moment(allow_none=True)
    firstName = fields.String(allow_none=True)
    lastName = fields.String(allow_none=True)
    tags = fields.List(Text(), allow_none=True)
    country = fields.String(allow_none=True)
    countryCode = Country(allow_none=True)
    state = fields.String(allow_none=True)
    city = fields.String(allow_none=True)
    address = fields.String(allow_none=True)
    postalCode = fields.String(allow_none=True)
    gender = OneOf("m", "f", allow_none=True)
    birthdate = Day(allow_none=True)
    customProperties = Properties(allow_none=True)

    @validates_schema
    def _each_once(self, content: JSON, **_: Any) -> None:
        given = [(one["type"], one["id"]) for one in content.get("identifiers") or []]
        if len(set(given)) < len(given):
            raise ValidationError({"identifiers": problem("twice", "name one twice", "Write it once.").messages})
        if content.get("statusDate") and not content.get("status"):
            advice = "Write the status that is meant."
            raise ValidationError({"statusDate": problem("alone", "stands without a status", advice).messages})


class SaveContact(Contact):
    """A contact to be made, or changed if one of its identifiers is known: it has `identifiers`, or `email` or `phone`
    with a `status` if wanted."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        "contactID": "Leave it out: omnisend.update_contact takes it.",
        "sendWelcomeMessage": "Write sendWelcomeEmail.",
    }
    sendWelcomeEmail = Flag(allow_none=True, metadata={"description": WELCOME})

    @validates_schema
    def _somebody(self, content: JSON, **_: Any) -> None:
        beside = [name for name in (*flat.ADDRESSES, *flat.STATUS) if content.get(name)]
        if content.get("identifiers"):
            _write_into_identifiers(beside)
        elif not any(content.get(name) for name in flat.ADDRESSES):
            advice = "Give identifiers, or email or phone."
            raise ValidationError({"identifiers": problem("missing", "are missing", advice).messages})

    @post_load
    def _identified(self, content: JSON, **_: Any) -> JSON:
        found = content.get("identifiers") or flat.identifiers(content)
        return {"identifiers": found, **flat.without(content, "identifiers", *flat.ADDRESSES, *flat.STATUS)}


class UpdateContact(Contact):
    """What is to change of a contact, which is named by `contactID` or, without one, by `email`. Without a contactID,
    `status` is that of the e-mail address."""

    elsewhere = dict.fromkeys(
        ("sendWelcomeEmail", "sendWelcomeMessage"), "Leave it out: only omnisend.save_contact welcomes."
    )
    contactID = Id(allow_none=True)

    @validates_schema
    def _somebody(self, content: JSON, **_: Any) -> None:
        if not any(content.get(name) for name in WHOM):
            advice = "Say by one of them whom to update."
            raise ValidationError({"contactID": problem("missing", "and email are missing", advice).messages})
        beside = [name for name in _flat_names(content) if content.get(name)]
        if content.get("identifiers"):
            _write_into_identifiers(beside)
        elif content.get("status") and not any(content.get(name) for name in flat.ADDRESSES):
            advice = "Give identifiers, or email or phone."
            raise ValidationError({"status": problem("nobody", "does not say of which channel", advice).messages})

    @validates_schema
    def _something(self, content: JSON, **_: Any) -> None:
        if not any(value is not None for name, value in content.items() if name != _selector(content)):
            wrong = problem("nothing", "changes nothing", "Give the fields that change.").messages
            raise ValidationError({"_schema": wrong})

    @post_load
    def _identified(self, content: JSON, **_: Any) -> JSON:
        found = content.get("identifiers") or flat.identifiers(content, list(_addresses(content)))
        whom = _selector(content)
        rest = flat.without(content, *WHOM, "identifiers", *flat.ADDRESSES, *flat.STATUS)
        return {whom: content[whom]} | ({"identifiers": found} if found else {}) | rest


class WhichContact(Shape):
    """One contact by the id that Omnisend gave it."""

    elsewhere = dict.fromkeys(flat.ADDRESSES, "Leave it out: omnisend.list_contacts finds contacts by it.")
    contactID = Id(required=True)


class WhoseContact(Shape):
    """One contact by its e-mail address."""

    elsewhere: ClassVar[Mapping[str, str]] = {"contactID": "Leave it out: omnisend.get_contact takes it."}
    email = Address(required=True)


class WhichContacts(Shape):
    """Which contacts to list: all that fit, a page at a time. For a further page give `next`, and nothing else."""

    elsewhere = dict.fromkeys(("after", "offset"), "Give next, with the whole paging.next of the answer before.")
    email = Address(allow_none=True)
    phone = Phone(allow_none=True)
    status = OneOf(*STATUSES, allow_none=True)
    segmentID = Text(allow_none=True)
    tag = Text(allow_none=True)
    limit = fields.Integer(strict=True, allow_none=True, validate=validate.Range(1, 250))
    next = Text(allow_none=True, metadata={"description": "`paging.next` of the answer before, as it is"})

    @validates_schema
    def _one_place(self, content: JSON, **_: Any) -> None:
        if content.get("next") and len([value for value in content.values() if value is not None]) > 1:
            advice = "Leave the others out: Omnisend has put them into it."
            raise ValidationError({"next": problem("beside", "stands beside something else", advice).messages})


def _selector(content: JSON) -> str:
    return "contactID" if content.get("contactID") else "email"


def _addresses(content: JSON) -> Iterator[str]:
    """The older fields that become identifiers: not an e-mail address that only says whom to update."""
    if _selector(content) == "contactID" or content.get("status"):
        yield "email"
    yield "phone"


def _flat_names(content: JSON) -> tuple[str, ...]:
    """What may not stand beside identifiers."""
    return (*(("email",) if _selector(content) == "contactID" else ()), "phone", *flat.STATUS)


def _write_into_identifiers(beside: list[str]) -> None:
    if beside:
        wrong = problem("beside", "stands beside identifiers", "Write it into them.").messages
        raise ValidationError(dict.fromkeys(beside, wrong))
