"""Whom Devino OMNI sends messages to: the body of a call for an API cascade (platforms.md 2.7)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from tasks.devino.messages import oversized
from tasks.devino.templates import Overrides
from tasks.devino.values import (
    PLAIN,
    Anything,
    Id,
    Link,
    Object,
    Phone,
    ReceivedId,
    Several,
    Shape,
    Text,
    Whole,
    distinct,
)
from tasks.strict import JSON, problem

FIELD_TYPES = (0, 1, 2, 3, 5, 8)  # date and time, boolean, number, text, object, date
SAME: Mapping[str, Callable[[Any], str]] = {
    "contacts": functools.partial(json.dumps, sort_keys=True),
    "contactIds": str,
}


class ContactField(Shape):
    """A field of the contact, for macros: `type` as Devino's address book numbers them, `value` any JSON."""

    displayName = Text()
    name = Text(required=True)
    type = Whole(required=True)
    value = Anything()

    @validates_schema
    def _known(self, one: JSON, **_: Any) -> None:
        if one["type"] not in FIELD_TYPES:
            unknown = problem("not_one_of", "is no type of field", f"Write one of {', '.join(map(str, FIELD_TYPES))}.")
            raise ValidationError({"type": unknown.messages})


class PushInfo(Shape):
    appId = Text(required=True)
    os = Whole(required=True)
    pushToken = Text(required=True)


class Person(Shape):
    """How somebody can be reached: by e-mail, phone or device."""

    email = fields.Email()
    phone = Phone()
    fields_ = Several(fields.Nested(ContactField), data_key="fields", attribute="fields")
    pushInfo = Several(fields.Nested(PushInfo))

    @validates_schema
    def _reachable(self, person: JSON, **_: Any) -> None:
        if not {"email", "phone", "pushInfo"}.intersection(person):
            missing = problem("missing", "is missing, and so are phone and pushInfo", "Give one of them.")
            raise ValidationError({"email": missing.messages})


class Contact(Shape):
    contact = fields.Nested(Person, required=True)
    callbackUrl = Link()
    callbackData = Object(PLAIN)


class Messages(Shape):
    """The body of `POST /omni-scheduler/api/messages`. What stands twice, equal in everything, is sent once."""

    taskId = Id(required=True)
    contacts = Several(fields.Nested(Contact))
    contactIds = Several(ReceivedId())
    templates = Overrides()

    @validates_schema
    def _fits(self, messages: JSON, **_: Any) -> None:
        if not {"contacts", "contactIds"}.intersection(messages):
            missing = problem("missing", "and contactIds are missing", "Give one of them.")
            raise ValidationError({"contacts": missing.messages})
        found = oversized(messages)
        if found:
            raise ValidationError(found)

    @post_load
    def _each_once(self, messages: JSON, **_: Any) -> JSON:
        return {**messages, **{name: distinct(messages[name], SAME[name]) for name in SAME if name in messages}}
