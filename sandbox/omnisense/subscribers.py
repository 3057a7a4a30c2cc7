"""`POST /subscriber`, and who is known since it was called."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from sandbox.answer import Refusal
from sandbox.omnisense.values import COUNTRY, DAY, LANGUAGE, is_address, is_degrees, is_moment, plain_hash
from sandbox.strict import JSON, known, mapping, text

SAVED = frozenset({"api_key", "udid", "trid", "user", "platform", "token", "location", "metadata"})
EMAIL = "email "
HASHES = ("user", "metadata", "columns")
TRID_BYTES = 13  # 26 hexadecimal digits, as in the document's examples
Check = tuple[Callable[[Any], bool], str]
STRING: Check = (lambda v: isinstance(v, str), "a string")
BOOLEAN: Check = (lambda v: isinstance(v, bool), "a boolean")
DATE: Check = (lambda v: is_moment(v, DAY), "a date written as YYYY-MM-DD")
USER: Mapping[str, Check] = {
    "email": (is_address, "an address"),
    "fb_id": STRING,
    "first_name": STRING,
    "last_name": STRING,
    "birthday": DATE,
    "phone": STRING,
    "address": STRING,
    "city": STRING,
    "postal_code": STRING,
    "country": (lambda v: isinstance(v, str) and COUNTRY.fullmatch(v) is not None, "an ISO 3166 code"),
    "lang": (lambda v: isinstance(v, str) and LANGUAGE.fullmatch(v) is not None, "an ISO 639 code"),
    "sex": (lambda v: v in ("male", "female"), "one of male, female"),
    "optin": BOOLEAN,
    "optin_sms": BOOLEAN,
    "registered": BOOLEAN,
    "custom_event_date": DATE,
    "company": STRING,
}


def subscriber(content: JSON) -> JSON:
    """The body of `/subscriber` without its key."""
    known(content, SAVED, "")
    if not any(content.get(name) for name in ("udid", "trid", "user")):
        raise Refusal(422, "One of udid, trid and user has to be set.", "user")
    _check_user(mapping(content.get("user", {}), "user"))
    for name in {"udid", "trid", "token"} & content.keys():
        text(content, name, "")
    if content.get("platform", "android") not in ("android", "iphone"):
        raise Refusal(422, "platform has to be one of android, iphone.", "platform")
    _check_location(content)
    plain_hash(content, "metadata", "", {str})
    return {name: value for name, value in content.items() if name != "api_key"}


def trid_of(whom: str) -> str:
    """The id that the platform gives to somebody it sees for the first time."""
    return blake2b(whom.encode(errors="surrogatepass"), digest_size=TRID_BYTES).hexdigest()


class Subscribers:
    """Everybody saved, found by trid, e-mail (in any case) or udid; a later save is laid over the earlier ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._people: dict[str, JSON] = {}

    def save(self, said: JSON) -> str:
        """The trid of this person."""
        with self._lock:
            before: JSON = next(filter(None, (self._people.get(key) for key in _keys(said))), {})
            now = _over(before, said)
            for key in _keys(before):
                self._people.pop(key, None)
            self._people.update(dict.fromkeys(_keys(now), now))
            return str(now["trid"])

    def take(self, cells: JSON) -> None:
        """A row of an import: it is kept apart from what was saved, as `columns`, and counted, `times`."""
        self.save({"user": {"email": cells["email"]}, "columns": cells, "times": 1})

    def imported(self) -> list[JSON]:
        """Everybody of whom an import spoke."""
        with self._lock:
            return [who for key, who in self._people.items() if key.startswith(EMAIL) and "times" in who]

    def find(self, whom: str) -> JSON | None:
        """By address, trid or udid."""
        said = {"trid": whom, "udid": whom, "user": {"email": whom}}
        with self._lock:
            return next(filter(None, map(self._people.get, _keys(said))), None)

    def reached(self, emails: list[str], transactional: bool) -> list[str]:
        """Those of `emails` who are found and, unless it is transactional, have not taken their opt-in back."""
        with self._lock:
            found = [(email, self._people.get(_email(email))) for email in emails]
        return [email for email, who in found if who and (transactional or who["user"].get("optin") is not False)]


def _over(before: JSON, said: JSON) -> JSON:
    """What is known now: of the hashes each name, how many times in all, of everything else what was said last."""
    hashes: JSON = {part: {**before.get(part, {}), **said[part]} for part in HASHES if part in said}
    times = {"times": before.get("times", 0) + said["times"]} if "times" in said else {}
    now: JSON = {**before, **said, **hashes, **times}
    return {**now, "trid": now.get("trid") or trid_of(_name(now))}


def _keys(content: JSON) -> list[str]:
    email = content.get("user", {}).get("email")
    ids = [f"{name} {content[name]}" for name in ("trid", "udid") if content.get(name)]
    return [*ids, _email(email)] if email else ids


def _email(email: str) -> str:
    return f"{EMAIL}{email.lower()}"


def _name(content: JSON) -> str:
    """What this person is called where no trid was given."""
    return content.get("user", {}).get("email") or content.get("udid") or json.dumps(content["user"], sort_keys=True)


def _check_user(user: JSON) -> None:
    known(user, USER.keys(), "user")
    for name, value in user.items():
        good, right = USER[name]
        if not good(value):
            raise Refusal(422, f"{name} has to be {right}.", f"user.{name}")


def _check_location(content: JSON) -> None:
    if "location" not in content:
        return
    location = mapping(content["location"], "location")
    known(location, {"latitude", "longitude"}, "location")
    if not is_degrees(location.get("latitude"), 90) or not is_degrees(location.get("longitude"), 180):
        raise Refusal(422, "location has to hold latitude and longitude in degrees, as strings.", "location")
