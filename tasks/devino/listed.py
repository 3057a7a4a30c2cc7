"""Contacts of a file, for an API cascade that is there already: a row each, and what stands around them in a request.

A row of NDJSON is an element of the document's `contacts`. Of CSV the columns `email` and `phone` say how somebody is
reached, `pushToken`, `appId` and `os` on which device; every other column is a field of the contact, for macros.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from marshmallow import ValidationError, pre_load, validates_schema

from tasks.devino.contacts import Contact
from tasks.devino.messages import LIMITS, PATH, at_devinos_clock, told_where
from tasks.devino.templates import Overrides
from tasks.devino.values import Id, Shape
from tasks.strict import JSON, problem
from worker.facts.rows import Brief, Cells
from worker.facts.wire import Sending, Wire

KEY, FIELDS = "contacts", "fields"
REACHED, DEVICE = ("email", "phone"), ("pushToken", "appId", "os")
EXAMPLE = """\
email,phone,firstName,orderId
james@jamesmail.com,79103398080,James,4711
,79103398081,Anna,4712
"""
CELLS = Cells((*REACHED, *DEVICE), rest=FIELDS, example=EXAMPLE)
NUMBER, TEXT = 2, 3  # types of fields, as Devino's address book numbers them
MOST_AROUND = LIMITS.bytes // 2


class ListedContact(Contact):
    """One contact: an element of `contacts`, or flat as a row of CSV is."""

    @pre_load
    def _nested(self, row: Any, **_: Any) -> Any:
        if not isinstance(row, dict) or "contact" in row or not {*REACHED, *DEVICE, FIELDS}.issuperset(row):
            return row
        return {"contact": _person(row)}


class Around(Shape):
    """The cascade, and what of its templates is another for these contacts."""

    taskId = Id(required=True)
    templates = Overrides()

    @validates_schema
    def _fits(self, around: JSON, **_: Any) -> None:
        if len(msgspec.json.encode(around)) > MOST_AROUND:
            too_large = problem("too_large", "leave no room for contacts in a request", "Shorten them.")
            raise ValidationError({"templates": too_large.messages})


def encode(contacts: Sequence[JSON], brief: Brief) -> bytes:
    """The contacts as they go, each with the place where Devino tells what became of its message."""
    return msgspec.json.encode(told_where(contacts, brief.callback))


def wire(encoded: bytes, brief: Brief) -> Wire:
    """The request around these contacts."""
    sending = Sending(datetime.now(UTC), brief.settings)
    return Wire(PATH, body={**at_devinos_clock(brief.around, sending), KEY: msgspec.Raw(encoded)})


def _person(row: JSON) -> JSON:
    person = {name: row[name] for name in REACHED if name in row}
    more = row.get(FIELDS)
    if isinstance(more, dict):
        person[FIELDS] = [_field(name, value) for name, value in more.items()]
    elif more is not None:
        person[FIELDS] = more
    device = {name: row[name] for name in DEVICE if name in row}
    if device:
        person["pushInfo"] = [{**device, "os": _whole(device["os"])} if "os" in device else device]
    return person


def _field(name: str, value: Any) -> JSON:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"name": name, "type": NUMBER if is_number else TEXT, "value": value}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
