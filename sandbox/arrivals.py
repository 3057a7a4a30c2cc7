"""When each platform's requests arrived: what a sliding limit counts, to be held against the pace of the caller."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict, deque

KEPT = 100_000


class Arrivals:
    """`distance` is the longest that a request or an answer travels, in seconds; each takes its own time."""

    def __init__(self, seed: int) -> None:
        self.distance = 0.0
        self._dice = random.Random(seed)  # noqa: S311  journeys of different lengths, no secrets
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._moments: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))

    def journey(self) -> float:
        """The seconds that this request or answer is on its way."""
        return self._dice.uniform(0.0, self.distance) if self.distance else 0.0

    def came(self, platform: str) -> None:
        with self._lock:
            self._moments[platform].append(time.monotonic())

    def of(self, platform: str) -> list[float]:
        """The moments by this machine's monotonic clock, oldest first."""
        with self._lock:
            return list(self._moments[platform])
