"""Payloads on their whole way to the sandbox, as the runner takes them: checked, split, composed, signed, sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sandbox.server import Sandbox, start
from tasks.devino import PLATFORM
from worker.answers import meaning
from worker.checking.check import check_payload
from worker.client import Client
from worker.facts.wire import Sending, Wire
from worker.operation import Operation, Repeat

OPERATIONS = {operation.name.partition(".")[2]: operation for operation in PLATFORM.operations}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = {"startTime": "2099-04-05T11:00:00+03:00", "endTime": "2099-04-05T12:00:00+03:00"}
SMS = {"smsTemplate": {"from": "SHOP", "text": "Hello"}}
LETTER = {"emailTemplate": {"sourceAddress": "a@shop.test", "subject": "Hello", "htmlBody": "${Unsubscribe}"}}


@dataclass(frozen=True)
class Sent:
    """One request that the platform took, and what its answer means."""

    path: str
    query: list[tuple[str, str]]
    body: Any
    answer: dict[str, Any]


class Post:
    def __init__(self, sandbox: Sandbox, key: str = "sandbox-devino-key") -> None:
        self.sandbox = sandbox
        self._access, self._client = PLATFORM.access({**sandbox.environment(), "DEVINO_API_KEY": key}), Client()

    def __call__(self, name: str, payload: Any) -> list[Sent]:
        """Fails where the payload is refused, by its shape or by the platform."""
        operation = OPERATIONS[name]
        return [self.send(operation, wire) for wire in wires(operation, payload)]

    def send(self, operation: Operation, wire: Wire) -> Sent:
        parcel = self._client.pack(operation, PLATFORM, self._access, wire)
        self._client.open(parcel, operation)
        reading = meaning(operation, PLATFORM, Repeat.HARMFUL, self._client.send(parcel, operation))
        parts = urlsplit(parcel.url)
        body = json.loads(parcel.request.body) if parcel.request.body else None
        return Sent(parts.path, parse_qsl(parts.query), body, reading.answer or {})


def loaded(name: str, payload: Any) -> dict[str, Any]:
    """The payload as its shape keeps it."""
    checked, refusals = check_payload(payload, OPERATIONS[name].shape)
    assert refusals == []
    assert checked is not None
    assert check_payload(checked, OPERATIONS[name].shape) == (checked, [])
    return checked


def codes(name: str, payload: Any) -> list[str]:
    return [refusal.code for refusal in check_payload(payload, OPERATIONS[name].shape)[1]]


def wires(operation: Operation, payload: Any, settings: Mapping[str, str] | None = None) -> list[Wire]:
    """The requests that a payload makes."""
    checked = loaded(operation.name.partition(".")[2], payload)
    pieces = operation.split(checked, operation.limits) if operation.split else [checked]
    assert operation.compose is not None
    return [operation.compose(piece, Sending(datetime.now(UTC), settings or {})) for piece in pieces]


def cascade(*triggers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An API cascade that begins with an SMS, and whatever follows."""
    return {"taskName": "Order", "type": "API", "triggers": [first(), *triggers], **changes}


def first(**changes: Any) -> dict[str, Any]:
    return {"index": 0, **WINDOW, "type": "TRAN_API_SOURCE", "channel": "SMS", "template": SMS, **changes}


def follower(**changes: Any) -> dict[str, Any]:
    """A letter for those whom the SMS did not reach."""
    event = {"channel": "SMS", "eventType": "STATE", "eventValue": "expired"}
    place = {"index": 1, "parentIndex": 0, **WINDOW, "type": "EVENT_SOURCE", "eventSources": [event]}
    return {**place, "channel": "EMAIL", "template": LETTER, **changes}


@pytest.fixture(scope="session")
def played() -> Iterator[Sandbox]:
    with start() as sandbox:
        yield sandbox


@pytest.fixture
def post(played: Sandbox) -> Post:
    played.reset()
    return Post(played)


@pytest.fixture
def without_balance(played: Sandbox) -> Post:
    """The account whose balance is empty."""
    return Post(played, "sandbox-devino-key-without-balance")
