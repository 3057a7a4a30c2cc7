"""One instance of Omnisense with its credentials: its paths, and who may ask for what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.answer import Answer, Refusal, json_answer
from sandbox.form import Part, form
from sandbox.omnisense import imports
from sandbox.omnisense.events import imported, tracked
from sandbox.omnisense.newsletters import emails, mail, newsletter
from sandbox.omnisense.subscribers import Subscribers, subscriber, trid_of
from sandbox.request import Request
from sandbox.role import Reply
from sandbox.strict import JSON, json_object, known, mapping
from sandbox.tally import identity

IMPORT = frozenset({"master_key", "admin", "user_events"})
NEWSLETTER = frozenset({"master_key", "admin", "newsletter", "emails"})
MAIL = frozenset({"newsletter", "email"})
ADMIN = frozenset({"email", "token"})


@dataclass(frozen=True)
class Omnisense:
    api_key: str = field(default="sandbox-api-key", repr=False)
    master_key: str = field(default="sandbox-master-key", repr=False)
    admin_email: str = field(default="admin@sandbox.test", repr=False)
    admin_token: str = field(default="sandbox-token", repr=False)
    title: str = "Omnisense"
    prefix: str = "/api/v1"
    most_bytes: int = 1 << 20
    most_events: int = 500
    subscribers: Subscribers = field(default_factory=Subscribers, repr=False, compare=False)

    def handle(self, request: Request) -> Reply:
        route = self._routes().get(request.head.path.removeprefix(self.prefix))
        if not route:
            raise Refusal(404, "The document has no such path.")
        if request.head.method != "POST":
            raise Refusal(405, "This path takes POST.", headers={"Allow": "POST"})
        if request.head.query:
            raise Refusal(400, "The document has no query parameters.")
        return route(request)

    def identity(self, event: Any, at: str) -> int:
        """Of an element of `user_events`, of the body of `/user_event` without its key, or of one person's mail."""
        if isinstance(event, dict) and "newsletter" in event:
            known(event, MAIL, at)
            return _mail(newsletter(event["newsletter"]), event.get("email", ""))
        if isinstance(event, dict) and "user_event" in event:
            return _identity(tracked(event), at)
        return _identity(imported(event, at), at)

    def person(self, whom: str) -> JSON | None:
        """What was saved of this subscriber, each field as it was said last."""
        return self.subscribers.find(whom)

    def state(self, _query: Mapping[str, str]) -> list[JSON]:
        """Everybody of whom an import spoke: `columns`, and how many `times`."""
        return self.subscribers.imported()

    def forget(self) -> None:
        self.subscribers.clear()

    def environment(self, url: str) -> dict[str, str]:
        return {
            "OMNISENSE_BASE_URL": url,
            "OMNISENSE_API_KEY": self.api_key,
            "OMNISENSE_MASTER_KEY": self.master_key,
            "OMNISENSE_ADMIN_EMAIL": self.admin_email,
            "OMNISENSE_ADMIN_TOKEN": self.admin_token,
        }

    def _routes(self) -> dict[str, Callable[[Request], Reply]]:
        return {
            "/subscriber": lambda request: self._subscriber(json_object(request)),
            "/subscriber/import": lambda request: self._import_people(form(request)),
            "/user_event": lambda request: self._user_event(json_object(request)),
            "/newsletter": lambda request: self._newsletter(json_object(request)),
            "/user_event/import": lambda request: self._import(json_object(request)),
        }

    def _subscriber(self, content: JSON) -> Reply:
        """User data: `POST /subscriber`. A save repeated changes nothing, so it is not counted."""
        self._check_key(content)
        return Reply(json_answer(200, {"trid": self.subscribers.save(subscriber(content))}))

    def _user_event(self, content: JSON) -> Reply:
        """Actions / Events: `POST /user_event`."""
        self._check_key(content)
        event = tracked(content)
        taken = _identity(event, "")
        return Reply(json_answer(200, {"trid": event["trid"] or self._trid(event["email"])}), (taken,))

    def _newsletter(self, content: JSON) -> Reply:
        """Email API: `POST /newsletter`."""
        self._check_admin(content)
        known(content, NEWSLETTER, "")
        letter, addresses = newsletter(content.get("newsletter")), emails(content.get("emails"))
        reached = self.subscribers.reached(addresses, letter.get("is_transactional", False))
        return Reply(Answer(200), tuple(_mail(letter, email) for email in reached))

    def _import(self, content: JSON) -> Reply:
        """Import actions: `POST /user_event/import`."""
        self._check_admin(content)
        known(content, IMPORT, "")
        events = content.get("user_events")
        if not isinstance(events, list) or not 0 < len(events) <= self.most_events:
            raise Refusal(422, f"user_events has to be a list of 1 to {self.most_events} events.", "user_events")
        places = (f"user_events[{index}]" for index in range(len(events)))
        actions = (_identity(imported(event, at), at) for event, at in zip(events, places, strict=True))
        return Reply(Answer(200), tuple(actions))

    def _import_people(self, parts: dict[str, Part]) -> Reply:
        """Import users: `POST /subscriber/import`. A row that comes again changes nothing, so it does not count
        as doubled."""
        self._check_admin(imports.keys(parts))
        for row in imports.people(parts):
            self.subscribers.take(row)
        return Reply(Answer(200))

    def _trid(self, email: str) -> str:
        who = self.subscribers.find(email)
        return str(who["trid"]) if who else trid_of(email)

    def _check_key(self, content: JSON) -> None:
        if content.get("api_key") != self.api_key:
            raise Refusal(401, "The api_key is not known.")

    def _check_admin(self, content: JSON) -> None:
        admin = content.get("admin")
        given = (content.get("master_key"), *(map(admin.get, ("email", "token")) if isinstance(admin, dict) else ()))
        if given != (self.master_key, self.admin_email, self.admin_token):
            raise Refusal(401, "master_key, admin.email and admin.token don't belong together.")
        known(mapping(admin, "admin"), ADMIN, "admin")


def _mail(letter: JSON, email: str) -> int:
    return _identity(mail(letter, email), "newsletter")


def _identity(event: JSON, at: str) -> int:
    try:
        return identity(event["email"] or event["trid"], event)
    except ValueError as error:
        raise Refusal(422, "It holds text that is no Unicode, or a number that JSON has no form for.", at) from error
