"""Omnisend's operations against its sandbox, sent as the worker sends them: checked, fixed, composed, signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import sandbox.server
from sandbox.omnisend import Omnisend
from sandbox.server import Sandbox
from sandbox.window import Window
from tasks.omnisend import PLATFORM
from worker import platforms
from worker.answers import meaning
from worker.checking.check import check_payload
from worker.client import Client, Parcel
from worker.errors import Refused
from worker.facts.wire import Asked, Sending, Wire
from worker.operation import JSON, Reading
from worker.runner.consignment import repeat_of

Send = Callable[..., Reading]


@pytest.fixture(scope="module")
def played() -> Iterator[Sandbox]:
    with sandbox.server.start(roles=[Omnisend(window=Window(100_000, 60.0))]) as server:
        yield server


@pytest.fixture
def omnisend(played: Sandbox) -> Sandbox:
    """Omnisend as in the beginning, with one contact."""
    played.reset()
    return played


def checked(name: str, payload: JSON, at: datetime | None = None) -> JSON:
    """A payload as it is recorded at this moment. Raises `Refused`."""
    operation = platforms.operation(f"omnisend.{name}")
    body, refusals = check_payload(payload, operation.shape)
    if body is None:
        raise Refused(refusals)
    return operation.fix(body, Asked(at or datetime.now(UTC), "token")) if operation.fix else body


def parcel(name: str, body: JSON, server: Sandbox) -> Parcel:
    operation = platforms.operation(f"omnisend.{name}")
    values = server.environment()
    sending = Sending(datetime.now(UTC), {"OMNISEND_BASE_URL": values["OMNISEND_BASE_URL"]})
    wire = operation.compose(body, sending) if operation.compose else Wire(operation.path, body=body)
    return Client().pack(operation, PLATFORM, PLATFORM.access(values), wire)


@pytest.fixture
def send(omnisend: Sandbox) -> Send:
    """`send("save_contact", payload, at=…)`: what the answer means, or the error it raises."""

    def once(name: str, payload: JSON, at: datetime | None = None) -> Reading:
        operation = platforms.operation(f"omnisend.{name}")
        body, client = checked(name, payload, at), Client()
        packed = parcel(name, body, omnisend)
        client.open(packed, operation)
        return meaning(operation, PLATFORM, repeat_of(operation, body), client.send(packed, operation))

    return once


@pytest.fixture
def state(omnisend: Sandbox) -> Callable[..., Any]:
    """The only contact that fits, as Omnisend has it now."""

    def find(**who: str) -> Any:
        (contact,) = omnisend.state("omnisend", **who)["contacts"]
        return contact

    return find
