"""The same kill against a worker without a ledger: where that loses nothing either, the lab can't see losses."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from celery import Celery
from redis import Redis

from tests.lab import events
from tests.lab.experiment import Order, Record, Verdict, line
from tests.lab.goals import Goal
from tests.lab.platform import Platform
from tests.lab.redis_server import OwnRedis
from tests.lab.series import LATENCY
from tests.lab.surroundings import bare
from tests.lab.waiting import until
from tests.lab.workers import Workers

ROWS, CHUNK = 50_000, 500
WORKER = ("-P", "-m", "celery", "--quiet", "-A", "tests.lab.naive", "worker", "-P", "prefork", "-c", "4", "-l", "ERROR")
QUIET = 8.0  # longer than the broker keeps back what was not acknowledged
END = 120.0


def naive(order: Order) -> Verdict:
    rows, dice = order.rows or ROWS, Random(order.seed)
    file = events.write(order.folder / "events.ndjson", rows)
    everything = events.read(file)
    records = []
    for number in range(order.runs or 5):
        records.append({"run": number + 1, **_run(order.folder / f"naive-{number + 1}", everything, dice)})
        order.keep(records[-1])
    lost = sum(record["lost"] for record in records)
    goal = Goal("naive: rows lost by a worker without a ledger (none: the lab is blind)", lost, 1, most=False)
    return Verdict((line("SIGKILL of a naive worker", rows, records, "meant to lose"),), (goal,))


def _run(folder: Path, rows: list[Any], dice: Random) -> Record:
    chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    with _stage(folder) as (redis, platform, workers), Celery("producer", broker=redis.url) as producer:
        for chunk in chunks:
            producer.send_task("tests.lab.naive.post", [chunk])
        workers.start()
        struck_after = dice.randint(1, len(chunks) * 4 // 5)
        until(lambda: platform.requests() >= struck_after, END, "the naive worker delivers")
        moment = workers.kill()
        wire = platform.wire(moment)
        workers.start()
        _wait_until_quiet(redis, platform)
        times = platform.taken(rows)
    doubled = sum(max(0, seen - 1) for seen in times)
    return {
        "struck_after": struck_after,
        "wire": wire,
        "accepted": len(rows) - times.count(0),
        "lost": times.count(0),
        "doubled": doubled,
    }


@contextmanager
def _stage(folder: Path) -> Iterator[tuple[OwnRedis, Platform, Workers]]:
    folder.mkdir()
    redis, platform = OwnRedis(folder / "redis"), Platform(LATENCY)
    workers = Workers(folder, bare(NAIVE_BROKER=redis.url, **platform.environ), (sys.executable, *WORKER))
    try:
        yield redis, platform, workers
    finally:
        workers.stop()
        platform.stop()
        redis.stop()


def _wait_until_quiet(redis: OwnRedis, platform: Platform) -> None:
    """Nothing waits in the broker, nothing is held back there, and nothing new has come for a while."""
    last, since = platform.requests(), time.monotonic()

    def quiet() -> bool:
        nonlocal last, since
        now = platform.requests()
        if now != last or redis.waiting("celery") or _held_back(redis):
            last, since = now, time.monotonic()
        return time.monotonic() - since > QUIET

    until(quiet, END, "the naive worker is done", every=0.1)


def _held_back(redis: OwnRedis) -> int:
    with Redis.from_url(redis.url) as client:
        return int(client.hlen("unacked"))
