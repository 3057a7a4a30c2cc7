"""What many tests need: a ledger of their own, a Redis of their own, and no variable of the person who runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from worker.ledger.ledger import Ledger
from worker.ledger.tables import metadata

OURS = (
    "OMNISENSE_",
    "DEVINO_",
    "OMNISEND_",
    "CELERY_",
    "REDIS_URL",
    "DATABASE_URL",
    "SECRET_KEY",
    "WORKER_",
    "FLOWER_",
    "INBOX",
    "STORAGE_URL",
    "AWS_",
)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger in a file of its own."""
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    with opened.begin() as tx:
        metadata.create_all(tx)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of the test run's own. Without one a laptop skips these tests, and CI fails."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    folder = tmp_path_factory.mktemp("redis")
    socket_free = _free_port()
    words = [
        binary,
        "--port",
        str(socket_free),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
        "--loglevel",
        "warning",
    ]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{socket_free}/0"
    _until_it_answers(url)
    yield url
    server.terminate()
    server.wait(10)


def _free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 10
    client = Redis.from_url(url)
    while True:
        try:
            client.ping()
            return
        except RedisAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
