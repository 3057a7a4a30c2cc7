"""What is done to a running import, and how it is put back on its feet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.lab.rig import Rig


@dataclass(frozen=True)
class Blow:
    """`moment` by the monotonic clock, `at` and `again` (things run again) in seconds since 1970; `took` seconds.

    `dead`: at that moment everybody was killed who calls the platform.
    """

    moment: float
    at: float
    again: float
    took: float = 0.0
    dead: bool = False


Strike = Callable[[Rig, Random], Blow]


def kill_workers(rig: Rig, _dice: Random) -> Blow:
    """SIGKILL to every process of the worker side at once; Redis and the platform live. Started again at once."""
    moment = rig.workers.kill()
    again = time.time()
    at = again - (time.monotonic() - moment)
    rig.workers.start()
    return Blow(moment, at, again, dead=True)


def stop_workers(rig: Rig, _dice: Random) -> Blow:
    """SIGTERM, wait for the end, start: a deploy."""
    at, moment = time.time(), time.monotonic()
    took = rig.workers.leave()
    again = time.time()
    rig.workers.start()
    return Blow(moment, at, again, took)


def flush_redis(rig: Rig, _dice: Random) -> Blow:
    """FLUSHALL: budget, wake-ups and results are gone."""
    at, moment = time.time(), time.monotonic()
    rig.redis.flush()
    return Blow(moment, at, time.time())


def kill_redis(rig: Rig, dice: Random) -> Blow:
    """SIGKILL to Redis, which is away for 1 to 3 seconds."""
    at, moment = time.time(), time.monotonic()
    rig.redis.kill()
    time.sleep(dice.uniform(1, 3))
    rig.redis.start()
    return Blow(moment, at, time.time())
