"""The alarm of a slot that did not run."""

from __future__ import annotations

from collections.abc import Sequence

from schedules.schedule import Schedule
from worker.alarms import raise_alarm
from worker.ledger.types import Connection

MISSED = "slot.missed"


def alarm_missed(tx: Connection, schedule: Schedule, missed: Sequence[int], why: str) -> None:
    """Until one of its slots is started again."""
    first = f"{schedule.local(missed[0]):%Y-%m-%d %H:%M}"
    which = f"The slot {first}" if len(missed) == 1 else f"{len(missed):,} slots since {first}"
    raise_alarm(tx, MISSED, schedule.name, f"{which} of schedule {schedule.name} did not run. {why}")
