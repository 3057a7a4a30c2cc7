"""The single values that Omnisense takes, and what each is refused for.

Source: Omnisense API documentation v1.0, its tables and examples. Strings go on unchanged. What is rewritten, is
rewritten to the one form that the document shows or names: dates, codes of countries and languages, numbers where it
takes strings only. A value in that form stays as it is.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import fields

from tasks.strict import problem

DECIMAL = re.compile(r"[+-]?\d{1,20}(\.\d{1,400})?", re.ASCII)
TWO_LETTERS = re.compile(r"[A-Za-z]{2}")

FORM = "Write date, time and offset from UTC, as in 2026-01-31 14:00:00+02:00 or 2026-01-31T12:00:00Z."


def moment(text: str) -> str:
    """A date and time with its offset, in any ISO 8601 form with T or a space, as `YYYY-MM-DD HH:MM:SSZ` in UTC.

    Fractions of a second are cut. Raises `ValidationError` with the code `naive` or `invalid`.
    """
    try:
        when = datetime.fromisoformat(text)
        utc = when.astimezone(UTC).isoformat(" ", "seconds") if when.tzinfo else None
    except (ValueError, OverflowError):
        raise problem("invalid", "is not a date and time that exists", FORM) from None
    if utc is None:
        raise problem("naive", "does not say its offset from UTC", FORM)
    if "T" not in text and " " not in text:
        raise problem("invalid", "has neither T nor a space before the time", FORM)
    return f"{utc[:19]}Z"


def plain(number: float) -> str:
    """A number in plain decimal, without an exponent."""
    return str(number) if isinstance(number, int) else format(Decimal(repr(number)), "f")


class Moment(fields.String):
    """With its offset from UTC: 2026-01-31T12:00:00Z or 2026-01-31 14:00:00+02:00; fractions of a second are cut."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return moment(super()._deserialize(value, *rest, **more))


class Delivery(Moment):
    """With its offset from UTC, not before it is sent: 2026-01-31T12:00:00Z or 2026-01-31 14:00:00+02:00.

    The document says ISO 8601 and shows a space and no offset; what is sent is `YYYY-MM-DDTHH:MM:SSZ`.
    """

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return super()._deserialize(value, *rest, **more).replace(" ", "T")


class Day(fields.String):
    """A date without a time, as in 1990-01-31."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        try:
            return date.fromisoformat(super()._deserialize(value, *rest, **more)).isoformat()
        except ValueError:
            raise problem(
                "invalid", "is not a date that exists", "Write it as in 1990-01-31, without a time."
            ) from None


class Country(fields.String):
    """An ISO 3166 code of two letters, as in FR; sent in upper case."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        code = super()._deserialize(value, *rest, **more)
        if not TWO_LETTERS.fullmatch(code):
            raise problem("invalid", "is not a country's code", "Write two letters (ISO 3166), as in FR.")
        return code.upper()


class Language(fields.String):
    """An ISO 639 code of two letters, as in fr; sent in lower case."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        code = super()._deserialize(value, *rest, **more)
        if not TWO_LETTERS.fullmatch(code):
            raise problem("invalid", "is not a language's code", "Write two letters (ISO 639), as in fr.")
        return code.lower()


class Device(fields.String):
    """`ios` becomes `iphone`."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        said = super()._deserialize(value, *rest, **more)
        return "iphone" if said == "ios" else said


class Flag(fields.Boolean):
    """Without quotes: what people agreed to is not guessed."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise problem("invalid", "is neither true nor false", "Write true or false, without quotes.")
        return value


class Id(fields.Integer):
    """From 1: the number that Omnisense shows for it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is not int or value < 1:
            raise problem("invalid", "is not a whole number from 1", "Write the number that Omnisense shows.")
        return value


class Degrees(fields.Field[str]):
    """A number or its decimal text; sent as text, as in the document's example."""

    def __init__(self, most: int, **more: Any) -> None:
        super().__init__(metadata={"description": f"-{most} to {most}"}, **more)
        self._most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        text = plain(value) if type(value) in {int, float} and abs(value) <= self._most else value
        if not isinstance(text, str) or not DECIMAL.fullmatch(text) or Decimal(text).copy_abs() > self._most:
            raise problem("invalid", "is no number of degrees", f"Write -{self._most} to {self._most}, as in 42.69.")
        return text
