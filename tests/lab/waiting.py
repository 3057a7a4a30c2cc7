"""Waits on a condition, with a deadline and a name for what did not come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TooLong(Exception):
    """What was waited for did not come in time: the experiment has failed."""


def until(done: Callable[[], T], seconds: float, what: str, every: float = 0.02) -> T:
    """The first true value of `done()`."""
    deadline = time.monotonic() + seconds
    while not (value := done()):
        if time.monotonic() > deadline:
            raise TooLong(f"{what}: not within {seconds:g} s")
        time.sleep(every)
    return value
