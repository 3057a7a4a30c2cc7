"""`up` in a folder of its own: one at a time, ready when work is taken, nothing left behind."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.worker.driven import Up, eventually, gone, need_a_server
from worker.processes import leftovers


@pytest.fixture(autouse=True)
def _a_server() -> None:
    need_a_server()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start_one(*only: str, **environ: str) -> Up:
        started.append(Up(tmp_path, *only, **environ))
        return started[-1]

    yield start_one
    for one in started:
        one.kill()


pytestmark = [pytest.mark.redis, pytest.mark.journey]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_ready_when_every_worker_takes_work(start: Callable[..., Up], tmp_path: Path) -> None:
    house = start("worker", "urgent").ready()
    assert set(house.pids()) == {"up", "redis", "worker.1", "worker.2", "urgent"}
    told = {line.partition(" | ")[2] for line in house.err if line.startswith("worker.2 | ")}
    assert told == {
        f"DATABASE_URL sqlite:///{tmp_path}/var/omniworker.db",
        f"REDIS_URL {house.url}",
        "ALLOW_LOCAL 1",
        f"SECRET_KEY_FILE {tmp_path}/var/secret.key",
        "WORKER_PROCESSES 1",
    }


def test_the_folder_and_its_secrets_are_for_their_owner_alone(start: Callable[..., Up], tmp_path: Path) -> None:
    start().ready()
    var = tmp_path / "var"
    assert mode(var) == 0o700
    assert {mode(var / name) for name in ("secret.key", "flower.auth", "redis.url", "up.pids")} == {0o600}
    assert (var / "flower.auth").read_text().startswith("omniworker:")


def test_secrets_are_made_once(start: Callable[..., Up], tmp_path: Path) -> None:
    start().ready().kill()
    first = (tmp_path / "var/secret.key").read_text()
    start().ready()
    assert (tmp_path / "var/secret.key").read_text() == first


def test_a_secret_that_was_given_is_not_made(start: Callable[..., Up], tmp_path: Path) -> None:
    start(SECRET_KEY="x", FLOWER_BASIC_AUTH="u:p").ready()
    assert not (tmp_path / "var/secret.key").exists()
    assert not (tmp_path / "var/flower.auth").exists()


def test_a_second_one_in_the_folder_is_refused(start: Callable[..., Up]) -> None:
    first = start().ready()
    second = start()
    assert second.ended() == 1
    assert len(second.err) == 1
    assert f"is running in {first.folder} already (process {first.process.pid})" in second.err[0]
    assert redis.Redis.from_url(first.url).ping()


def test_sigterm_stops_all_and_is_no_failure(start: Callable[..., Up], tmp_path: Path) -> None:
    house = start("worker", "beat").ready().runs("beat")
    pids = house.pids()
    house.process.send_signal(signal.SIGTERM)
    assert house.ended() == 0
    assert gone(pids)
    assert not (tmp_path / "var/redis.url").exists()
    assert not (tmp_path / "var/up.pids").exists()


def test_killed_it_leaves_no_orphan_and_starts_again_at_the_same_address(start: Callable[..., Up]) -> None:
    first = start("worker", "urgent", "beat").ready().runs("beat")
    pids, url = first.pids(), first.url
    redis.Redis.from_url(url).set("order", "4711")
    first.kill()
    second = start("worker").ready()
    assert gone(pids)
    assert second.url == url
    assert redis.Redis.from_url(url).get("order") == b"4711"


def test_killed_it_leaves_no_orphan_even_if_nobody_starts_again(start: Callable[..., Up]) -> None:
    house = start("worker", "beat").ready().runs("beat")
    pids = house.pids()
    house.kill()
    assert eventually(lambda: gone(pids))


def test_while_a_process_of_a_killed_one_lives_the_folder_is_taken(start: Callable[..., Up], tmp_path: Path) -> None:
    house = start("urgent", STUBBORN="1").ready()
    child = house.pids()["urgent"]
    house.kill()
    with (tmp_path / "var/up.lock").open() as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert eventually(lambda: leftovers.since(child) is None)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_killed_redis_comes_back_with_its_data(start: Callable[..., Up]) -> None:
    house = start().ready()
    client = redis.Redis.from_url(house.url)
    client.set("order", "4711")
    first = house.pids()["redis"]
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: house.pids()["redis"] != first)
    assert eventually(lambda: _says(client, b"4711"))


def _says(client: redis.Redis, value: bytes) -> bool:
    try:
        return bool(client.get("order") == value)
    except redis.ConnectionError:
        return False


def test_what_an_earlier_one_left_is_ended_before_the_folder_is_opened(
    start: Callable[..., Up], tmp_path: Path
) -> None:
    (tmp_path / "var").mkdir()
    left = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    leftovers.write(tmp_path / "var/up.pids", {"redis": left.pid})
    start().ready()
    assert left.wait(timeout=60) == -signal.SIGTERM


def test_with_redis_url_no_redis_is_started(start: Callable[..., Up], tmp_path: Path) -> None:
    house = start(REDIS_URL="redis://127.0.0.1:1/0").ready()
    assert set(house.pids()) == {"up"}
    assert not (tmp_path / "var/redis").exists()


def test_an_address_that_is_none_of_redis_ends_it_with_a_sentence(start: Callable[..., Up]) -> None:
    house = start(REDIS_URL="redis:/nowhere")
    assert house.ended() == 1
    assert "REDIS_URL has to be redis://host:6379/0" in house.err[-1]


def test_a_redis_that_does_not_start_is_told_in_its_own_words(start: Callable[..., Up], tmp_path: Path) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "redis-server").write_text("#!/bin/sh\nexit 1\n")
    (broken / "redis-server").chmod(0o755)
    house = start(PATH=f"{broken}:{os.environ['PATH']}")
    assert house.ended() == 1
    assert house.err[-1].startswith("The private Redis does not start: it wrote nothing")


def test_it_says_where_flower_is_and_takes_another_port_when_it_must(start: Callable[..., Up], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        house = start("flower", FLOWER_PORT=str(port)).ready()
    line = next(line for line in house.out if line.startswith("Flower: "))
    assert re.fullmatch(
        rf"Flower: http://127\.0\.0\.1:\d+ \({port} is taken\), user and password as in var/flower\.auth", line
    )
