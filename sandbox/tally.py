"""What was taken, event by event: how often each arrived. The oracle a test compares its own sums with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any
from zlib import crc32

EVENT_BYTES = 7  # with 4 for the person 11: the most that a Python integer of three digits (36 bytes) holds
EVENT_BITS = EVENT_BYTES * 8
_canonical = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


def person(address: str) -> int:
    """The front part of the identity of everything that concerns this person."""
    return crc32(address.encode())


def identity(address: str, event: Any) -> int:
    """A short number for an event, equal for equal JSON whatever the order of its keys.

    Raises UnicodeEncodeError for text that is no Unicode (a lone surrogate).
    """
    digest = blake2b(_canonical(event).encode(), digest_size=EVENT_BYTES).digest()
    return person(address) << EVENT_BITS | int.from_bytes(digest, "big")


class Tally:
    """Counts by identity. A million events cost about 100 MB."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._times: dict[int, int] = {}
            self._events = self._doubled = 0

    def take(self, identities: Iterable[int]) -> None:
        with self._lock:
            for one in identities:
                times = self._times[one] = self._times.get(one, 0) + 1
                self._events += 1
                self._doubled += times == 2

    def times(self, identities: Iterable[int]) -> list[int]:
        """How often each of these was taken."""
        with self._lock:
            return [self._times.get(one, 0) for one in identities]

    def of(self, address: str) -> int:
        """How many events of this person were taken. Looks at every identity: for questions, not for loops."""
        front = person(address)
        with self._lock:
            return sum(times for one, times in self._times.items() if one >> EVENT_BITS == front)

    def counts(self) -> dict[str, int]:
        """`events` taken in all, `distinct` ones, and how many of those were `doubled`: taken more than once."""
        with self._lock:
            return {"events": self._events, "distinct": len(self._times), "doubled": self._doubled}
