"""Omnisense, as its API documentation v1.0 describes it.

The document names no success body, no error and no limit. So: `/user_event` answers a `trid` ("returned by the API
after each call"), the import answers 200 and nothing, refusals are 401 and 422 with a sentence, and 500 events or
1 MiB a request are the most, which is an assumption of this sandbox. Segments may be left out; nothing calls them
mandatory. The list of an import goes under `user_events`, as the document's example has it; its table calls the
same list `user_segments`, which is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sandbox.answer import Answer, Refusal, json_answer
from sandbox.request import Request
from sandbox.role import Reply
from sandbox.strict import JSON, json_object, known, mapping, text
from sandbox.tally import identity

TRACKED = frozenset({"api_key", "trid", "email", "user_event"})
USER_EVENT = frozenset({"identifier", "segments"})
IMPORT = frozenset({"master_key", "admin", "user_events"})
ADMIN = frozenset({"email", "token"})
ACTION = frozenset({"email", "date", "identifier", "segments"})

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", re.ASCII)
PLAIN = frozenset({str, int, float, bool, type(None)})
TRID_BYTES = 13  # 26 hexadecimal digits, as in the document's examples


@dataclass(frozen=True)
class Omnisense:
    """One instance with its credentials."""

    api_key: str = field(default="sandbox-api-key", repr=False)
    master_key: str = field(default="sandbox-master-key", repr=False)
    admin_email: str = field(default="admin@sandbox.test", repr=False)
    admin_token: str = field(default="sandbox-token", repr=False)
    title: str = "Omnisense"
    prefix: str = "/api/v1"
    most_bytes: int = 1 << 20
    most_events: int = 500

    def handle(self, request: Request) -> Reply:
        routes = {f"{self.prefix}/user_event": self._user_event, f"{self.prefix}/user_event/import": self._import}
        route = routes.get(request.head.path)
        if not route:
            raise Refusal(404, "The document has no such path.")
        if request.head.method != "POST":
            raise Refusal(405, "This path takes POST.", headers={"Allow": "POST"})
        if request.head.query:
            raise Refusal(400, "The document has no query parameters.")
        return route(json_object(request))

    def identity(self, event: Any, at: str) -> int:
        """Of one element of `user_events`, or of the body of `/user_event` without its key."""
        if isinstance(event, dict) and "user_event" in event:
            return _identity(_tracked(event), at)
        return _identity(_action(event, at), at)

    def environment(self, url: str) -> dict[str, str]:
        return {
            "OMNISENSE_BASE_URL": url,
            "OMNISENSE_API_KEY": self.api_key,
            "OMNISENSE_MASTER_KEY": self.master_key,
            "OMNISENSE_ADMIN_EMAIL": self.admin_email,
            "OMNISENSE_ADMIN_TOKEN": self.admin_token,
        }

    def _user_event(self, content: JSON) -> Reply:
        """Actions / Events: `POST /user_event`."""
        if content.get("api_key") != self.api_key:
            raise Refusal(401, "The api_key is not known.")
        event = _tracked(content)
        taken = _identity(event, "")
        trid = event["trid"] or blake2b(event["email"].encode(), digest_size=TRID_BYTES).hexdigest()
        return Reply(json_answer(200, {"trid": trid}), (taken,))

    def _import(self, content: JSON) -> Reply:
        """Import actions: `POST /user_event/import`."""
        self._check_admin(content)
        known(content, IMPORT, "")
        events = content.get("user_events")
        if not isinstance(events, list) or not 0 < len(events) <= self.most_events:
            raise Refusal(422, f"user_events has to be a list of 1 to {self.most_events} events.", "user_events")
        places = (f"user_events[{index}]" for index in range(len(events)))
        actions = (_identity(_action(event, at), at) for event, at in zip(events, places, strict=True))
        return Reply(Answer(200), tuple(actions))

    def _check_admin(self, content: JSON) -> None:
        admin = content.get("admin")
        given = (content.get("master_key"), *(map(admin.get, ("email", "token")) if isinstance(admin, dict) else ()))
        if given != (self.master_key, self.admin_email, self.admin_token):
            raise Refusal(401, "master_key, admin.email and admin.token don't belong together.")
        known(mapping(admin, "admin"), ADMIN, "admin")


def _tracked(content: JSON) -> JSON:
    """The event of a `/user_event` body, as it is counted."""
    known(content, TRACKED, "")
    if "trid" not in content and "email" not in content:
        raise Refusal(422, "trid is mandatory if email is not set.", "trid")
    event = mapping(content.get("user_event"), "user_event")
    known(event, USER_EVENT, "user_event")
    return {
        "trid": text(content, "trid", "") if "trid" in content else None,
        "email": _email(content, "") if "email" in content else None,
        "identifier": text(event, "identifier", "user_event."),
        "segments": _segments(event, "user_event."),
    }


def _action(content: Any, at: str) -> JSON:
    """One element of `user_events`, as it is counted."""
    action = mapping(content, at)
    known(action, ACTION, at)
    inside = f"{at}."
    return {
        "email": _email(action, inside),
        "date": _date(action, inside),
        "identifier": text(action, "identifier", inside),
        "segments": _segments(action, inside),
    }


def _identity(event: JSON, at: str) -> int:
    try:
        return identity(event["email"] or event["trid"], event)
    except ValueError as error:
        raise Refusal(422, "It holds text that is no Unicode, or a number that JSON has no form for.", at) from error


def _email(content: JSON, at: str) -> str:
    email = text(content, "email", at)
    if not EMAIL.fullmatch(email):
        raise Refusal(422, "email has to be an address.", f"{at}email")
    return email


def _date(content: JSON, at: str) -> str:
    date = text(content, "date", at)
    if not (DATE.fullmatch(date) and _exists(date)):
        raise Refusal(422, "date has to be a moment written as YYYY-MM-DD HH:MM:SSZ.", f"{at}date")
    return date


def _exists(date: str) -> bool:
    try:
        datetime.fromisoformat(date)
    except ValueError:
        return False
    return True


def _segments(content: JSON, at: str) -> JSON:
    segments = mapping(content.get("segments", {}), f"{at}segments")
    if PLAIN.issuperset(map(type, segments.values())):
        return segments
    nested = next(key for key, value in segments.items() if type(value) not in PLAIN)
    raise Refusal(422, "A segment has to be a plain value.", f"{at}segments.{nested}")
