"""The file in which somebody describes a newsletter: TOML, and every mistake in it is named at once.

operation = "platform.send_something"
recipients = "segments/customers.csv"      # a file, a list, or a table (lists.py)
known = "export.csv"                       # all that the platform has, where it ignores the others
variables = ["promo_code"]                 # columns that fill the template
deliver_at = 2026-11-27T20:00:00           # or 20:00:00, the next time it is that late
window = "09:00-20:00"                     # nothing is delivered outside of it
time_zone = "Europe/Paris"

[payload]                                  # the request without its people
"""

from __future__ import annotations

import datetime as dt
import tomllib
import zoneinfo
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from worker.checking.reasons import reasons
from worker.newsletters.lists import Place
from worker.newsletters.window import Window, window
from worker.operation import JSON
from worker.orders.words import MARKETING, PURPOSES
from worker.sources.wanted import OptionWrong, wanted

LEAD, EXPIRES_AFTER = 15, 60  # minutes
NEEDED = ("name", "operation", "recipients", "payload")
Moment = dt.datetime | dt.time


class WrongDocument(Exception):
    """It can't be planned; the text says everything that is wrong, one a line."""


@dataclass(frozen=True)
class Document:
    """What somebody wrote. `lead` and `expires_after` are minutes: how long before its time the platform is told, and
    how long after its time nothing of it leaves any more."""

    name: str
    operation: str
    recipients: str | list[Any] | JSON = field(repr=False)
    payload: JSON = field(repr=False)
    account: str = "default"
    options: JSON = field(default_factory=dict)
    known: str | JSON | None = None
    variables: tuple[str, ...] = ()
    deliver_at: Moment | None = None
    window: str | None = None
    time_zone: str | None = None
    lead: int = LEAD
    expires_after: int = EXPIRES_AFTER
    purpose: str = MARKETING
    max_recipients: int | None = None

    @property
    def zone(self) -> dt.tzinfo:
        return zoneinfo.ZoneInfo(self.time_zone) if self.time_zone else dt.UTC

    @property
    def open(self) -> Window | None:
        """The hours in which it may be delivered; None for all."""
        return window(self.window, self.zone) if self.window else None

    def stored(self) -> JSON:
        """As JSON, from which `of` makes it again."""
        kept = {name: value for name, value in asdict(self).items() if value not in (None, {}, ())}
        return {**kept, **({"deliver_at": str(self.deliver_at)} if self.deliver_at else {})}


class _When(fields.Field[Moment]):
    """TOML's own date and time, or time; as text where a document was stored."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Moment:
        if isinstance(value, dt.datetime | dt.time):
            return value
        for read_ in (dt.time.fromisoformat, dt.datetime.fromisoformat):
            try:
                return read_(value)
            except (TypeError, ValueError):
                continue
        raise _problem("invalid", "is neither a date and time nor a time", "Write 2026-11-27T20:00:00, or 20:00:00.")


class _Shape(Schema):
    name = fields.String(required=True, validate=validate.Regexp(r"[\w.-]{1,80}\Z"))
    operation = fields.String(required=True)
    account = fields.String()
    recipients = Place(listed=True, required=True)
    payload = fields.Dict(keys=fields.String(), required=True)
    options = fields.Dict(keys=fields.String())
    known = Place()
    variables = fields.List(fields.String())
    deliver_at = _When()
    window = fields.String()
    time_zone = fields.String()
    lead = fields.Integer(strict=True, validate=validate.Range(0, 1440))
    expires_after = fields.Integer(strict=True, validate=validate.Range(1, 10_080))
    purpose = fields.String(validate=validate.OneOf(PURPOSES))
    max_recipients = fields.Integer(strict=True, validate=validate.Range(1))

    @validates_schema(skip_on_field_errors=False)
    def _belongs_together(self, said: JSON, **_: Any) -> None:
        problems = {name: wrong.messages for name, wrong in _problems(said)}
        if problems:
            raise ValidationError(problems)


def read(file: Path) -> Document:
    """Raises `WrongDocument`, and `OSError` for a file that can't be read."""
    return of(toml(file), str(file))


def toml(file: Path) -> JSON:
    """What the file says, under its name. Raises `WrongDocument` for what is no TOML, and `OSError`."""
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongDocument(f"{file} is not TOML: {error}.") from None
    return {"name": file.stem, **said}


def of(said: JSON, place: str) -> Document:
    """The document that was written, or stored. Raises `WrongDocument`."""
    found, wrong = draft(said)
    if found is None or wrong:
        raise WrongDocument(named(place, wrong))
    return found


def draft(said: JSON) -> tuple[Document | None, list[str]]:
    """As much of it as can be used, and a sentence for each mistake; None where too little can."""
    try:
        found: JSON = _Shape().load(said)
        wrong: list[str] = []
    except ValidationError as error:
        wrong = [f"{one.reason} {one.advice}".rstrip() for one in reasons(1, error.messages)]
        found = _usable(error)
    if not all(name in found for name in NEEDED):
        return None, wrong
    return Document(**{**found, "variables": tuple(found.get("variables", ()))}), wrong


def named(place: str, wrong: Sequence[str]) -> str:
    """All that is wrong, one a line."""
    return "\n".join([f"{place} can't be planned:", *(f"  {one}" for one in wrong)])


def _usable(error: ValidationError) -> JSON:
    """Without what is wrong, and without a moment whose zone is."""
    wrong = set(error.messages) if isinstance(error.messages, dict) else set()
    if "time_zone" in wrong:
        wrong |= {"deliver_at", "window"}
    valid = error.valid_data if isinstance(error.valid_data, dict) else {}
    return {name: value for name, value in valid.items() if name not in wrong}


def _problems(said: JSON) -> Any:
    zone, hours = said.get("time_zone"), said.get("window")
    naive = [name for name in ("deliver_at", "window") if name in said and not getattr(said[name], "tzinfo", None)]
    if zone is not None and zone not in zoneinfo.available_timezones():
        yield "time_zone", _problem("unknown", "is no time zone", "Name one like Europe/Paris.")
    if naive and zone is None:
        yield (
            "time_zone",
            _problem("missing", f"is missing, and {naive[0]} has no offset", "Name one like Europe/Paris."),
        )
    if hours is not None and window(hours, dt.UTC) is None:
        yield "window", _problem("invalid", "is no part of a day", "Write it like 09:00-20:00.")
    try:
        wanted(said.get("options", {}))
    except (OptionWrong, AttributeError) as error:
        yield "options", _problem("invalid", f"is wrong ({str(error).rstrip('.')})", "See docs/tasks.md.")


def _problem(code: str, reason: str, advice: str) -> ValidationError:
    return ValidationError({"code": code, "reason": reason, "advice": advice})
