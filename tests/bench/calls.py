"""Single calls, from `send_task` to the platform's answer: omniworker beside plain Celery, and a loop of `requests`.

Each is one process of 32 threads (the loop has 16, which is what an account holds of a process of ours); both Celeries
use the same Redis settings and keep their results. Three figures each: calls a second of a burst, the latency at a
steady rate that none is short of breath at, and that of one call at a time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import requests
from celery import Celery

from sandbox.omnisense import Omnisense
from tests.bench.stand import PACE, Sink, Watch, sink
from tests.lab import processes
from tests.lab.redis_server import OwnRedis
from tests.lab.rig import rig
from tests.lab.surroundings import bare
from tests.lab.waiting import until

OURS = "omnisense.record_user_event"
PLAIN = "tests.bench.plain.call"
THREADS = 32
IN_FLIGHT = THREADS // 2
WARM = 100
STEADY = 40.0  # calls a second
ONE_BY_ONE = 100
LONGEST = 300.0
PLAIN_WORKER = ("-W", "ignore", "-m", "celery", "--quiet", "-A", "tests.bench.plain", "worker")
PLAIN_POOL = ("-P", "threads", "-c", str(THREADS), "-l", "ERROR", "--without-gossip", "--without-mingle")

Ask = Callable[[int], Any]


@dataclass(frozen=True)
class Calls:
    """Latencies in milliseconds, from the asking to the platform's answer."""

    name: str
    rate: float
    cpu: float
    steady: list[float] = field(repr=False)
    idle: list[float] = field(repr=False)

    def line(self) -> str:
        told = (at(self.steady, 0.5), at(self.steady, 0.99), at(self.idle, 0.5), at(self.idle, 0.99))
        latencies = " ".join(f"{one:10.1f}" for one in told)
        return f"{self.name:46}{self.rate:11,.0f} {self.cpu * 1000:10.2f} {latencies}"


HEAD = f"{'':46}{'calls/s':>11} {'CPU ms':>10} {'p50 ms':>10} {'p99 ms':>10} {'idle p50':>10} {'idle p99':>10}"


def payload(number: int) -> dict[str, Any]:
    return {"email": "p@shop.example.com", "user_event": {"identifier": "bench", "segments": {"n": number}}}


def at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def omniworker(folder: Path, calls: int, watch: Watch | None = None) -> Calls:
    with sink() as platform:
        connection = Omnisense().environment(f"{platform.url}{Omnisense().prefix}")
        with rig(folder, connection, OMNISENSE_PACE=PACE, LOG_LEVEL="WARNING", WORKER_PROCESSES="1") as one:
            one.workers.start()
            one.workers.ready()
            if watch:
                watch(one, platform)
            with _application(one.redis.url) as app:
                ask = _asking(app, OURS, "omnisense", lambda number: {"payload": payload(number)})
                return _measured("omniworker", ask, platform, calls, one.workers.carriers())


def plain_celery(folder: Path, calls: int) -> Calls:
    folder.mkdir()
    redis = OwnRedis(folder / "redis")
    try:
        with sink() as platform, _plain_worker(redis.url, platform.url) as worker, _application(redis.url) as app:
            ask = _asking(app, PLAIN, "celery", lambda number: {"payload": {"api_key": "k"} | payload(number)})
            return _measured("plain Celery, a pool of threads", ask, platform, calls, [worker.pid])
    finally:
        redis.stop()


def requests_loop(calls: int) -> Calls:
    """As many threads as an account holds here; no queue, no result: the limit of `requests` on this machine."""
    own = threading.local()
    with sink() as platform, ThreadPoolExecutor(IN_FLIGHT) as pool:

        def post(number: int) -> float:
            if not hasattr(own, "session"):
                own.session = requests.Session()
                own.session.trust_env = False
            began = time.monotonic()
            own.session.post(f"{platform.url}/call", json=payload(number), timeout=20).raise_for_status()
            return (time.monotonic() - began) * 1000

        list(pool.map(post, range(WARM)))
        busy, began = time.process_time(), time.monotonic()
        loaded = list(pool.map(post, range(calls)))
        rate, cpu = calls / (time.monotonic() - began), (time.process_time() - busy) / calls
        return Calls(f"a loop of requests, {IN_FLIGHT} threads", rate, cpu, loaded, [post(n) for n in range(100)])


@contextmanager
def _application(url: str) -> Iterator[Celery]:
    with Celery("shop", broker=url, backend=url, set_as_current=False) as app:
        yield app


@contextmanager
def _plain_worker(url: str, target: str) -> Iterator[subprocess.Popen[bytes]]:
    told = bare(PLAIN_BROKER=url, PLAIN_BACKEND=url, PLAIN_URL=f"{target}/call")
    words = [sys.executable, *PLAIN_WORKER, *PLAIN_POOL]
    process = subprocess.Popen(words, env=told, stdin=subprocess.DEVNULL, process_group=0)
    try:
        yield process
    finally:
        processes.kill(processes.tree(process.pid))
        process.wait()


def _asking(app: Celery, task: str, queue: str, words: Callable[[int], dict[str, Any]]) -> Ask:
    return lambda number: app.send_task(task, kwargs=words(number), queue=queue)


def _measured(name: str, ask: Ask, platform: Sink, calls: int, pids: list[int]) -> Calls:
    asked: dict[int, float] = {}
    _burst(ask, platform, range(WARM), asked)
    busy = processes.cpu(pids)
    rate = _burst(ask, platform, range(WARM, WARM + calls), asked)
    cpu = (processes.cpu(pids) - busy) / calls
    first = WARM + calls
    steady = range(first, first + min(calls, int(STEADY * 10)))
    _steadily(ask, steady, asked)
    _answered(platform, steady.stop)
    idle = range(steady.stop, steady.stop + ONE_BY_ONE)
    for number in idle:
        _note(ask, number, asked)
        _answered(platform, number + 1)
    moments = _moments(platform)
    return Calls(name, rate, cpu, _latencies(steady, asked, moments), _latencies(idle, asked, moments))


def _burst(ask: Ask, platform: Sink, numbers: range, asked: dict[int, float]) -> float:
    """All at once; the calls a second from the first that is sent to the last that is answered."""
    began = time.monotonic()
    for number in numbers:
        _note(ask, number, asked)
    _answered(platform, numbers.stop)
    return len(numbers) / (max(_moments(platform).values()) - began)


def _steadily(ask: Ask, numbers: range, asked: dict[int, float]) -> None:
    began = time.monotonic()
    for late, number in enumerate(numbers):
        time.sleep(max(0.0, began + late / STEADY - time.monotonic()))
        _note(ask, number, asked)


def _note(ask: Ask, number: int, asked: dict[int, float]) -> None:
    asked[number] = time.monotonic()
    ask(number)


def _answered(platform: Sink, count: int) -> None:
    until(lambda: platform.told()["requests"] >= count, LONGEST, f"{count} calls are answered", every=0.005)


def _moments(platform: Sink) -> dict[int, float]:
    with urlopen(f"{platform.url}/_moments", timeout=10) as answer:  # noqa: S310 - our own loopback address
        return dict(json.load(answer))


def _latencies(numbers: range, asked: dict[int, float], moments: dict[int, float]) -> list[float]:
    return [(moments[number] - asked[number]) * 1000 for number in numbers]
