"""The sandbox as every platform, connected the way an installation would be: by environment variables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sandbox.server
from sandbox.omnisend.grants import Grants
from sandbox.server import Sandbox
from worker import platforms


@pytest.fixture(scope="module")
def played() -> Iterator[Sandbox]:
    with sandbox.server.start() as server:
        yield server


@pytest.fixture
def connected(played: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Every platform's way in leads to the sandbox; no faults, no counts from the test before."""
    played.reset()
    for name, value in played.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TOKEN", Grants().first_token)
    platforms.account.cache_clear()
    yield played
    platforms.account.cache_clear()
