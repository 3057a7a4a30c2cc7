"""How many requests came, for what, and how they ended. Neither bodies nor queries are kept."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import Any

KEPT = 1_000
MOST_PATHS = 100


class Log:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._paths: Counter[str] = Counter()
            self._ends: Counter[str] = Counter()
            self._last: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def came(self, path: str) -> None:
        with self._lock:
            known = path in self._paths or len(self._paths) < MOST_PATHS
            self._paths[path if known else "(others)"] += 1

    def ended(self, path: str, end: str) -> None:
        """`end` is the status as text, or the name of the fault that gave none, or `gone`."""
        with self._lock:
            self._ends[end] += 1
            self._last.append({"at": time.time(), "path": path, "end": end})

    def last(self) -> list[dict[str, Any]]:
        """The last requests, oldest first: `at` (seconds since 1970), `path`, `end`."""
        with self._lock:
            return list(self._last)

    def counts(self) -> dict[str, Any]:
        with self._lock:
            return {"requests": self._paths.total(), "by_path": dict(self._paths), "by_status": dict(self._ends)}
