"""Which calls were on the wire at which moment, by this machine's monotonic clock."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

KEPT = 100_000


class Wire:
    """A call is on the wire from the first byte of its headers until its answer is written or its caller is gone.

    Its end is noted just after the last byte, so a caller that is quick may begin the next call a moment before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, float] = {}
        self._ended: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._calls = self._most = 0

    @contextmanager
    def call(self, began: float) -> Iterator[None]:
        with self._lock:
            self._calls += 1
            number = self._calls
            self._open[number] = began
            self._most = max(self._most, len(self._open))
        try:
            yield
        finally:
            with self._lock:
                self._ended.append((self._open.pop(number), time.monotonic()))

    def at(self, moment: float) -> int:
        """How many calls were on the wire then (among those running and the last 100,000 ended)."""
        with self._lock:
            ended = sum(began <= moment <= end for began, end in self._ended)
            return ended + sum(began <= moment for began in self._open.values())

    def counts(self) -> dict[str, int]:
        with self._lock:
            return {"on_the_wire": len(self._open), "most_on_the_wire": self._most}

    def clear(self) -> None:
        """Forget what has ended."""
        with self._lock:
            self._ended.clear()
            self._most = len(self._open)
