"""One contact of a file: a flat row whose further columns are properties of the shop's own, or as the document has it.

A file says of many people at once what they agreed to, so a row that says `subscribed` has to bring the date of that:
an import dated today would win over everybody who has left since.
"""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, pre_load

from tasks.omnisend.shapes import SaveContact
from tasks.omnisend.values import StatusDate, written
from tasks.strict import JSON, Text, problem
from worker.facts.rows import Brief, Cells
from worker.orders.words import Option
from worker.sources.wanted import OptionWrong

DAY = len("2026-01-31")
NOT_IN_FILES = ("sendWelcomeEmail", "sendWelcomeMessage", "contactID")
CONSENT_DATE = Option(
    "consent_date",
    "text",
    "when those who are subscribed agreed to it, where their rows have no statusDate: the column that has it, or one "
    "date for the whole file; a date without a time is its first moment in UTC",
)
ADVICE = (
    "Give its statusDate, or say with --consent-date (the option consent_date) which column has the date, or one date "
    "for the whole file."
)
FORM = "Write it as in 2026-01-31, or 2026-01-31T14:00:00+02:00; without the offset, say --time-zone."


class Tags(fields.List[Any]):
    """A list of texts, or one text with commas between."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> list[Any]:
        given = [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value
        return super()._deserialize(given, *rest, **more)


class ImportedContact(SaveContact):
    """`email` or `phone`, `status` if wanted, and what else is known; every other column is a property of the shop's
    own, and an empty cell is a value not given. Or a contact as omnisend.save_contact takes it, with `identifiers`."""

    class Meta:
        exclude = ("sendWelcomeEmail",)

    elsewhere: ClassVar[Mapping[str, str]] = {
        **SaveContact.elsewhere,
        **dict.fromkeys(NOT_IN_FILES[:2], "Leave it out: only omnisend.save_contact welcomes."),
        "contactID": "Leave it out: a contact of a file is known by its e-mail address or telephone number.",
    }
    tags = Tags(Text(), allow_none=True)

    @pre_load
    def _gather(self, row: Any, **_: Any) -> Any:
        """What is no field of a flat row is a property."""
        if not isinstance(row, dict) or row.get("identifiers"):
            return row
        own = {name: value for name, value in row.items() if name not in FIELDS}
        if not own:
            return row
        given = row.get("customProperties") or {}
        if not isinstance(given, dict):
            return row
        said = {name: value for name, value in own.items() if value not in (None, "")}
        return {name: value for name, value in row.items() if name in FIELDS} | {"customProperties": {**said, **given}}


FIELDS = (*ImportedContact().load_fields, *NOT_IN_FILES)
EXAMPLE = """\
email,status,statusDate,firstName,tags,favoriteColor
vanessa.kensington@example.com,subscribed,2017-05-30T15:14:22Z,Vanessa,"source: shopify, vip",blue
austin.powers@example.com,nonSubscribed,,Austin,,
"""
CELLS = Cells(
    tuple(name for name in FIELDS if name not in ("identifiers", "customProperties")),
    rest="customProperties",
    moments=("statusDate", "createdAt"),
    example=EXAMPLE,
)


def look(options: Mapping[str, Any]) -> None:
    """Raise `OptionWrong` for a consent_date that no row could take."""
    said = options.get("consent_date")
    if said is None:
        return
    if not isinstance(said, str) or not said.strip():
        raise OptionWrong("consent_date", "consent_date names a column, or is a date like 2026-01-31.")
    try:
        if _read(said) is not None:
            _moment(said, options.get("time_zone"))
    except ValidationError as error:
        reason, advice = error.messages_dict["reason"], error.messages_dict["advice"]
        raise OptionWrong("consent_date", f"consent_date {reason}. {advice}") from None


def speaks_of(options: Mapping[str, Any]) -> dict[str, str]:
    """The column of the consent's date, where it is no date itself."""
    said = options.get("consent_date")
    return {} if said is None or _read(said) is not None else {"consent_date": said}


def fit(row: JSON, brief: Brief) -> JSON:
    """Every status with its date: that of the row, that of the consent, or of the moment the job was asked for."""
    consent, properties = _consent(row, brief)
    dated = [_dated(one, consent, brief) for one in row["identifiers"]]
    rest = {name: value for name, value in row.items() if name not in ("identifiers", "customProperties")}
    return {"identifiers": dated, **rest} | ({"customProperties": properties} if properties else {})


def _consent(row: JSON, brief: Brief) -> tuple[Any, JSON]:
    """The date of the consent as it stands where the job says, and the properties without it."""
    said, properties = brief.options.get("consent_date"), dict(row.get("customProperties", {}))
    if said is None or _read(said) is not None:
        return said, properties
    return properties.pop(said, None) or row.get(said), properties


def _dated(identifier: JSON, consent: Any, brief: Brief) -> JSON:
    own = (identifier.get("consent") or {}).get("createdAt") or consent
    channels = {name: _channel(said, own, brief) for name, said in identifier["channels"].items()}
    return {**identifier, "channels": channels}


def _channel(said: JSON, consent: Any, brief: Brief) -> JSON:
    if said.get("statusDate"):
        return said
    if said["status"] != "subscribed":
        return {**said, "statusDate": written(brief.asked_at)}
    if consent is None:
        wrong = problem("no_consent_date", "says subscribed without the date of that consent", ADVICE)
        raise ValidationError({"status": wrong.messages})
    try:
        return {**said, "statusDate": _moment(str(consent), brief.options.get("time_zone"))}
    except ValidationError as error:
        raise ValidationError({"consent_date": error.messages}) from None


def _read(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


@functools.lru_cache(maxsize=4096)
def _moment(text: str, zone: str | None) -> str:
    """The moment as Omnisend wants it. A clock that showed it twice in its zone means the earlier one: it is the one
    that an opt-out in between wins over."""
    moment = _read(text)
    if moment is None:
        raise problem("invalid", "is not a date that exists", FORM)
    if moment.tzinfo is None:
        if len(text.strip()) > DAY and zone is None:
            raise problem("naive", "does not say its offset from UTC", FORM)
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone) if zone else UTC)
    dated: str = StatusDate().deserialize(moment.isoformat())
    return dated
