"""A schedule: a rule for when, and what to start then."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass, field
from typing import Any

from worker.facts.listed import Listed
from worker.operation import JSON

LATE = ("skip", "once", "each")
OVERLAP = ("wait", "skip")


@dataclass(frozen=True)
class Schedule:
    """`cron` has five fields, in `time_zone`. `operation` is started with a `payload` (a call or a flow) or a `source`
    (a file), and with the `options`, `then` and `on_error` of its task; in `source`, `{date:%Y-%m-%d}` is the slot's
    own local date.

    A slot that could not be started within `grace` seconds is late: `skip` misses it, `once` runs the youngest alone,
    `each` runs all, one after the other. While the job of an earlier slot is not over, a slot waits, or is skipped, as
    `overlap` says. The file may take `wait` seconds to appear and to stop growing; a job whose file differs from the
    last one by more than `size_within` percent is paused.

    In place of an operation it may name the file of a `newsletter`, which is planned at each slot, and goes by itself
    while it is what a person approved (`worker/newsletters/again.py`). A sync that brings its people may take `wait`
    seconds to end.

    One that `reads` a list makes no job: `schedules/reading.py` reads it.
    """

    name: str
    cron: str
    operation: str = ""
    time_zone: str = "UTC"
    payload: JSON | None = field(default=None, repr=False)
    source: str | None = None
    account: str | None = None
    options: JSON = field(default_factory=dict)
    then: list[JSON] = field(default_factory=list)
    on_error: list[JSON] = field(default_factory=list)
    late: str = "once"
    grace: float = 300.0
    overlap: str = "wait"
    wait: float = 0.0
    size_within: float | None = None
    newsletter: str | None = None
    reads: Listed | None = None

    @property
    def starts(self) -> str:
        """What its slots start, in a word or two."""
        return self.operation or f"newsletter {self.newsletter}"

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def rule(self) -> str:
        """What its slots depend on."""
        return f"{self.cron} {self.time_zone}"

    def local(self, slot: float) -> dt.datetime:
        """The slot as the clocks of its time zone show it."""
        return dt.datetime.fromtimestamp(slot, self.zone)

    def key(self, slot: int) -> str:
        """The job's once-only key: a slot that is started again is the same job."""
        return key_of(self.name, slot)

    def words(self, slot: int) -> dict[str, Any]:
        """What is asked for at this slot, as a task's kwargs, but for the file's place."""
        words: dict[str, Any] = {"key": self.key(slot), "account": self.account}
        if self.options:
            words["options"] = self.options
        if self.source is None:
            return words | {"payload": self.payload}
        return words | {"then": self.then} | ({"on_error": self.on_error} if self.on_error else {})


def key_of(name: str, slot: int) -> str:
    """Of a slot, also one of a schedule that nobody declares any more."""
    return f"schedule:{name}:{dt.datetime.fromtimestamp(slot, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
