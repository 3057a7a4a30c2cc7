"""The hashes that Omnisense takes: names with plain values, whose names are the caller's own."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from tasks.omnisense.values import plain
from tasks.strict import JSON, problem

SCALARS = frozenset({str, int, float, bool, type(None)})
LONGEST_NUMBER = 1 << 13  # bits; what is far beyond any count or amount, Python refuses to write in decimal


class Segments(fields.Dict):
    """Names with plain values: text, numbers, true, false or null; they go on unchanged."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> JSON:
        if not isinstance(value, dict):
            raise problem("invalid", "is not an object", "Write names with plain values in braces.")
        if not SCALARS.issuperset(map(type, value.values())):
            raise problem("nested", "holds a list or an object", "Give each name one string, number or boolean.")
        return value


class Variables(Segments):
    """What stands in the mail for `[name]`: text, numbers, true or false; they go on unchanged.

    Not null: nobody knows how that would read in a mail.
    """

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> JSON:
        variables = super()._deserialize(value, *rest, **more)
        if type(None) in map(type, variables.values()):
            raise problem("null", "holds null", "Give each name a value, or leave it out.")
        return variables


class Metadata(Segments):
    """Sent as text: numbers in plain decimal, `true` and `false`; nulls are left out."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> JSON:
        plain_values = super()._deserialize(value, *rest, **more)
        return {name: as_text(one) for name, one in plain_values.items() if one is not None}


def as_text(value: str | float) -> str:
    """A plain value as Omnisense takes it where it takes texts only."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
        raise problem("number", "holds a number that is too large", "Write it as a string.")
    return plain(value)
