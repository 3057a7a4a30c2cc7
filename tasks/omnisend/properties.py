"""Custom properties: names and values of a shop's own, of the five types that Omnisend knows.

Source: Omnisend API v3, "Contacts", Custom properties.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields

from tasks.strict import JSON, problem

NAME = re.compile(r"[A-Za-z0-9_]{1,128}")
DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
LONGEST = 2048
DIGITS = 6  # of a float's fraction: Omnisend would round it, so what we send is what it keeps


class Properties(fields.Dict):
    """Names of Latin letters, digits and _ (at most 128) with text (at most 2,048), numbers (six digits after the
    point), true or false, dates as text, or lists of text; "" or null removes one."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> JSON:
        if not isinstance(value, dict):
            raise problem("invalid", "is not an object", "Write names with values in braces.")
        wrong = dict(_problems(value))
        if wrong:
            raise ValidationError(wrong)
        return {name: round(one, DIGITS) if isinstance(one, float) else one for name, one in value.items()}


def _problems(properties: JSON) -> Iterator[tuple[str, Any]]:
    for name, value in properties.items():
        found = _of_name(name) or _of_value(value)
        if found:
            yield name, found.messages


def _of_name(name: str) -> ValidationError | None:
    if NAME.fullmatch(name):
        return None
    return problem("name", "is not a property's name", "Use Latin letters, digits and _, at most 128 of them.")


def _of_value(value: Any) -> ValidationError | None:
    match value:
        case str():
            return _of_text(value)
        case list():
            return _of_list(value)
        case None | bool() | int() | float():
            return None
    return problem("type", "is an object", "Give text, a number, true or false, a date as text, or a list of text.")


def _of_list(values: list[Any]) -> ValidationError | None:
    if not all(isinstance(value, str) for value in values):
        return problem("list", "holds something besides text", "Write every entry of a list as text.")
    return _too_long() if any(len(value) > LONGEST for value in values) else None


def _of_text(text: str) -> ValidationError | None:
    if len(text) > LONGEST:
        return _too_long()
    if DATE.fullmatch(text) and not _exists(text):
        return problem(
            "date", "is written like a date, and there is no such date", "Correct it, or write it otherwise."
        )
    return None


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _too_long() -> ValidationError:
    return problem("too_long", f"is longer than {LONGEST:,} characters", "Shorten it.")
