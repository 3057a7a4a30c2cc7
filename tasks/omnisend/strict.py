"""What all shapes of Omnisend have in common: nulls are left out, and a stray name is told where it belongs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, post_load

from tasks.omnisend.values import JSON, problem

LONGEST_NAME = 60


class Shape(Schema):
    """An optional field that is null counts as left out: exports write null for what they don't have.

    `elsewhere` says what to do with names that people write here and that don't belong here; `stray` with all others.
    """

    elsewhere: ClassVar[Mapping[str, str]] = {}
    stray: ClassVar[str] = "Leave it out, or correct its name."

    @post_load
    def _leave_out_nulls(self, content: JSON, **_: Any) -> JSON:
        return {name: value for name, value in content.items() if value is not None}

    def handle_error(self, error: ValidationError, _data: Any, **_: Any) -> None:  # type: ignore[override]
        """Marshmallow calls it with everything that is wrong, before it raises."""
        found: Any = error.messages
        for name in [name for name, what in found.items() if what == [self.error_messages["unknown"]]]:
            found[name] = problem("unknown", "is not a known field", self._advice(str(name))).messages

    def _advice(self, name: str) -> str:
        if name in self.elsewhere:
            return self.elsewhere[name]
        near = difflib.get_close_matches(name[:LONGEST_NAME], self.fields, 1)
        return f"Did you mean {near[0]}? {self.stray}" if near else self.stray
