"""Omnisend's contacts, as its API documentation v3 and its OpenAPI description have them; OAuth and version 4 stand in
grants.py and version4.py.

Saving is an upsert by identifier; an identifier of another contact is ignored. A status with a date earlier than that
in the system changes nothing; one without a date is of now. 400 calls a minute are taken, counted on arrival; each
answer says what is left in `X-Rate-Limit-…`, and no document promises a `Retry-After`. The older form of a contact,
with `email` and `status` beside its name, is not played. The contact of the description's example is there from the
beginning, so that its id can be asked for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.answer import Answer, Refusal
from sandbox.omnisend import requests, version4
from sandbox.omnisend.batches import Batches
from sandbox.omnisend.contacts import Contacts
from sandbox.omnisend.grants import Grants
from sandbox.omnisend.rules import check
from sandbox.request import Request
from sandbox.role import Reply
from sandbox.strict import JSON
from sandbox.window import Window

FIRST_ID = "79enkpRa3GzzNRgOtvkjNvYbxwf"
FIRST_AT = datetime(2016, 2, 28, 21, 19, 19, tzinfo=UTC)
FIRST: JSON = {
    "identifiers": [
        {
            "type": "email",
            "id": "austin.powers@example.com",
            "channels": {"email": {"status": "subscribed", "statusDate": "2016-02-01T10:07:28Z"}},
        },
        {
            "type": "phone",
            "id": "+443031237300",
            "channels": {"sms": {"status": "nonSubscribed", "statusDate": "2016-02-01T10:07:28Z"}},
        },
    ],
    "firstName": "Austin",
    "tags": ["spy", "gadgets", "source: shopify"],
    "customProperties": {"hobbies": "spying", "pets": ["dog", "cat"]},
}
CALLS, SECONDS = 400, 60.0


def _contacts() -> Contacts:
    contacts = Contacts()
    contacts.save(FIRST, FIRST_AT, FIRST_ID)
    return contacts


@dataclass(frozen=True)
class Omnisend:
    """One store with its key."""

    api_key: str = field(default="sandbox-omnisend-key", repr=False)
    title: str = "Omnisend"
    prefix: str = "/v3"
    also: tuple[str, ...] = (version4.PREFIX, "/oauth2")
    most_bytes: int = 1 << 20
    contacts: Contacts = field(default_factory=_contacts, repr=False)
    window: Window = field(default_factory=lambda: Window(CALLS, SECONDS), repr=False)
    grants: Grants = field(default_factory=Grants, repr=False)
    batches: Batches = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "batches", Batches(self._post))

    def handle(self, request: Request) -> Reply:
        path, headers = request.head.path, request.head.headers
        if path.startswith("/oauth2/"):
            return self.grants.reply(request)
        is_v4 = path.startswith(f"{version4.PREFIX}/")
        let_in = self.grants.knows(headers.get("Authorization")) if is_v4 else headers.get("X-API-KEY") == self.api_key
        if not let_in or (is_v4 and "X-API-KEY" in headers):
            raise Refusal(401, "Unauthorized - authorization error (invalid basic auth data or API key)")
        try:
            self._let_in()
            reply = self._reply(request, is_v4)
        except Refusal as refusal:
            refusal.answer = self._counted(_in_their_form(refusal.answer))
            raise
        return replace(reply, answer=self._counted(reply.answer))

    def _reply(self, request: Request, is_v4: bool) -> Reply:
        if is_v4:
            return version4.reply(self.contacts, request)
        return requests.reply(self.contacts, self.batches, request)

    def identity(self, event: Any, at: str) -> int:
        return requests.welcomed(event, at)

    def environment(self, url: str) -> dict[str, str]:
        base = url.removesuffix(self.prefix)
        application = {"CLIENT_ID": self.grants.client_id, "CLIENT_SECRET": self.grants.client_secret}
        told = {"BASE_URL": base, "API_KEY": self.api_key, "OAUTH_URL": base, **application}
        return {f"OMNISEND_{name}": value for name, value in told.items()}

    def state(self, query: Mapping[str, str]) -> Any:
        """The contacts as they are now, or the one with this `contactID`, `email` or `phone`; the window's counts. With
        `of=times` how often each contact was worked through in batches."""
        if query.get("of") == "times":
            return self.batches.times()
        asked = next((name for name in ("contactID", "email", "phone") if query.get(name)), None)
        if asked is None:
            found = list(self.contacts.after(None))
        else:
            get = self.contacts.get
            one = get(query[asked]) if asked == "contactID" else self.contacts.of(asked, query[asked])
            found = [one] if one else []
        counts = {"window": self.window.counts(), "batches": self.batches.counts(), "exchanges": self.grants.exchanges}
        return {"contacts": found, **counts}

    def forget(self) -> None:
        """Everything is as in the beginning, but for the window's size."""
        self.contacts.clear()
        self.contacts.save(FIRST, FIRST_AT, FIRST_ID)
        self.window.clear()
        self.batches.clear()
        self.grants.clear()

    def play(self, told: Mapping[str, Any]) -> None:
        """How batches and grants are played from now on."""
        self.batches.play(told)
        self.grants.play(told)

    def _post(self, contact: JSON) -> JSON:
        check(contact)
        return requests.answered(requests.save(self.contacts, contact))

    def _let_in(self) -> None:
        wait = self.window.arrive()
        if wait:
            told = {"Retry-After": str(math.ceil(wait))} if self.window.tells else {}
            raise Refusal(429, "too many requests (rate limit)", headers=told)

    def _counted(self, answer: Answer) -> Answer:
        left, reset = self.window.left()
        counts = {"Limit": self.window.calls, "Remaining": left, "Reset": math.ceil(reset)}
        return replace(answer, headers={**answer.headers, **{f"X-Rate-Limit-{k}": str(v) for k, v in counts.items()}})


def _in_their_form(answer: Answer) -> Answer:
    """`{"error": …, "fields": {"0": ["field: problem"]}}`."""
    said = json.loads(answer.body)
    fields = {"fields": {"0": [f"{said['at']}: {said['error']}"]}} if "at" in said else {}
    return replace(answer, body=json.dumps({"error": said["error"], **fields}).encode())
