"""The sandbox's own routes under `/_sandbox/`: faults, latency, counts, people. They are neither counted nor logged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from sandbox.answer import Answer, Refusal, json_answer
from sandbox.faults import BadFault, fault
from sandbox.request import Request
from sandbox.stage import Stage
from sandbox.strict import mapping, read_json

PREFIX = "/_sandbox/"
MOST_BYTES = 1 << 28


def answer(stage: Stage, request: Request) -> Answer:
    """What the request for a path under `/_sandbox/` gets: JSON, with 400, 404 or 422 and a sentence if it is off."""
    try:
        return json_answer(200, _route(request)(stage, request))
    except BadFault as error:
        return json_answer(400, {"error": str(error)})
    except Refusal as refusal:
        return refusal.answer


def _route(request: Request) -> Callable[[Stage, Request], Any]:
    wanted = f"{request.head.method} {request.head.path.removeprefix(PREFIX)}"
    if wanted not in ROUTES:
        raise Refusal(404, f"Under {PREFIX} there are: {', '.join(ROUTES)}.")
    return ROUTES[wanted]


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.head.query))


def _add_fault(stage: Stage, request: Request) -> Any:
    rule = mapping(read_json(request.body), "the body")
    stage.faults.add(fault(rule.pop("fault", None), **rule))
    return stage.faults.listed()


def _clear_faults(stage: Stage, _request: Request) -> Any:
    stage.faults.clear()
    return []


def _set_latency(stage: Stage, request: Request) -> Any:
    stage.set_latency(mapping(read_json(request.body), "the body").get("seconds"))
    return {"seconds": stage.latency}


def _set_distance(stage: Stage, request: Request) -> Any:
    stage.set_distance(mapping(read_json(request.body), "the body").get("seconds"))
    return {"seconds": stage.arrivals.distance}


def _arrivals(stage: Stage, request: Request) -> Any:
    title = stage.role_called(_query(request).get("platform", "")).title
    return {"platform": title, "at": stage.arrivals.of(title)}


def _wire(stage: Stage, request: Request) -> Any:
    at = _query(request).get("at")
    try:
        return {"calls": stage.wire.at(time.monotonic() if at is None else float(at))}
    except ValueError as error:
        raise Refusal(400, "at has to be a moment of this machine's monotonic clock, in seconds.") from error


def _events(stage: Stage, request: Request) -> Any:
    email = _query(request).get("email")
    if not email:
        raise Refusal(400, "Ask for one person: /_sandbox/events?email=ADDRESS")
    return {"taken": stage.tally.of(email)}


def _person(stage: Stage, request: Request) -> Any:
    query = _query(request)
    if not query.get("is"):
        raise Refusal(400, "Ask for one person: /_sandbox/person?is=ADDRESS (or an id), &platform=NAME if need be.")
    return {"known": stage.person(query["is"], query.get("platform", ""))}


def _state(stage: Stage, request: Request) -> Any:
    query = _query(request)
    return stage.state(query.get("platform", ""), query)


def _set_window(stage: Stage, request: Request) -> Any:
    told = mapping(read_json(request.body), "the body")
    stage.set_window(str(told.get("platform", "")), told.get("calls"), told.get("seconds"), told.get("tells", False))
    return told


def _play(stage: Stage, request: Request) -> Any:
    told = mapping(read_json(request.body), "the body")
    stage.play(str(told.get("platform", "")), told)
    return told


def _taken(stage: Stage, request: Request) -> Any:
    events = read_json(request.body)
    if not isinstance(events, list):
        raise Refusal(400, "Send a JSON list of events.")
    return stage.taken(events, _query(request).get("platform", ""))


def _reset(stage: Stage, _request: Request) -> Any:
    stage.reset()
    return stage.counts()


ROUTES: Mapping[str, Callable[[Stage, Request], Any]] = {
    "POST faults": _add_fault,
    "GET faults": lambda stage, _: stage.faults.listed(),
    "DELETE faults": _clear_faults,
    "POST latency": _set_latency,
    "POST distance": _set_distance,
    "GET arrivals": _arrivals,
    "GET counts": lambda stage, _: stage.counts(),
    "GET log": lambda stage, _: stage.log.last(),
    "GET wire": _wire,
    "GET events": _events,
    "GET person": _person,
    "GET state": _state,
    "POST window": _set_window,
    "POST play": _play,
    "POST taken": _taken,
    "POST reset": _reset,
}
