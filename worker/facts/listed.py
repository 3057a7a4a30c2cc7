"""Facts of a platform that announces no opt-outs and lists them: where, and what an entry means. A platform fills them
in in `tasks/<platform>/`; `schedules/hourly.py` has the list read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class OptedOut:
    """One opt-out as a list shows it: who, on which channel, and `at` in seconds since 1970, None if it names no moment
    that can be read. `said` is that moment in the platform's own words."""

    address: str = field(repr=False)
    channel: str
    at: float | None
    said: str


@dataclass(frozen=True)
class Listed:
    """`operation` is a list; `payload` asks for the first page of those who opted out. `read(row)` gives the opt-outs
    of one of its rows, which may be none; each that is not known becomes a notice of `kind`, once."""

    operation: str
    payload: dict[str, Any]
    kind: str
    read: Callable[[Any], Iterable[OptedOut]]
