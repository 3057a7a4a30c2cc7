"""The single values that Omnisend takes, and what each is refused for.

Source: Omnisend API v3, "Contacts". What is rewritten, is rewritten to the one form that this document shows;
a value in that form stays as it is. Addresses and numbers are made alike on every path, because Omnisend takes
`Ann@Example.com` for somebody else than `ann@example.com`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from marshmallow import fields

from tasks.strict import Text, problem

SPACING = re.compile(r"[\s().\-\u2010-\u2015]")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
TWO_LETTERS = re.compile(r"[A-Za-z]{2}")
CLOCKS_DIFFER = timedelta(minutes=5)
PATHS_OWN = {".", ".."}

FORM = "Write date, time and offset from UTC, as in 2026-01-31T14:00:00+02:00 or 2026-01-31T12:00:00Z."


def written(moment: datetime) -> str:
    """A moment as the document writes it, `2017-05-30T15:14:22Z`; with milliseconds where it has any, because the
    later of two statuses wins."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds") + "Z"


class Address(fields.Email):
    """Made small letters, without white space around it."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return super()._deserialize(value, *rest, **more).strip().lower()


class Phone(fields.String):
    """A number with its country's code, as in +443031237300; spaces, brackets, dots and hyphens are taken out."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        number = SPACING.sub("", super()._deserialize(value, *rest, **more))
        if not NUMBER.fullmatch(number):
            raise problem(
                "invalid", "is not a telephone number", "Write + and the country's code, as in +443031237300."
            )
        return number


class Id(Text):
    """As the platform gave it."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        if text in PATHS_OWN:  # no way to write it in a path that would not mean the folder itself
            raise problem("invalid", "is not an id", "Give the contactID that Omnisend answered.")
        return text


class OneOf(fields.String):
    """In capital letters or small ones."""

    def __init__(self, *words: str, about: str = "", **more: Any) -> None:
        choice = "one of " + ", ".join(f"`{word}`" for word in words)
        super().__init__(metadata={"description": f"{choice}; {about}" if about else choice}, **more)
        self._words = {word.lower(): word for word in words}

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        word = super()._deserialize(value, *rest, **more).strip().lower()
        if word not in self._words:
            *most, last = self._words.values()
            raise problem("invalid", "is not one of its values", f"Write {', '.join(most)} or {last}.")
        return self._words[word]


class Flag(fields.Boolean):
    """Without quotes."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise problem("invalid", "is not true or false", "Write true or false, without quotes.")
        return value


class Moment(fields.String):
    """With its offset from UTC: 2026-01-31T12:00:00Z or 2026-01-31T14:00:00+02:00."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        moment = self._moment(super()._deserialize(value, *rest, **more))
        try:
            return written(moment)
        except OverflowError:
            raise problem("invalid", "is not a date and time that exists", FORM) from None

    def _moment(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise problem("invalid", "is not a date and time that exists", FORM) from None
        if moment.tzinfo is None:
            raise problem("naive", "does not say its offset from UTC", FORM)
        return moment


class StatusDate(Moment):
    """The moment of the status, with its offset from UTC. The later one wins; if not given, it is the moment at which
    the call was asked for."""

    def _moment(self, text: str) -> datetime:
        moment = super()._moment(text)
        if moment > datetime.now(UTC) + CLOCKS_DIFFER:
            raise problem(
                "future",
                "lies in the future, and no later status would count until then",
                "Give the moment it changed.",
            )
        return moment


class Day(fields.String):
    """A date as in 1981-11-05."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        try:
            exists = date.fromisoformat(text).isoformat() == text
        except ValueError:
            exists = False
        if not exists:
            raise problem("invalid", "is not a date that exists", "Write it as in 1981-11-05, without a time.")
        return text


class Country(fields.String):
    """An ISO 3166 code of two letters, made capitals."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        code = super()._deserialize(value, *rest, **more)
        if not TWO_LETTERS.fullmatch(code):
            raise problem("invalid", "is not a country's code", "Write two letters (ISO 3166), as in GB.")
        return code.upper()
