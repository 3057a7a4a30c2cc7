"""What Omnisense takes: the row of an import and the bodies of single calls, without keys.

Source: Omnisense API documentation v1.0, Basic API (User data, Actions / Events), Administrative API (Email API, Import
actions).
"""

from __future__ import annotations

import json
from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, post_load, validates_schema
from marshmallow.validate import OneOf

from tasks.omnisense.hashes import SCALARS, Metadata, Segments, Variables, as_text
from tasks.omnisense.recipients import One, Recipients
from tasks.omnisense.values import Country, Day, Degrees, Delivery, Device, Flag, Id, Language, Moment
from tasks.strict import JSON, Shape, Text, problem
from worker.operation import Limits

NEWSLETTER = Limits(rows=100_000, bytes=1 << 20, assumed=True)
KEYS = 4 << 10  # bytes that a request's keys may need beside its content


class Event(Shape):
    """A row of `POST /user_event/import`: `{"email", "date", "identifier", "segments"?}`."""

    email = fields.Email(required=True)
    date = Moment(required=True)
    identifier = Text(required=True)
    segments = Segments(allow_none=True)


class Action(Shape):
    """What happened, in the body of `POST /user_event`."""

    elsewhere = dict.fromkeys(("date", "email", "trid"), "Write it beside user_event.")
    identifier = Text(required=True)
    segments = Segments(allow_none=True)


class UserEvent(Shape):
    """`POST /user_event`: `{"email"?, "trid"?, "user_event", "date"?}`, one of the first two. With `email` and `date`,
    an event that leaves more than 5 minutes after its date goes as an import of one and keeps it.

    The platform itself takes no `date` there (events.py).
    """

    elsewhere = dict.fromkeys(("identifier", "segments"), "Write it into user_event.")
    email = fields.Email(allow_none=True)
    trid = Text(allow_none=True)
    user_event = fields.Nested(Action, required=True)
    date = Moment(allow_none=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _somebody(self, _row: JSON, original: JSON, **_: Any) -> None:
        if original.get("email") is None and original.get("trid") is None:
            raise ValidationError({"email": problem("missing", "and trid are missing", "Give one of them.").messages})


class User(Shape):
    """The `user` hash of a subscriber. A text may be empty: nobody says what that does, so it goes on as it is."""

    stray = "Write it into metadata, beside user, which takes any name."
    email = fields.Email(allow_none=True)
    fb_id = Text(allow_none=True)
    first_name = fields.String(allow_none=True)
    last_name = fields.String(allow_none=True)
    birthday = Day(allow_none=True)
    phone = fields.String(allow_none=True)
    address = fields.String(allow_none=True)
    city = fields.String(allow_none=True)
    postal_code = fields.String(allow_none=True)
    country = Country(allow_none=True)
    lang = Language(allow_none=True)
    sex = fields.String(validate=OneOf(("male", "female")), allow_none=True)
    optin = Flag(allow_none=True)
    optin_sms = Flag(allow_none=True)
    registered = Flag(allow_none=True)
    custom_event_date = Day(allow_none=True)
    company = fields.String(allow_none=True)


class Location(Shape):
    """Where somebody is: both or none."""

    latitude = Degrees(90, required=True)
    longitude = Degrees(180, required=True)


class Subscriber(Shape):
    """`POST /subscriber`: at least one of `user`, `trid` and `udid`, and what else is known."""

    elsewhere = dict.fromkeys(User().fields, "Write it into user.")
    stray = "Write it into metadata, which takes any name."
    udid = Text(allow_none=True)
    trid = Text(allow_none=True)
    user = fields.Nested(User, allow_none=True)
    platform = Device(validate=OneOf(("android", "iphone")), allow_none=True)
    token = Text(allow_none=True)
    location = fields.Nested(Location, allow_none=True)
    metadata = Metadata(allow_none=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _somebody(self, _row: JSON, original: JSON, **_: Any) -> None:
        nobody = original.get("trid") is None and original.get("udid") is None
        if nobody and _is_blank(original.get("user")):
            why = problem("missing", "is missing or empty, and so are trid and udid", "Give one of them.")
            raise ValidationError({"user": why.messages})


class SubscriberRow(Shape):
    """A row of `POST /subscriber/import`: `email`, and whatever else the columns say, as text. Of rows in JSON the
    first one's names are the columns.

    The document that lists the columns is lost, so they are the caller's, and their cells go on unchecked, as text:
    numbers in plain decimal, `true` and `false`, null as an empty cell.
    """

    class Meta:
        unknown = INCLUDE

    email = fields.Email(required=True)

    @post_load
    def _as_cells(self, row: JSON, **_: Any) -> JSON:
        wrong = {name: why.messages for name, value in row.items() if (why := _no_cell(name, value))}
        if wrong:
            raise ValidationError(wrong)
        return {name: as_text(value) for name, value in row.items() if value is not None}


class Letter(Shape):
    """The `newsletter` hash. Which of its fields the platform insists on is not said; without a template it has nothing
    to send."""

    stray = "Write it into variables if the template has it in brackets."
    newsletter_template_id = Id(required=True)
    sender_profile_id = Id(allow_none=True)
    title = Text(allow_none=True)
    delivery_time = Delivery(allow_none=True)
    is_transactional = Flag(allow_none=True)
    variables = Variables(allow_none=True)


class Newsletter(Shape):
    """`POST /newsletter`: `{"newsletter", "emails"}`; who has variables of their own, gets a request of
    their own, with all whose variables are equal."""

    elsewhere = dict.fromkeys(Letter().fields, "Write it into newsletter.")
    newsletter = fields.Nested(Letter, required=True)
    emails = Recipients(One(), required=True)

    @validates_schema
    def _fits(self, row: JSON, **_: Any) -> None:
        largest = max(map(_size, row["emails"]))
        if _size(row) - _size(row["emails"]) + largest > NEWSLETTER.bytes - KEYS:
            why = problem("too_large", "is larger than a request may be", "Shorten its title or variables.")
            raise ValidationError({"newsletter": why.messages})


def _no_cell(name: str, value: Any) -> ValidationError | None:
    if not name.strip() or not name.isprintable():
        return problem("name", "is no name of a column", "Name each column by a text that can be printed.")
    if type(value) not in SCALARS:
        return problem("nested", "holds a list or an object", "Give each column one string, number or boolean.")
    return None


def _is_blank(user: Any) -> bool:
    """Says nothing of anybody. What is no object at all is wrong in another way."""
    return user is None or (isinstance(user, dict) and all(value is None for value in user.values()))


def _size(content: Any) -> int:
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))
