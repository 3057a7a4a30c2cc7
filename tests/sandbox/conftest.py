"""A running sandbox and a caller that speaks to it over a real socket."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.server import Sandbox, start

DEADLINE = 60.0


@dataclass
class Heard:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Each call on a connection of its own; `timeout` bounds every wait."""

    def __init__(self, sandbox: Sandbox, timeout: float = DEADLINE) -> None:
        self.sandbox, self.timeout = sandbox, timeout
        self.address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))

    def call(self, method: str, path: str, content: Any = None, **headers: str) -> Heard:
        connection = http.client.HTTPConnection(*self.address, timeout=self.timeout)
        body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
        named = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Heard(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def bring(self, *events: Any, **changes: Any) -> Heard:
        return self.call("POST", "/api/v1/user_event/import", self.body(*events, **changes))

    def raw(self, data: bytes) -> bytes:
        """Send these bytes and give back everything that comes until the other side closes."""
        with self.line() as line:
            line.sendall(data)
            return b"".join(iter(lambda: line.recv(65536), b""))

    def line(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=self.timeout)

    @staticmethod
    def body(*events: Any, **changes: Any) -> dict[str, Any]:
        keys = {
            "master_key": "sandbox-master-key",
            "admin": {"email": "admin@sandbox.test", "token": "sandbox-token"},
        }
        return keys | {"user_events": list(events) or [event(1)]} | changes


def event(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "email": f"person{number}@shop.test",
        "date": "2018-11-13 10:00:00Z",
        "identifier": "product.order",
        "segments": {"order_id": number, "payment": "cb"},
    }
    return base | changes


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.005)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


@pytest.fixture
def calling() -> type[Caller]:
    """For a test that starts a sandbox of its own."""
    return Caller


@pytest.fixture(name="event")
def _event() -> Callable[..., dict[str, Any]]:
    return event


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[[Callable[[], bool]], None]:
    return wait_until
