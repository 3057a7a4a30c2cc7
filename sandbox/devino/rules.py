"""What a value in a body has to be, put together from small rules; each refuses what is off with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.answer import Refusal
from sandbox.strict import known, mapping

Rule = Callable[[Any, str], None]
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", re.ASCII)
LINK = re.compile(r"https?://[^\s/]+\S*|\S*\$\{\S*")


def refuse(at: str, sentence: str) -> Refusal:
    return Refusal(422, f"{at} {sentence}", at)


def text(most: int | None = None) -> Rule:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, str) or not value.strip() or (most is not None and len(value) > most):
            raise refuse(at, f"has to be a text of 1 to {most or 'any number of'} characters.")

    return check


def word(*words: str) -> Rule:
    def check(value: Any, at: str) -> None:
        if value not in words:
            raise refuse(at, f"has to be one of {', '.join(words)}.")

    return check


def whole(least: int = 0, most: int | None = None) -> Rule:
    def check(value: Any, at: str) -> None:
        if type(value) is not int or value < least or (most is not None and value > most):
            raise refuse(at, f"has to be a whole number from {least} to {most or 'any'}.")

    return check


def flag(value: Any, at: str) -> None:
    if type(value) is not bool:
        raise refuse(at, "has to be true or false.")


def link(most: int | None = None) -> Rule:
    def check(value: Any, at: str) -> None:
        text(most)(value, at)
        if not LINK.fullmatch(value):
            raise refuse(at, "has to be an http or https address.")

    return check


def anything(_value: Any, _at: str) -> None:
    return


def string(value: Any, at: str) -> None:
    if not isinstance(value, str):
        raise refuse(at, "has to be a string.")


def moment(separator: str = " ") -> Rule:
    """A local date and time that exists, without a zone."""

    def check(value: Any, at: str) -> None:
        if not (isinstance(value, str) and MOMENT.fullmatch(value) and value[10] == separator and _exists(value)):
            raise refuse(at, f"has to be a moment written as YYYY-MM-DD{separator}HH:MM:SS.")

    return check


def several(rule: Rule) -> Rule:
    """A list that holds something."""

    def check(value: Any, at: str) -> None:
        if not isinstance(value, list) or not value:
            raise refuse(at, "has to be a list that is not empty.")
        for number, one in enumerate(value):
            rule(one, f"{at}[{number}]")

    return check


def named(rule: Rule) -> Rule:
    """An object whose names are the caller's."""

    def check(value: Any, at: str) -> None:
        for name, one in mapping(value, at).items():
            rule(one, f"{at}.{name}")

    return check


def record(needed: Mapping[str, Rule], further: Mapping[str, Rule]) -> Rule:
    """An object with the document's names alone."""

    def check(value: Any, at: str) -> None:
        content, rules = mapping(value, at), {**needed, **further}
        known(content, rules.keys(), at)
        for name in needed:
            if name not in content:
                raise refuse(f"{at}.{name}".lstrip("."), "is missing.")
        for name, one in content.items():
            rules[name](one, f"{at}.{name}".lstrip("."))

    return check


def _exists(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
