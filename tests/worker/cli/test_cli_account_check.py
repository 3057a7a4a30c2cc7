"""`accounts check`: whether a platform takes the keys, whatever the account's door says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sandbox.server
from sandbox.server import Sandbox
from tests.worker.cli.conftest import Document, Ow
from worker import outage, platforms
from worker.pace import connect
from worker.processes.process import process


@pytest.fixture
def played(ow: Ow, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with sandbox.server.start() as server:
        for name, value in (server.environment() | {"REDIS_URL": redis_url}).items():
            monkeypatch.setenv(name, value)
        connect(redis_url).flushall()
        platforms.account.cache_clear()
        ow("migrate")
        yield server


def test_every_connected_account_is_asked_and_one_that_can_not_be_says_so(ow: Ow, played: Sandbox) -> None:
    result = ow("accounts", "check")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert set(lines) == {"devino/default", "omnisend/default", "omnisense/default"}
    assert "the keys are taken" in lines["devino/default"]
    assert "the keys are taken" in lines["omnisend/default"]
    assert "documents no read" in lines["omnisense/default"]
    assert result.exit_code == 0


def test_wrong_keys_end_with_1_and_shut_no_door(
    ow: Ow, played: Sandbox, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEND_API_KEY", "wrong")
    platforms.account.cache_clear()
    result = ow("accounts", "check", "omnisend")
    assert "401" in result.stdout
    assert result.exit_code == 1
    assert document("accounts", "check", "omnisend")["accounts"][0]["door"] == "open"


def test_a_shut_door_keeps_nobody_from_asking(ow: Ow, played: Sandbox) -> None:
    process().ledger.write(lambda tx: outage.forbid(tx, "devino/default", "Devino answered 401"))
    result = ow("accounts", "check", "devino")
    assert "the keys are taken" in result.stdout
    assert "door forbidden" in result.stdout


def test_a_platform_that_is_away_is_told_from_wrong_keys(
    ow: Ow, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEND_BASE_URL", "http://127.0.0.1:9")
    platforms.account.cache_clear()
    result = ow("accounts", "check", "omnisend")
    assert "no connection to Omnisend" in result.stdout
    assert result.exit_code == 1


def test_without_a_budget_nothing_is_asked(ow: Ow, played: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    process.cache_clear()
    result = ow("accounts", "check", "omnisend")
    assert "not asked: Redis, which keeps the budget, is away" in result.stdout
    assert result.exit_code == 1
