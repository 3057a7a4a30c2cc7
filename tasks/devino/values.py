"""Kinds of single values that Devino takes, and how a problem with one of them is put into words.

An optional field that is null counts as left out: exports write null for what they don't have.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, pre_load

from tasks.strict import JSON, problem

PLAIN = frozenset({str, int, float, bool})
LARGEST_ID = (1 << 63) - 1
SPACING = re.compile(r"[ \-]")
DIGITS = re.compile(r"[0-9]{8,15}")
MACRO = "${"  # a text may hold a macro, which Devino replaces with a value of the contact
UNKNOWN = ["Unknown field."]


class Shape(Schema):
    """Leaves out optional fields that are null, and offers the nearest name for one that Devino doesn't have."""

    @pre_load
    def _leave_out_nulls(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        optional = {field.data_key or name for name, field in self.load_fields.items() if not field.required}
        return {name: value for name, value in data.items() if value is not None or name not in optional}

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **_: Any) -> None:  # noqa: ARG002
        for name, messages in error.messages_dict.items():
            near = difflib.get_close_matches(str(name), self._names(), 1) if messages == UNKNOWN else []
            if near:
                error.messages_dict[name] = problem(
                    "unknown", "is not a known field", f"Did you mean {near[0]}?"
                ).messages

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002
        """What is left out before it gets to its field may be null as far as a caller is concerned."""
        field_obj.allow_none = field_obj.allow_none or not field_obj.required

    def _names(self) -> list[str]:
        return [field.data_key or name for name, field in self.load_fields.items()]


class Text(fields.String):
    """Something besides white space."""

    def __init__(self, most: int | None = None, **more: Any) -> None:
        super().__init__(metadata=_says(most and f"at most {most:,} characters"), **more)
        self.most = most

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        if not text.strip():
            raise problem("empty", "is empty", "Give it a value.")
        if self.most is not None and len(text) > self.most:
            raise problem("too_long", f"has more than {self.most} characters", "Shorten it.")
        return text


class Word(fields.String):
    """Written as it stands here."""

    def __init__(self, words: Sequence[str], **more: Any) -> None:
        super().__init__(metadata=_says(f"one of {', '.join(f'`{word}`' for word in words)}"), **more)
        self.words = words

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        word = super()._deserialize(value, *rest, **more)
        if word in self.words:
            return word
        raise problem("not_one_of", "is not one of those that Devino knows", f"Write one of {', '.join(self.words)}.")


class AnyCaseWord(Word):
    """In small letters or capitals, which it goes out in."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return super()._deserialize(value.upper() if isinstance(value, str) else value, *rest, **more)


class Whole(fields.Integer):
    """Without quotes or fraction."""

    def __init__(self, least: int = 0, most: int | None = None, **more: Any) -> None:
        self.range = f"from {least:,}" if most is None else f"from {least:,} to {most:,}"
        super().__init__(metadata=_says(self.range), **more)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is not int:
            raise problem("invalid", "is not a whole number", "Write it as a number without quotes.")
        if value < self.least or (self.most is not None and value > self.most):
            raise problem("out_of_range", f"is not a number {self.range}", "Give a number in that range.")
        return value


class Flag(fields.Boolean):
    """Without quotes."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if type(value) is not bool:
            raise problem("invalid", "is neither true nor false", "Write true or false without quotes.")
        return value


class Id(fields.Integer):
    """The number that Devino gave, with or without quotes."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value) else value
        if type(number) is not int or not 0 < number <= LARGEST_ID:
            raise problem("invalid", "is not an id", "Write the number that Devino gave.")
        return number


class ReceivedId(fields.Field[int | str]):
    """The number or text that Devino gave; it goes out as the one or the other, as it came in."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int | str:
        if (type(value) is int and value > 0) or (isinstance(value, str) and value.strip()):
            return value
        raise problem("invalid", "is not an id", "Write the number or text that Devino gave.")


class Phone(fields.String):
    """Country code and number, 8 to 15 digits; a leading plus, spaces and hyphens are taken out."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        digits = SPACING.sub("", super()._deserialize(value, *rest, **more)).removeprefix("+")
        if not DIGITS.fullmatch(digits):
            raise problem("invalid", "is not a telephone number", "Write country code and number, 8 to 15 digits.")
        return digits


class Link(Text):
    """Whole, from http:// or https:// on; it may hold macros."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        if not (_is_link(text) or MACRO in text):
            raise problem("invalid", "is not a web address", "Write it whole, from https:// on.")
        return text


def _is_link(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        return False


class Object(fields.Dict):
    """Names with values, which go out as they are."""

    def __init__(self, types: Collection[type] = (), **more: Any) -> None:
        self.kinds = "strings" if set(types) == {str} else "strings, numbers or booleans"
        super().__init__(metadata=_says(types and f"the values are {self.kinds}"), **more)
        self.types = frozenset(types)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> JSON:
        if not isinstance(value, dict):
            raise problem("invalid", "is not an object", "Write names with values in braces.")
        if self.types and not self.types.issuperset(map(type, value.values())):
            raise problem("nested", f"holds a value that is none of its {self.kinds}", f"Give it {self.kinds} alone.")
        return value


class Several(fields.List[Any]):
    """With something in it."""

    def __init__(self, inner: fields.Field[Any], distinct: bool = False, **more: Any) -> None:
        super().__init__(inner, metadata=_says(distinct and "what stands there twice goes out once"), **more)
        self.distinct = distinct

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> list[Any]:
        found = super()._deserialize(value, *rest, **more)
        if not found:
            raise problem("empty", "is empty", "Leave it out, or put something in it.")
        return list(dict.fromkeys(found)) if self.distinct else found


class Anything(fields.Field[Any]):
    """Any JSON; it goes out as it is."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return value


def _says(rule: Any) -> dict[str, str]:
    """What the operation's page says of a field besides what its class does."""
    return {"description": rule} if rule else {}


def distinct(things: Iterable[Any], key: Callable[[Any], str]) -> list[Any]:
    """In order, the first of those with the same key."""
    seen: dict[str, Any] = {}
    for one in things:
        seen.setdefault(key(one), one)
    return list(seen.values())
