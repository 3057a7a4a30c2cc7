"""Moves a file's job one step further: plan it, carry it, look after its suspects."""

from __future__ import annotations

import itertools
import time
from functools import partial
from typing import Any

from worker.ledger import jobs, outlook
from worker.ledger.types import Row
from worker.platforms import account
from worker.processes.process import Process
from worker.runner import awaited, suspects
from worker.runner.lane import MOSTLY_WAITING, Lane
from worker.runner.planner import plan
from worker.wake import wake_up

LANES_AT_START = 2
LANES_ON_A_BUSY_PROCESSOR = 2
GROW_EVERY = 0.01
_numbers = itertools.count(1)


def move(process: Process, job: Row[Any]) -> None:
    """What one wake-up of a file's job does; many may run at once, in many processes."""
    if not job.planned and process.planning.acquire(blocking=False):
        try:
            plan(process, job, wake=partial(wake_up, job, LANES_AT_START))
        finally:
            process.planning.release()
    if job.state in jobs.MOVING and not process.stopping.is_set():
        _carry(process, job)


def _carry(process: Process, job: Row[Any]) -> None:
    window = Window(process, job)
    with process.slots.lane(job) as free:
        if not free:
            return
        awaited.run(process, job)
        if window.full():
            return
        suspects.run(process, job)
        end = Lane(process, job, next(_numbers), window.grow).run()
    if end.ended:
        process.budget.leave(job.account, job.id)
    other = process.slots.call_back(job)
    if other is not None:
        wake_up(other)
    if end.more:
        wake_up(job)


class Window:
    """How many lanes a job may have: two at the start, one more for each answer, up to pace × latency + 1."""

    def __init__(self, process: Process, job: Row[Any]) -> None:
        self._process = process
        self._job = job
        self._grown_at = 0.0

    def most(self) -> int:
        pace = account(self._job.account).pace
        latency = self._process.latency[self._job.account].seconds
        return LANES_AT_START if latency is None else int(pace.calls / pace.seconds * latency) + 1

    def full(self) -> bool:
        return self._process.ledger.read(lambda tx: outlook.lanes(tx, self._job.id)) >= self.most()

    def grow(self, on_the_wire: float) -> None:
        """An answer came: a further lane, unless this process or the pace has no room for it.

        `on_the_wire` is the share of its time that the lane waited for answers. Where that is the smaller part,
        the processor is what is short, and more lanes would only get into each other's way.
        """
        now = time.monotonic()
        if now - self._grown_at < GROW_EVERY or self._process.slots.full(self._job):
            return
        if on_the_wire < MOSTLY_WAITING and self._process.slots.lanes(self._job) >= LANES_ON_A_BUSY_PROCESSOR:
            return
        self._grown_at = now
        if not self.full():
            wake_up(self._job)
