"""Who gets a newsletter: each address once, with variables of its own where it has some."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from tasks.omnisense.hashes import Variables
from tasks.strict import JSON, Shape, problem

MOST_REASONS = 10


class Recipient(Shape):
    """In place of a plain address, for somebody whose variables are not everybody's."""

    email = fields.Email(required=True)
    variables = Variables(allow_none=True)


class One(fields.Field[str | JSON]):
    """An address, or `{"email", "variables"}` for somebody with variables of their own, which go over everybody's."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | JSON:
        if not isinstance(value, dict):
            return str(_recipient.fields["email"].deserialize(value))
        recipient: JSON = _recipient.load(value)
        return recipient if recipient.get("variables") else str(recipient["email"])


class Recipients(fields.List[str | JSON]):
    """Who stands there again, in whatever case, gets it once."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str | JSON]:  # type: ignore[override]
        if not isinstance(value, list):
            raise problem("invalid", "is not a list", "Write the addresses in brackets.")
        if not value:
            raise problem("empty", "is empty", "Give at least one address.")
        people: dict[str, str | JSON] = {}
        wrong = {place: why for place, why in self._taken_in(value, people) if why}
        if wrong:
            raise ValidationError(dict(list(wrong.items())[:MOST_REASONS]))
        return list(people.values())

    def _taken_in(self, value: list[Any], people: dict[str, str | JSON]) -> Iterator[tuple[int, Any]]:
        """Each place with what is wrong there, None for nothing; fills `people`, by address without case."""
        for place, one in enumerate(value):
            try:
                recipient = self.inner.deserialize(one)
            except ValidationError as error:
                yield place, error.messages
                continue
            known = people.setdefault(address(recipient).lower(), recipient)
            yield place, None if _alike(known, recipient) else _CONTRADICTS.messages


def address(recipient: str | JSON) -> str:
    return recipient if isinstance(recipient, str) else str(recipient["email"])


def variables(recipient: str | JSON, of_all: Mapping[str, Any]) -> JSON:
    """What fills the template for this one: everybody's variables, and over them the own ones."""
    return dict(of_all) if isinstance(recipient, str) else {**of_all, **recipient["variables"]}


def by_variables(recipients: list[str | JSON], of_all: JSON) -> Iterator[tuple[JSON, list[str]]]:
    """Groups of those who have equal variables, the first ones first: one request has one hash for all in it."""
    groups: dict[str, tuple[JSON, list[str]]] = {}
    for recipient in recipients:
        own = variables(recipient, of_all)
        groups.setdefault(_written(own), (own, []))[1].append(address(recipient))
    yield from groups.values()


_recipient = Recipient()


def _alike(one: str | JSON, other: str | JSON) -> bool:
    return one is other or _written(variables(one, {})) == _written(variables(other, {}))


def _written(hash_: JSON) -> str:
    """A form that is equal for equal ones only: 1 and true are not. It may hold what is refused later."""
    return json.dumps(hash_, sort_keys=True)


_CONTRADICTS = problem(
    "contradicts", "stands there twice, with different variables", "Give each address once, or write two newsletters."
)
