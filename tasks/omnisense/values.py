"""What Omnisense takes: the row of an import and the body of a single user event.

Source: Omnisense API documentation v1.0, Basic API (Actions / Events), Administrative API (Import actions).

An optional field that is null counts as left out: exports write null for what they don't have. Strings and numbers
go on unchanged; only dates are rewritten, to the one form that the platform's document shows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

JSON = dict[str, Any]
SCALARS = frozenset({str, int, float, bool, type(None)})

FORM = "Write date, time and offset from UTC, as in 2026-01-31 14:00:00+02:00 or 2026-01-31T12:00:00Z."


def moment(text: str) -> str:
    """A date and time with its offset, in any ISO 8601 form with T or a space, as `YYYY-MM-DD HH:MM:SSZ` in UTC.

    Fractions of a second are cut. Raises `ValidationError` with the code `naive` or `invalid`.
    """
    try:
        when = datetime.fromisoformat(text)
        utc = when.astimezone(UTC).isoformat(" ", "seconds") if when.tzinfo else None
    except (ValueError, OverflowError):
        raise _problem("invalid", "is not a date and time that exists", FORM) from None
    if utc is None:
        raise _problem("naive", "does not say its offset from UTC", FORM)
    if "T" not in text and " " not in text:
        raise _problem("invalid", "has neither T nor a space before the time", FORM)
    return f"{utc[:19]}Z"


class Text(fields.String):
    """Not empty, nor only white space."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        if not text.strip():
            raise _problem("empty", "is empty", "Give it a value.")
        return text


class Moment(fields.String):
    """With its offset from UTC: 2026-01-31T12:00:00Z or 2026-01-31 14:00:00+02:00; fractions of a second are cut."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return moment(super()._deserialize(value, *rest, **more))


class Segments(fields.Dict):
    """Names with plain values: text, numbers, true, false or null; they go on unchanged."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> JSON:
        if not isinstance(value, dict):
            raise _problem("invalid", "is not an object", "Write names with plain values in braces.")
        if not SCALARS.issuperset(map(type, value.values())):
            raise _problem("nested", "holds a list or an object", "Give each segment one string, number or boolean.")
        return value


class _Shape(Schema):
    @post_load
    def _leave_out_nulls(self, row: JSON, **_: Any) -> JSON:
        return {name: value for name, value in row.items() if value is not None}


class Event(_Shape):
    """A row of `POST /user_event/import`: `{"email", "date", "identifier", "segments"?}`."""

    email = fields.Email(required=True)
    date = Moment(required=True)
    identifier = Text(required=True)
    segments = Segments(allow_none=True)


class Action(_Shape):
    """What happened, in the body of `POST /user_event`."""

    identifier = Text(required=True)
    segments = Segments(allow_none=True)


class UserEvent(_Shape):
    """The body of `POST /user_event`, without its key: `{"email"?, "trid"?, "user_event"}`, one of the first two."""

    email = fields.Email(allow_none=True)
    trid = Text(allow_none=True)
    user_event = fields.Nested(Action, required=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _somebody(self, _row: JSON, original: JSON, **_: Any) -> None:
        if original.get("email") is None and original.get("trid") is None:
            raise ValidationError({"email": _problem("missing", "and trid are missing", "Give one of them.").messages})


def _problem(code: str, reason: str, advice: str) -> ValidationError:
    return ValidationError({"code": code, "reason": reason, "advice": advice})
