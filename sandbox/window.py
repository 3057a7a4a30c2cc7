"""How many calls came in the last so many seconds: a platform's limit, counted on arrival."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class Window:
    """At most `calls` in any `seconds`; a call too many is not counted among those that came. `tells` says whether the
    caller of such a one is told when to come again."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock, self._clock = threading.Lock(), clock
        self.set(calls, seconds)

    def set(self, calls: int, seconds: float, tells: bool = False) -> None:
        self.calls, self.seconds, self.tells = calls, seconds, tells
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._arrived: deque[float] = deque()
            self._refused = self._most = 0

    def arrive(self) -> float:
        """0 if the call may come in, else the seconds until one may."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            if len(self._arrived) >= self.calls:
                self._refused += 1
                return self._arrived[0] + self.seconds - now
            self._arrived.append(now)
            self._most = max(self._most, len(self._arrived))
            return 0.0

    def left(self) -> tuple[int, float]:
        """How many more may come now, and the seconds until the oldest counts no more."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            return self.calls - len(self._arrived), self._arrived[0] + self.seconds - now if self._arrived else 0.0

    def counts(self) -> dict[str, int]:
        """The most calls that any window held, and how many were refused."""
        with self._lock:
            return {"most": self._most, "refused": self._refused}

    def _forget(self, now: float) -> None:
        while self._arrived and self._arrived[0] + self.seconds <= now:
            self._arrived.popleft()
