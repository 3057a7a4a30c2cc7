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

JSON = dict[str, Any]
PLAIN = frozenset({str, int, float, bool})
LARGEST_ID = (1 << 63) - 1
SPACING = re.compile(r"[ \-]")
DIGITS = re.compile(r"[0-9]{8,15}")
MACRO = "${"  # a text may hold a macro, which Devino replaces with a value of the contact
UNKNOWN = ["Unknown field."]


def problem(code: str, reason: str, advice: str) -> ValidationError:
    """`reason` ends the sentence that begins with the field's name."""
    return ValidationError({"code": code, "reason": reason, "advice": advice})


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

    def _names(self) -> list[str]:
        return [field.data_key or name for name, field in self.load_fields.items()]


class Text(fields.String):
    """A string with something in it besides white space, of at most `most` characters."""

    def __init__(self, most: int | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.most = most

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        if not text.strip():
            raise problem("empty", "is empty", "Give it a value.")
        if self.most is not None and len(text) > self.most:
            raise problem("too_long", f"has more than {self.most} characters", "Shorten it.")
        return text


class Word(fields.String):
    """One of the words that the document lists; `fold` makes the caller's letters the document's."""

    def __init__(self, words: Sequence[str], fold: Callable[[str], str] = str, **more: Any) -> None:
        super().__init__(**more)
        self.words, self.fold = words, fold

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return chosen(self.fold(super()._deserialize(value, *rest, **more)), self.words)


def chosen(word: str, words: Collection[str]) -> str:
    if word in words:
        return word
    raise problem("not_one_of", "is not one of those that Devino knows", f"Write one of {', '.join(words)}.")


class Whole(fields.Field[int]):
    """A whole number within limits; no text, no fraction."""

    def __init__(self, least: int = 0, most: int | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is not int:
            raise problem("invalid", "is not a whole number", "Write it as a number without quotes.")
        if value < self.least or (self.most is not None and value > self.most):
            to = "" if self.most is None else f" to {self.most}"
            raise problem("out_of_range", f"is not a number from {self.least}{to}", "Give a number in that range.")
        return value


class Flag(fields.Field[bool]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if type(value) is not bool:
            raise problem("invalid", "is neither true nor false", "Write true or false without quotes.")
        return value


class Id(fields.Field[int]):
    """A number that Devino gave out, which its answers write as a string (D10)."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value) else value
        if type(number) is not int or not 0 < number <= LARGEST_ID:
            raise problem("invalid", "is not an id", "Write the number that Devino gave.")
        return number


class Phone(fields.String):
    """Digits only, as Devino wants them (D24)."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        digits = SPACING.sub("", super()._deserialize(value, *rest, **more)).removeprefix("+")
        if not DIGITS.fullmatch(digits):
            raise problem("invalid", "is not a telephone number", "Write country code and number, 8 to 15 digits.")
        return digits


class Link(Text):
    """An http or https address, perhaps with macros in it."""

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


class Object(fields.Field[JSON]):
    """Names with values of these types, unchanged; of any type if none is named."""

    def __init__(self, types: Collection[type] = (), **more: Any) -> None:
        super().__init__(**more)
        self.types = frozenset(types)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> JSON:
        if not isinstance(value, dict):
            raise problem("invalid", "is not an object", "Write names with values in braces.")
        if self.types and not self.types.issuperset(map(type, value.values())):
            wanted = "strings" if self.types == {str} else "strings, numbers or booleans"
            raise problem("nested", f"holds a value that is none of its {wanted}", f"Give it {wanted} alone.")
        return value


class Several(fields.List[Any]):
    """A list with something in it; what stands in it twice goes out once if it is a list of `distinct` things."""

    def __init__(self, inner: fields.Field[Any], distinct: bool = False, **more: Any) -> None:
        super().__init__(inner, **more)
        self.distinct = distinct

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> list[Any]:
        found = super()._deserialize(value, *rest, **more)
        if not found:
            raise problem("empty", "is empty", "Leave it out, or put something in it.")
        return list(dict.fromkeys(found)) if self.distinct else found


class ReceivedId(fields.Field[int | str]):
    """An id of a contact, number or text as it was received (D11)."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int | str:
        if (type(value) is int and value > 0) or (isinstance(value, str) and value.strip()):
            return value
        raise problem("invalid", "is not an id", "Write the number or text that Devino gave.")


class Anything(fields.Field[Any]):
    """Any JSON, unchanged."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return value


class Keyed(fields.Dict):
    """Things of one kind under ids, which are written as text there."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> JSON:
        found: dict[Any, Any] = super()._deserialize(value, *rest, **more)  # type: ignore[no-untyped-call]
        return {str(key): one for key, one in found.items()}


def distinct(things: Iterable[Any], key: Callable[[Any], str]) -> list[Any]:
    """In order, the first of those with the same key."""
    seen: dict[str, Any] = {}
    for one in things:
        seen.setdefault(key(one), one)
    return list(seen.values())
