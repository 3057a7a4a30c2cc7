"""What the shapes of the platforms have in common: how a problem is put into words, nulls, and stray names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, post_load

JSON = dict[str, Any]
LONGEST_NAME = 60


def problem(code: str, reason: str, advice: str) -> ValidationError:
    """What is wrong with a value: the reason ends a sentence that begins with the field's name."""
    return ValidationError({"code": code, "reason": reason, "advice": advice})


class Text(fields.String):
    """Not empty, nor only white space."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        if not text.strip():
            raise problem("empty", "is empty", "Give it a value.")
        return text


class Shape(Schema):
    """An optional field that is null counts as left out: exports write null for what they don't have.

    `elsewhere` says where names belong that people write here; `stray` is the advice for all others.
    """

    elsewhere: ClassVar[Mapping[str, str]] = {}
    stray: ClassVar[str] = "Leave it out, or correct its name."

    @post_load
    def _leave_out_nulls(self, row: JSON, **_: Any) -> JSON:
        return {name: value for name, value in row.items() if value is not None}

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **rest: Any) -> None:  # noqa: ARG002
        """Marshmallow calls it with everything that is wrong, before it raises. It finds stray names in any order; here
        they come last, in the order of the data, so that the same row is always refused by the same code."""
        found: Any = error.messages
        names = data if isinstance(data, dict) else ()
        for name in [name for name in names if found.get(name) == [self.error_messages["unknown"]]]:
            del found[name]
            found[name] = [{"code": "unknown", "reason": "is not a known field", "advice": self._advice(str(name))}]

    def _advice(self, name: str) -> str:
        if name in self.elsewhere:
            return self.elsewhere[name]
        near = difflib.get_close_matches(name[:LONGEST_NAME], self.fields, 1)
        return f"{self.stray} Did you mean {near[0]}?" if near else self.stray
