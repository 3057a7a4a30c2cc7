"""Plain Celery beside us: a task a row, in two prefork processes, its producer at work at the same time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery

from tests.bench.figures import Run
from tests.bench.stand import Sink, sink
from tests.lab import events, processes
from tests.lab.redis_server import OwnRedis
from tests.lab.surroundings import bare
from tests.lab.waiting import until

WORKER = (
    "-W",
    "ignore",
    "-m",
    "celery",
    "--quiet",
    "-A",
    "tests.bench.plain",
    "worker",
    "-P",
    "prefork",
    "-c",
    "2",
    "-l",
    "ERROR",
)
LONGEST = 1200.0


def plain_celery(folder: Path, rows: int) -> Run:
    """`rows` rows, one task each: from the first that is sent to the last that the sink has taken."""
    folder.mkdir()
    redis = OwnRedis(folder / "redis")
    try:
        with sink() as platform, _workers(redis.url, platform.url) as worker:
            return _measured(redis.url, platform, worker, rows)
    finally:
        redis.stop()


@contextmanager
def _workers(broker: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    told = bare(PLAIN_BROKER=broker, PLAIN_URL=f"{url}/import")
    process = subprocess.Popen([sys.executable, *WORKER], env=told, stdin=subprocess.DEVNULL, process_group=0)
    try:
        yield process
    finally:
        processes.kill(processes.tree(process.pid))
        process.wait()


def _measured(broker: str, platform: Sink, worker: subprocess.Popen[bytes], rows: int) -> Run:
    with Celery("producer", broker=broker) as app:
        app.send_task("tests.bench.plain.post", [events.line(0)])
        until(lambda: platform.told()["requests"] == 1, 60, "plain Celery takes work")
        pids = processes.tree(worker.pid)
        busy, own, began = processes.cpu(pids), time.process_time(), time.perf_counter()
        for number in range(1, rows + 1):
            app.send_task("tests.bench.plain.post", [events.line(number)])
        own = time.process_time() - own
        until(lambda: platform.told()["requests"] > rows, LONGEST, "plain Celery is done")
    wall, used = time.perf_counter() - began, processes.cpu(pids) - busy
    peaks = tuple(map(processes.peak, pids))
    note = f"1,000,000 rows: {wall / rows * 1e6:,.0f} s; producer {own:.1f} s CPU"
    return Run("plain Celery, a task a row, prefork -c 2", rows, wall, used, peaks, note)
