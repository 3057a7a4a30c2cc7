"""A total time limit for a request. Time-outs of sockets count each read, so a dripping answer knows none."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class _Limit:
    __slots__ = ("end", "over", "passed")

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end
        self.over = False
        self.passed = False


class Deadlines:
    """One thread watches all requests of a process and ends one that is overdue."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, _Limit]] = []
        self._count = itertools.count()
        self._thread: threading.Thread | None = None

    @contextmanager
    def until(self, moment: float, end: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        """While inside, `end` is called at `moment` (monotonic); the yielded function says whether it was."""
        limit = _Limit(end)
        self._watch(moment, limit)
        try:
            yield lambda: limit.passed
        finally:
            limit.over = True

    def _watch(self, moment: float, limit: _Limit) -> None:
        with self._changed:
            sooner = not self._heap or moment < self._heap[0][0]
            heapq.heappush(self._heap, (moment, next(self._count), limit))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif sooner:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                limit = self._next()
            if limit is not None and not limit.over:
                limit.passed = True
                limit.end()

    def _next(self) -> Any:
        """The limit whose moment has come; waits for it. Ended ones are dropped on the way."""
        while self._heap and self._heap[0][2].over:
            heapq.heappop(self._heap)
        if not self._heap:
            self._changed.wait()
            return None
        left = self._heap[0][0] - time.monotonic()
        if left > 0:
            self._changed.wait(left)
            return None
        return heapq.heappop(self._heap)[2]
