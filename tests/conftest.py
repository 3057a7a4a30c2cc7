"""What many tests need: a ledger of their own, a Redis of their own, and no variable of the person who runs them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from tests import own_rabbitmq
from tests.own_postgresql import TEMPLATE, OwnPostgreSQL, binaries
from tests.own_rabbitmq import OwnRabbitMQ
from worker.ledger import consents, receipts, remarks  # noqa: F401 - their tables
from worker.ledger.ledger import Ledger
from worker.ledger.migrate import migrate
from worker.ledger.schema import declared
from worker.processes.embedded import HOST, free_port

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
    "RETENTION_",
    "AWS_",
    "SCHEDULES_",
    "NIGHTLY_",
    "FREQUENT_",
    "ALARM_",
)

# On a busy machine an example may take any time: what hangs is ended by the time limit of its test.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

# Tests that are started in the background ignore Ctrl-C, as does all that they start: tests of it could not hold.
for ignored in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, signal.default_int_handler if ignored == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[OwnPostgreSQL]:
    """A real PostgreSQL of the test run's own, with a migrated ledger as `TEMPLATE`."""
    found = binaries()
    if found is None:
        missing("PostgreSQL (initdb and postgres, on PATH or under /usr/lib/postgresql)")
        return
    server = OwnPostgreSQL(found)
    server.say(f"CREATE DATABASE {TEMPLATE}")
    migrate(server.url(TEMPLATE))
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> str:
    """Tests of the ledger run on both."""
    return str(request.param)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a ledger that holds nothing yet, not even tables."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    server: OwnPostgreSQL = request.getfixturevalue("postgresql")
    with server.lent() as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a ledger with tables and no rows."""
    if database == "postgresql":
        server: OwnPostgreSQL = request.getfixturevalue("postgresql")
        with server.lent(TEMPLATE) as url:
            yield url
        return
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    opened = Ledger(url)
    with opened.begin() as tx:
        declared().create_all(tx)
    opened.close()
    yield url


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """An empty ledger of the test's own."""
    opened = Ledger(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[OwnRabbitMQ]:
    """A real RabbitMQ of the test run's own."""
    found = own_rabbitmq.binary()
    if found is None:
        missing("rabbitmq-server")
        return
    server = OwnRabbitMQ(found)
    yield server
    server.stop()


def missing(what: str) -> None:
    """A laptop may lack a server; the tests that need it are skipped there. CI may not."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of the test run's own. Without one a laptop skips these tests, and CI fails."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        missing("redis-server")
        return
    folder = tmp_path_factory.mktemp("redis")
    server, url = _redis(binary, folder)
    while not _answers(server, url):  # somebody else took its port: another one
        server, url = _redis(binary, folder)
    yield url
    server.terminate()
    server.wait(60)


def _redis(binary: str, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port(HOST, 0)
    words = f"--port {port} --bind {HOST} --loglevel warning".split()
    server = subprocess.Popen([binary, *words, "--dir", str(folder), "--save", ""], stdout=subprocess.DEVNULL)
    return server, f"redis://{HOST}:{port}/0"


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    """Whether it is this very one that answers there, and not that of a test run beside this one."""
    deadline = time.monotonic() + 60
    with Redis.from_url(url) as client:
        while server.poll() is None:
            try:
                return bool(client.info("server")["process_id"] == server.pid)
            except RedisAway:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
    return False
