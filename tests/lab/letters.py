"""What an experiment with newsletters sends: three people each, and how often the sandbox says that each had it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from sandbox.server import Sandbox
from worker import platforms

PEOPLE = 3
CREATE = "/omni-task-api/tasks"
PAGE, MOST = 500, 3000
TEMPLATE = 45
CODES = 2
FLOW = "flows.cascade_send"


def people(name: str) -> list[str]:
    return [f"{name}-{n}@shop.example.com" for n in range(PEOPLE)]


def newsletter(name: str) -> dict[str, Any]:
    """As somebody writes it. Two of the three have the same variables, so it takes two requests."""
    recipients = [{"email": one, "variables": {"code": str(n % CODES)}} for n, one in enumerate(people(name))]
    letter = {"newsletter_template_id": TEMPLATE, "title": name}
    words = {"operation": "omnisense.send_newsletter", "payload": {"newsletter": letter}, "variables": ["code"]}
    return {"name": name, "recipients": recipients, **words}


def cascade(name: str) -> dict[str, Any]:
    """A cascade of its own, and its messages."""
    asked = copy.deepcopy(platforms.operation(FLOW).example["cascade"])
    recipients = [{"contact": {"email": one}} for one in people(name)]
    words = {"operation": FLOW, "payload": {"cascade": {**asked, "taskName": name}}}
    return {"name": name, "recipients": recipients, **words}


def flow(name: str) -> dict[str, Any]:
    """The payload of a call that does the same without being planned."""
    said = cascade(name)
    return {**said["payload"], "contacts": said["recipients"]}


def toml(said: dict[str, Any]) -> str:
    """As much of TOML as a newsletter needs: JSON's texts, numbers and lists are TOML's."""
    letter = [f"{name} = {json.dumps(value)}" for name, value in said["payload"]["newsletter"].items()]
    rows = [
        f"{{email = {json.dumps(one['email'])}, variables = {{code = {json.dumps(one['variables']['code'])}}}}}"
        for one in said["recipients"]
    ]
    above = [f"{name} = {json.dumps(said[name])}" for name in ("operation", "variables")]
    return "\n".join([*above, f"recipients = [{', '.join(rows)}]", "[payload.newsletter]", *letter, ""])


def made_known(played: Sandbox, name: str) -> None:
    """A newsletter reaches those whom Omnisense knows."""
    key = played.environment()["OMNISENSE_API_KEY"]
    for one in people(name):
        body = {"api_key": key, "user": {"email": one}}
        requests.post(f"{played.omnisense_url}/subscriber", json=body, timeout=5).raise_for_status()


Taken = dict[str, dict[str, int]]


def newsletters_taken(played: Sandbox, names: Sequence[str]) -> Taken:
    """How often each person had each of them."""
    return {name: _times(played, name, "Omnisense", partial(_mail, name)) for name in names}


def messages_taken(played: Sandbox, names: Sequence[str]) -> Taken:
    """The same of all cascades of these names."""
    made = cascades(played, names)
    return {name: _summed(played, name, [int(one["id"]) for one in made[name]]) for name in names}


def cascades(played: Sandbox, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The cascades that were made of each name; behind it stands a token."""
    told, found = played.environment(), {name: [] for name in names}
    key = {"Authorization": f"Key {told['DEVINO_API_KEY']}"}
    for offset in range(0, MOST, PAGE):
        page = {"ascending": "true", "count": str(PAGE), "offset": str(offset), "orderBy": "ID"}
        answer = requests.get(told["DEVINO_BASE_URL"] + CREATE, params=page, headers=key, timeout=10)
        for one in answer.json()["result"]:
            found.get(one["taskName"].partition(" ")[0], []).append(one)
    return found


def _mail(name: str, n: int, one: str) -> dict[str, Any]:
    letter = {"newsletter_template_id": TEMPLATE, "title": name, "variables": {"code": str(n % CODES)}}
    return {"newsletter": {"is_transactional": False, **letter}, "email": one}


def _message(task_id: int, _n: int, one: str) -> dict[str, Any]:
    return {"taskId": task_id, "contact": {"email": one}}


def _times(played: Sandbox, name: str, platform: str, asked: Callable[[int, str], Any]) -> dict[str, int]:
    whom = people(name)
    return dict(zip(whom, played.taken([asked(n, one) for n, one in enumerate(whom)], platform), strict=True))


def _summed(played: Sandbox, name: str, ids: list[int]) -> dict[str, int]:
    each = [_times(played, name, "Devino", partial(_message, task_id)) for task_id in ids]
    return {one: sum(times[one] for times in each) for one in people(name)}


@dataclass(frozen=True)
class Kind:
    """`said(name)` is the document; `taken(played, names)` says by name and person how often it came."""

    called: str
    said: Callable[[str], dict[str, Any]]
    taken: Callable[[Sandbox, Sequence[str]], Taken]


NEWSLETTER = Kind("newsletter", newsletter, newsletters_taken)
CASCADE = Kind("cascade", cascade, messages_taken)
