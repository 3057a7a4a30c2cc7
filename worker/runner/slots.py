"""Bulkheads: an account holds at most half of a process's threads, and a call never waits behind a file."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from worker.ledger.types import Row


class Slots:
    """Counts who is at work for which account in this process.

    Lanes of files take what is free, each job its even share, and go when there is none; a call waits a moment, and
    lanes that see one waiting step aside after the chunk in hand.
    """

    def __init__(self, each: int) -> None:
        self.each = max(1, each)
        self._changed = threading.Lock()
        self._came_free: dict[str, threading.Condition] = defaultdict(lambda: threading.Condition(self._changed))
        self._used: Counter[str] = Counter()
        self._lanes: dict[str, Counter[str]] = defaultdict(Counter)
        self._calls_waiting: Counter[str] = Counter()
        self._turned_away: dict[str, dict[str, Row[Any]]] = defaultdict(dict)

    @contextmanager
    def lane(self, job: Row[Any]) -> Iterator[bool]:
        """Yields False when the job's account has no slot left here, or the job has its share of them; the next lane to
        step aside calls it back."""
        with self._changed:
            free = not self._full(job)
            self._used[job.account] += free
            self._lanes[job.account][job.id] += free
            if not free:
                self._turned_away[job.account][job.id] = job
        try:
            yield free
        finally:
            if free:
                self._leave(job.account, job.id)

    def wanted(self, account: str) -> bool:
        """A call waits for a slot of this account."""
        return self._calls_waiting[account] > 0 and self._used[account] >= self.each

    def crowded(self, job: Row[Any]) -> bool:
        """Another job of the account was turned away: lanes of this one had better be short."""
        return any(other != job.id for other in list(self._turned_away[job.account]))

    def beyond_its_share(self, job: Row[Any]) -> bool:
        """The job has more lanes here than an even share, and another one was turned away."""
        return self.crowded(job) and self.lanes(job) > self._share(job)

    def call_back(self, job: Row[Any]) -> Row[Any] | None:
        """One other job of the account that was turned away."""
        with self._changed:
            away = self._turned_away[job.account]
            other = next((name for name in away if name != job.id), None)
            return None if other is None else away.pop(other)

    @contextmanager
    def call(self, account: str, patience: float = 2.0) -> Iterator[bool]:
        """Yields False when no slot came free in `patience` seconds."""
        with self._changed:
            self._calls_waiting[account] += 1
            free = self._came_free[account].wait_for(lambda: self._used[account] < self.each, patience)
            self._calls_waiting[account] -= 1
            self._used[account] += free
        try:
            yield free
        finally:
            if free:
                self._leave(account, None)

    def lanes(self, job: Row[Any]) -> int:
        """Lanes of a job in this process."""
        return self._lanes[job.account][job.id]

    def full(self, job: Row[Any]) -> bool:
        """No further lane of this job may begin here."""
        with self._changed:
            return self._full(job)

    def _full(self, job: Row[Any]) -> bool:
        return self._used[job.account] >= self.each or self.lanes(job) >= self._share(job)

    def _share(self, job: Row[Any]) -> int:
        """An account's slots are shared evenly by the jobs that have lanes here or were turned away."""
        there = {job.id, *(+self._lanes[job.account]), *self._turned_away[job.account]}
        return max(1, self.each // len(there))

    def _leave(self, account: str, job: str | None) -> None:
        with self._changed:
            self._used[account] -= 1
            if job is not None:
                self._lanes[account][job] -= 1
                self._lanes[account] += Counter()  # forgets jobs without a lane
            # One slot, one call: were all told, they would get into each other's way for nothing.
            self._came_free[account].notify()
