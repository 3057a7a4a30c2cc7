"""Which slots of a schedule are due, and which of those are too late: from the wall clock alone, nothing else.

The cron rule is the library's (cronsim, after Debian's cron): at a fixed time that a change of the clocks leaves out,
the slot is right after the change; one that comes twice is due the first time alone. Rules with `*` in their hour or
minute go by the hours and minutes that really pass.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cronsim import CronSim

from schedules.schedule import Schedule


class Due(Protocol):
    """What there is to know of a slot that is due."""

    @property
    def id(self) -> int: ...
    @property
    def slot(self) -> int: ...
    @property
    def asked_by(self) -> str | None: ...


@dataclass(frozen=True)
class Missing:
    """Slots that will not run, and why."""

    reason: str
    why: str
    slots: Sequence[Due]


def following(schedule: Schedule, after: float) -> Iterator[int]:
    """The slots after a moment, in seconds since 1970, each once."""
    last = int(after)
    for moment in CronSim(schedule.cron, dt.datetime.fromtimestamp(last, schedule.zone)):
        slot = int(moment.timestamp())
        if slot > last:  # the clocks went back, or two times fell together when they went forward
            yield slot
            last = slot


def between(schedule: Schedule, since: float, until: float) -> Iterator[int]:
    """The slots after `since`, up to `until` and with it."""
    for slot in following(schedule, since):
        if slot > until:
            return
        yield slot


def is_late(schedule: Schedule, slot: int, now: float) -> bool:
    """Whether it should have been started by now; a file may be waited for."""
    return now > slot + schedule.wait + schedule.grace


def too_late(schedule: Schedule, due: Sequence[Due], now: float) -> list[Missing]:
    """Which of the slots that are due, the oldest first, won't run. What a person asked for always does."""
    by_clock = [one for one in due if one.asked_by is None]
    late = [one for one in by_clock if is_late(schedule, one.slot, now)]
    if schedule.late == "skip" and late:
        grace = f"{schedule.grace + schedule.wait:.0f} s"
        return [Missing("late", f"Nobody could start it within {grace}, and late slots are skipped.", late)]
    if schedule.late == "once" and late:
        stood_in = late[:-1] if len(late) == len(by_clock) else late
        return [Missing("stood_in", "It is late, and a younger slot runs in its stead.", stood_in)] if stood_in else []
    return []
