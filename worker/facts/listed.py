"""Facts of a platform that announces no opt-outs and lists its people: where, and what an entry means. A platform fills
them in in `tasks/<platform>/`; `schedules/hourly.py` and `schedules/nightly.py` have the lists read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shown:
    """One address as a list shows it: on which channel, and `at` in seconds since 1970 since when, None if it names no
    moment that can be read. `said` is that moment in the platform's own words."""

    address: str = field(repr=False)
    channel: str
    at: float | None
    said: str


@dataclass(frozen=True)
class Listed:
    """`operation` is a list; `payload` asks for its first page. `read(row)` gives the opt-outs of one of its rows, of
    which there may be none; each that is not known becomes a notice of `kind`, once. Of a list that is compared with
    what is known here, `agreed(row)` gives those that are subscribed: they are only ever reported."""

    operation: str
    payload: dict[str, Any]
    kind: str
    read: Callable[[Any], Iterable[Shown]]
    agreed: Callable[[Any], Iterable[Shown]] | None = None
