"""Single values, to the letter of the document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.answer import Refusal
from sandbox.strict import JSON, mapping, text

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
# The document's own examples, and ISO 8601: with T or a space, with or without an offset.
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", re.ASCII)
DELIVERY = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)?", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
COUNTRY = re.compile(r"[A-Z]{2,3}")
LANGUAGE = re.compile(r"[a-z]{2,3}")
DEGREES = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
PLAIN = frozenset({str, int, float, bool, type(None)})


def is_address(value: Any) -> bool:
    return isinstance(value, str) and EMAIL.fullmatch(value) is not None


def address(content: JSON, at: str) -> str:
    email = text(content, "email", at)
    if not is_address(email):
        raise Refusal(422, "email has to be an address.", f"{at}email")
    return email


def date(content: JSON, at: str) -> str:
    written = text(content, "date", at)
    if not is_moment(written, DATE):
        raise Refusal(422, "date has to be a moment written as YYYY-MM-DD HH:MM:SSZ.", f"{at}date")
    return written


def is_moment(value: Any, form: re.Pattern[str]) -> bool:
    """Written in this form, and a moment that exists."""
    if not isinstance(value, str) or not form.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_degrees(value: Any, most: int) -> bool:
    """A decimal string, as in the document's example."""
    return isinstance(value, str) and DEGREES.fullmatch(value) is not None and abs(float(value)) <= most


def plain_hash(content: JSON, key: str, at: str, plain: Iterable[Any] = PLAIN) -> JSON:
    """The hash of plain values under `key`; one that is left out is empty."""
    values = mapping(content.get(key, {}), f"{at}{key}")
    allowed = frozenset(plain)
    if allowed.issuperset(map(type, values.values())):
        return values
    wrong = next(name for name, value in values.items() if type(value) not in allowed)
    raise Refusal(422, "It is not one of the plain values that may stand here.", f"{at}{key}.{wrong}")
