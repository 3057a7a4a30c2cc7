"""Payloads on their whole way to the sandbox, as the runner takes them: checked, split, composed, signed, sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.server import Sandbox, start
from tasks.omnisense import PLATFORM
from worker.answers import meaning
from worker.checking.check import check_payload
from worker.client import Client
from worker.facts.wire import Sending, Wire
from worker.operation import Operation, Repeat

OPERATIONS = {operation.name.partition(".")[2]: operation for operation in PLATFORM.operations}
KEYS = {"api_key", "master_key", "admin"}


@dataclass(frozen=True)
class Sent:
    """One request that the platform took: its path, what stood in it beside its keys, and what was answered."""

    path: str
    body: dict[str, Any]
    answer: dict[str, Any] | None


class Post:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._access, self._client = PLATFORM.access(sandbox.environment()), Client()

    def __call__(
        self,
        name: str,
        payload: dict[str, Any],
        *,
        settings: Mapping[str, str] | None = None,
        kept: str | None = None,
        at: datetime | None = None,
    ) -> list[Sent]:
        """Fails where the payload is refused, by its shape or by the platform."""
        operation = OPERATIONS[name]
        sending = Sending(at or datetime.now(UTC), settings or {}, kept)
        return [self._send(operation, wire) for wire in wires(operation, payload, sending)]

    def _send(self, operation: Operation, wire: Wire) -> Sent:
        parcel = self._client.pack(operation, PLATFORM, self._access, wire)
        self._client.open(parcel, operation)
        reading = meaning(operation, PLATFORM, Repeat.HARMFUL, self._client.send(parcel, operation))
        content = json.loads(parcel.request.body or b"")
        return Sent(wire.path, {key: content[key] for key in content if key not in KEYS}, reading.answer)


def wires(operation: Operation, payload: dict[str, Any], sending: Sending) -> list[Wire]:
    """The requests that a payload (or one row) makes."""
    checked, refusals = check_payload(payload, operation.shape)
    assert refusals == []
    assert checked is not None
    if operation.rows:
        return [Wire(operation.path, body={operation.rows.key: [checked]})]
    pieces = operation.split(checked, operation.limits) if operation.split else [checked]
    assert operation.compose is not None
    return [operation.compose(piece, sending) for piece in pieces]


@pytest.fixture(scope="session")
def played() -> Iterator[Sandbox]:
    with start() as sandbox:
        yield sandbox


@pytest.fixture
def post(played: Sandbox) -> Post:
    played.reset()
    return Post(played)
