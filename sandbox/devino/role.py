"""One installation of Devino OMNI with its accounts, each known by its key.

The document names no statuses. So: what is not in its form is refused with 400 and the envelope that Devino's address
book uses, a task that is not there with 404, other keys with 401; and a request that is well-formed and can't be done
gets `REJECTED` in a 200, as the document shows it for single contacts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.answer import Answer, Refusal, json_answer
from sandbox.devino import listing
from sandbox.devino.cascades import check_task
from sandbox.devino.messages import Desk, asked_about, counted
from sandbox.devino.shelf import Shelf
from sandbox.request import Request
from sandbox.role import Reply
from sandbox.strict import JSON, json_object, mapping

TASKS, MACROS, MESSAGES = "/omni-task-api/tasks", "/omni-task-api/macros", "/omni-scheduler/api/messages"


class Account:
    """What one key opens."""

    def __init__(self, blocked: bool) -> None:
        self.shelf = Shelf(blocked)
        self.desk = Desk(self.shelf)


@dataclass(frozen=True)
class Devino:
    """`blocked_key` opens an account of its own, whose balance is empty."""

    api_key: str = field(default="sandbox-devino-key", repr=False)
    blocked_key: str = field(default="sandbox-devino-key-without-balance", repr=False)
    title: str = "Devino"
    prefix: str = "/devino"
    most_bytes: int = 1 << 20
    accounts: dict[str, Account] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The cascades that stand there from the start are left."""
        self.accounts.update({self.api_key: Account(False), self.blocked_key: Account(True)})

    def handle(self, request: Request) -> Reply:
        try:
            return self._route(request)(self._account(request), request)
        except Refusal as refusal:
            refusal.answer = _in_devinos_words(refusal.answer)
            raise

    def identity(self, event: Any, at: str) -> int:
        """Of `{"taskName"}`, a cascade that was created; of `{"taskId", "contact"}` or `{"taskId", "contactId"}`."""
        event = mapping(event, at)
        return _created(event["taskName"]) if "taskName" in event else asked_about(event, at)

    def environment(self, url: str) -> dict[str, str]:
        return {"DEVINO_BASE_URL": url, "DEVINO_API_KEY": self.api_key}

    def _account(self, request: Request) -> Account:
        scheme, _, key = request.head.headers.get("Authorization", "").partition(" ")
        if scheme != "Key" or key not in self.accounts:
            raise Refusal(401, "The key is not known.")
        return self.accounts[key]

    def _route(self, request: Request) -> Callable[[Account, Request], Reply]:
        path = request.head.path.removeprefix(self.prefix)
        known = {TASKS: {"GET": _tasks, "POST": _create}, MACROS: {"GET": _macros}, MESSAGES: {"POST": _send}}
        methods = known.get(path) or ({"GET": _task} if path.removeprefix(f"{TASKS}/").isdigit() else None)
        if methods is None:
            raise Refusal(404, "The document has no such path.")
        if request.head.method not in methods:
            raise Refusal(405, f"This path takes {', '.join(methods)}.", headers={"Allow": ", ".join(methods)})
        return methods[request.head.method]


def _create(account: Account, request: Request) -> Reply:
    """Script creation."""
    task = _body(request)
    check_task(task)
    taken = _created(task["taskName"])
    cascade = account.shelf.add(task)
    return Reply(json_answer(200, {"result": {"code": "OK", "result": str(cascade.id)}}), (taken,))


def _send(account: Account, request: Request) -> Reply:
    """Sending transactional messages."""
    content, taken = account.desk.send(_body(request))
    return Reply(json_answer(200, content), taken)


def _task(account: Account, request: Request) -> Reply:
    """Receiving a specific scenario."""
    cascade = account.shelf.get(int(request.head.path.rpartition("/")[2]))
    if cascade is None:
        raise Refusal(404, "There is no task of this id.", "taskId")
    return _shown(account.shelf.show(cascade, parents=False))


def _tasks(account: Account, request: Request) -> Reply:
    """Receiving scenarios."""
    return _shown(listing.tasks(account.shelf, request.head.query))


def _macros(account: Account, request: Request) -> Reply:
    """Receiving macros."""
    return _shown(listing.macros(account.shelf, request.head.query))


def _shown(result: Any) -> Reply:
    return Reply(json_answer(200, {"result": result}))


def _created(name: Any) -> int:
    return counted("", {"taskName": name})


def _body(request: Request) -> JSON:
    if request.head.query:
        raise Refusal(400, "The document has no query parameters here.")
    return json_object(request)


def _in_devinos_words(answer: Answer) -> Answer:
    said = json.loads(answer.body)
    key = {401: "unauthorized", 404: "not.found"}.get(answer.status, "invalid")
    reason = {"key": key, "ref": said.get("at", ""), "defaultMessage": said["error"]}
    content = {"result": None, "reasons": [reason], "description": f"#{key}; {said['error']}"}
    return json_answer(400 if answer.status == 422 else answer.status, content, answer.headers)
