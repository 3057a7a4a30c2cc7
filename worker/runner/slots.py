"""Bulkheads: an account holds at most half of a process's threads, and a call never waits behind a file."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """Counts who is at work for which account in this process.

    Lanes of files take what is free and go when there is none; a call waits a moment, and lanes that see one
    waiting step aside after the chunk in hand.
    """

    def __init__(self, each: int) -> None:
        self.each = max(1, each)
        self._changed = threading.Condition()
        self._used: Counter[str] = Counter()
        self._lanes: Counter[str] = Counter()
        self._calls_waiting: Counter[str] = Counter()

    @contextmanager
    def lane(self, account: str, job: str) -> Iterator[bool]:
        """Yields False when the account has no slot left here."""
        with self._changed:
            free = self._used[account] < self.each
            self._used[account] += free
            self._lanes[job] += free
        try:
            yield free
        finally:
            if free:
                self._leave(account, job)

    @contextmanager
    def call(self, account: str, patience: float = 2.0) -> Iterator[bool]:
        """Yields False when no slot came free in `patience` seconds."""
        with self._changed:
            self._calls_waiting[account] += 1
            free = self._changed.wait_for(lambda: self._used[account] < self.each, patience)
            self._calls_waiting[account] -= 1
            self._used[account] += free
        try:
            yield free
        finally:
            if free:
                self._leave(account, None)

    def wanted(self, account: str) -> bool:
        """A call waits for a slot of this account."""
        return self._calls_waiting[account] > 0 and self._used[account] >= self.each

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
            self._changed.notify_all()
