"""A receiver with two platforms' doors: in this process for what it answers, in one of its own for sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.own_web import DEAD_REDIS, OLD, SECRET, Web
from worker import platforms
from worker.ledger.notices import notices
from worker.processes.process import Process
from worker.receiver import receiver as receiver_module
from worker.settings import settings


@pytest.fixture
def house(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    accounts = tmp_path / "accounts.toml"
    accounts.write_text('[devino.berlin]\ncallback_secrets = { env = "BERLIN" }\n[devino.paris]\n')
    told = {"DATABASE_URL": database_url, "SECRET_KEY": Fernet.generate_key().decode(), "REDIS_URL": DEAD_REDIS}
    told |= {"OMNISENSE_CALLBACK_SECRETS": f"{SECRET}, {OLD}", "DEVINO_CALLBACK_SECRETS": SECRET}
    for name, value in (told | {"ACCOUNTS_FILE": str(accounts), "BERLIN": "b3rlin"}).items():
        monkeypatch.setenv(name, value)
    platforms.account.cache_clear()
    own = Process(settings())
    monkeypatch.setattr(receiver_module, "process", lambda: own)
    yield own
    own.ledger.close()
    platforms.account.cache_clear()


@pytest.fixture
def woken() -> list[int]:
    return []


@pytest.fixture
def door(house: Process, woken: list[int]) -> FlaskClient:
    return receiver_module.receiver(lambda: woken.append(1)).test_client()


@pytest.fixture
def kept(house: Process) -> Callable[[], list[Any]]:
    """The notices there are, oldest first."""
    return lambda: list(house.ledger.read(lambda tx: tx.execute(select(notices).order_by(notices.c.id)).all()))


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    one = Web(tmp_path_factory.mktemp("web"))
    yield one
    one.stop()
