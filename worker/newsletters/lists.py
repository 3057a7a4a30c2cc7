"""Where the people of a newsletter stand: in a file, in the document itself, or in what a sync took.

recipients = "people.csv"
recipients = ["foo@bar.com"]
recipients = { file = "people.csv", where = { segment = "vip" } }
recipients = { schedule = "nightly-subscribers", where = { segment = ["vip", "gold"] }, max_age = 36 }
recipients = { job = "…" }
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from worker.operation import JSON

A_NIGHT = 24  # hours
PLACES = ("file", "schedule", "job")
PLAIN = (str, int, float, bool)
SOMEBODYS = re.compile(r"\d{6}")


@dataclass(frozen=True)
class Stands:
    """A file; or the file of a `job`, or of the last job of a `schedule`, which took it at most `max_age` hours ago. Of
    its rows those that have one of the values in each column of `where`."""

    file: str | None = None
    schedule: str | None = None
    job: str | None = None
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    max_age: int = A_NIGHT

    @property
    def wish(self) -> str:
        """`where` as people read it."""
        return " and ".join(
            f"{name} = {' or '.join(sorted(map(_shown, values)))}" for name, values in self.where.items()
        )

    def wants(self, row: JSON) -> bool:
        return all(as_text(row.get(name)) in values for name, values in self.where.items())


class _Where(fields.Field[Mapping[str, frozenset[str]]]):
    """Columns, each with a value or a list of values."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, frozenset[str]]:
        if not isinstance(value, dict) or not value:
            raise _wrong("invalid", "is no table of columns with their values", 'Write { segment = "vip" }.')
        many = {name: given if isinstance(given, list) else [given] for name, given in value.items()}
        for name, values in many.items():
            if not values or not all(isinstance(one, PLAIN) for one in values):
                raise _wrong(
                    "invalid", f"has no plain value for {name}", "Write a text or a number, or a list of them."
                )
        return {name: frozenset(map(as_text, values)) for name, values in many.items()}


class _Table(Schema):
    file = fields.String(validate=validate.Length(1))
    schedule = fields.String(validate=validate.Length(1))
    job = fields.String(validate=validate.Length(1))
    where = _Where()
    max_age = fields.Integer(strict=True, validate=validate.Range(1, 8760))

    @validates_schema
    def _one_place(self, said: JSON, **_: Any) -> None:
        if len([name for name in PLACES if name in said]) != 1:
            raise _wrong("invalid", "names no one place", "Give exactly one of file, schedule and job.")
        if "file" in said and "max_age" in said:
            raise ValidationError({"max_age": _wrong("invalid", "is of a schedule or a job", "Leave it out.").messages})

    @post_load
    def _stands(self, said: JSON, **_: Any) -> Stands:
        return Stands(**said)


class Place(fields.Field[Any]):
    """A file's name, or a table; kept as it was written, so that it can be stored. A `listed` one may be a list too."""

    def __init__(self, *, listed: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self._listed = listed

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if isinstance(value, dict):
            _Table().load(value)
        elif not (isinstance(value, str | list if self._listed else str) and value):
            kinds = "a file nor a list of people" if self._listed else "a file nor a table that names one"
            raise _wrong("invalid", f"is neither {kinds}", "Give one of them.")
        return value


def stands(value: str | JSON) -> Stands:
    """Of what a document says, which was looked at when it was read."""
    if isinstance(value, str):
        return Stands(file=value)
    found: Stands = _Table().load(value)
    return found


def as_text(value: Any) -> str:
    """A value as a cell of CSV would hold it; empty for what fits into none."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, PLAIN) else ""


def _shown(value: str) -> str:
    """What may be somebody's address or number is not shown."""
    return "…" if "@" in value or SOMEBODYS.search(value) else value


def _wrong(code: str, reason: str, advice: str) -> ValidationError:
    return ValidationError({"code": code, "reason": reason, "advice": advice})
