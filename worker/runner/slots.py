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

    Lanes of files take what is free and go when there is none; a call waits a moment, and lanes that see one
    waiting step aside after the chunk in hand.
    """

    def __init__(self, each: int) -> None:
        self.each = max(1, each)
        self._changed = threading.Lock()
        self._came_free: dict[str, threading.Condition] = defaultdict(lambda: threading.Condition(self._changed))
        self._used: Counter[str] = Counter()
        self._lanes: Counter[str] = Counter()
        self._calls_waiting: Counter[str] = Counter()
        self._turned_away: dict[str, dict[str, Row[Any]]] = defaultdict(dict)

    @contextmanager
    def lane(self, job: Row[Any]) -> Iterator[bool]:
        """Yields False when the job's account has no slot left here; the next lane to step aside calls it back."""
        with self._changed:
            free = self._used[job.account] < self.each
            self._used[job.account] += free
            self._lanes[job.id] += free
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

    def lanes(self, job: str) -> int:
        """Lanes of a job in this process."""
        return self._lanes[job]

    def full(self, account: str) -> bool:
        return self._used[account] >= self.each

    def _leave(self, account: str, job: str | None) -> None:
        with self._changed:
            self._used[account] -= 1
            if job is not None:
                self._lanes[job] -= 1
            # One slot, one call: were all told, they would get into each other's way for nothing.
            self._came_free[account].notify()
