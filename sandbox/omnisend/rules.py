"""What Omnisend's document allows in a contact; whatever else is refused, with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sandbox.answer import Refusal
from sandbox.strict import JSON, known, mapping, text

TEXTS = frozenset({"firstName", "lastName", "country", "state", "city", "address", "postalCode"})
PROFILE = TEXTS | {"createdAt", "tags", "countryCode", "gender", "birthdate", "customProperties"}
IDENTIFIER = frozenset({"id", "type", "source", "consent", "channels"})
CONSENT = frozenset({"source", "createdAt", "ip", "userAgent"})
CHANNEL = frozenset({"status", "statusDate"})
STATUSES = frozenset({"subscribed", "unsubscribed", "nonSubscribed"})
CHANNEL_OF = {"email": "email", "phone": "sms"}

IDS = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "phone": re.compile(r"\+[0-9]{7,15}")}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
COUNTRY = re.compile(r"[A-Z]{2}")
PROPERTY = re.compile(r"[A-Za-z0-9_]{1,128}")
LONGEST = 2048


def check(contact: JSON, further: frozenset[str] = frozenset()) -> None:
    """A contact as it may be posted or patched; `further` are fields that this request may have besides."""
    known(contact, PROFILE | {"identifiers"} | further, "")
    if "identifiers" in contact:
        _check_identifiers(contact["identifiers"])
    for name in contact.keys() & PROFILE:
        right, what = RULES[name]
        if not right(contact[name]):
            raise Refusal(422, f"{name} has to be {what}.", name)
    for name, value in contact.get("customProperties", {}).items():
        _check_property(name, value)


def moment(value: str) -> datetime:
    """The moment that a date of the document's form names."""
    return datetime.fromisoformat(value)


def _check_identifiers(identifiers: Any) -> None:
    if not isinstance(identifiers, list) or not identifiers:
        raise Refusal(422, "identifiers has to be a list with something in it.", "identifiers")
    for index, identifier in enumerate(identifiers):
        _check_identifier(mapping(identifier, f"identifiers[{index}]"), f"identifiers[{index}]")


def _check_identifier(identifier: JSON, at: str) -> None:
    known(identifier, IDENTIFIER, at)
    kind = text(identifier, "type", f"{at}.")
    if kind not in CHANNEL_OF:
        raise Refusal(422, "type has to be email or phone.", f"{at}.type")
    if not IDS[kind].fullmatch(text(identifier, "id", f"{at}.")):
        raise Refusal(422, f"id has to be of type {kind}.", f"{at}.id")
    if not isinstance(identifier.get("source", ""), str):
        raise Refusal(422, "source has to be a string.", f"{at}.source")
    _check_consent(mapping(identifier.get("consent", {}), f"{at}.consent"), f"{at}.consent")
    channels = mapping(identifier.get("channels"), f"{at}.channels")
    if channels.keys() != {CHANNEL_OF[kind]}:
        raise Refusal(422, f"channels has to have {CHANNEL_OF[kind]} alone.", f"{at}.channels")
    for name, channel in channels.items():
        _check_channel(mapping(channel, f"{at}.channels.{name}"), f"{at}.channels.{name}")


def _check_consent(consent: JSON, at: str) -> None:
    known(consent, CONSENT, at)
    if not all(isinstance(value, str) for value in consent.values()):
        raise Refusal(422, "consent has to consist of strings.", at)
    if not _is_moment(consent.get("createdAt", "2017-05-30T15:14:22Z")):
        raise Refusal(422, "createdAt has to be a moment in ISO 8601.", f"{at}.createdAt")


def _check_channel(channel: JSON, at: str) -> None:
    known(channel, CHANNEL, at)
    if channel.get("status", "subscribed") not in STATUSES:
        raise Refusal(422, f"status has to be one of {', '.join(sorted(STATUSES))}.", f"{at}.status")
    if "statusDate" in channel and not _is_moment(channel["statusDate"]):
        raise Refusal(422, "statusDate has to be a moment in ISO 8601.", f"{at}.statusDate")


def _check_property(name: str, value: Any) -> None:
    at = f"customProperties.{name}"
    if not PROPERTY.fullmatch(name):
        raise Refusal(422, "The name of a custom property has Latin letters, numbers and _, at most 128.", at)
    if isinstance(value, dict) or (isinstance(value, list) and not _is_texts(value)):
        raise Refusal(422, "A custom property is a number, a boolean, a string, a date or a list of strings.", at)
    if any(len(one) > LONGEST for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)):
        raise Refusal(422, f"A string of a custom property has at most {LONGEST} characters.", at)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and bool(MOMENT.fullmatch(value)) and _exists(datetime.fromisoformat, value)


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and bool(DAY.fullmatch(value)) and _exists(date.fromisoformat, value)


def _exists(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True


RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(TEXTS, (_is_text, "a string")),
    "createdAt": (_is_moment, "a moment in ISO 8601"),
    "tags": (_is_texts, "a list of strings"),
    "countryCode": (lambda v: isinstance(v, str) and bool(COUNTRY.fullmatch(v)), "an ISO code of 2 characters"),
    "gender": (lambda v: v in ("m", "f"), "m or f"),
    "birthdate": (_is_day, "a date like 1981-11-05"),
    "customProperties": (lambda v: isinstance(v, dict), "an object"),
}
