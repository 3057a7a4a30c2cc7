"""The alarm of a slot that did not run."""

from __future__ import annotations

from collections.abc import Sequence

from schedules.schedule import Schedule
from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import alarms, schedules, slots
from worker.ledger.types import Connection
from worker.processes.process import Process

MISSED = "slot.missed"
REMOVED = "removed"
AWAY = 600.0  # seconds that a schedule may be away while its file is written, or an older process looks at the clock
FORGOTTEN = 86_400.0


def alarm_missed(tx: Connection, schedule: Schedule, missed: Sequence[int], why: str) -> None:
    """Until one of its slots is started again."""
    first = f"{schedule.local(missed[0]):%Y-%m-%d %H:%M}"
    which = f"The slot {first}" if len(missed) == 1 else f"{len(missed):,} slots since {first}"
    raise_alarm(tx, MISSED, schedule.name, f"{which} of schedule {schedule.name} did not run. {why}")


def miss_of_gone(process: Process, now: float) -> None:
    """What was still due of schedules that nobody declares any more is missed, with an alarm for a day."""
    for name in process.ledger.read(lambda tx: schedules.gone(tx, now - AWAY)):
        if process.ledger.read(lambda tx, name=name: [*slots.waiting(tx, name), *slots.being_read(tx, name)]):  # type: ignore[misc]
            process.ledger.write(lambda tx, name=name: _miss_removed(tx, name, process.owner))  # type: ignore[misc]
    for name in process.ledger.read(lambda tx: _alarmed_of_gone(tx, now - FORGOTTEN)):
        process.ledger.write(lambda tx, name=name: end_alarm(tx, MISSED, name))  # type: ignore[misc]


def _miss_removed(tx: Connection, name: str, owner: str) -> None:
    """A list that was being read is read no further; what it found so far stays told."""
    for found, take, why in (
        (slots.waiting(tx, name), slots.MISS, "The schedule was removed while the slot waited."),
        (slots.being_read(tx, name), slots.MISS_READ, "The schedule was removed while its list was being read."),
    ):
        count = slots.miss(tx, [one.id for one in found], owner, REMOVED, why, take)
        if count:
            raise_alarm(tx, MISSED, name, f"{count:,} slots of schedule {name} did not run. {why}")


def _alarmed_of_gone(tx: Connection, since: float) -> list[str]:
    gone = set(schedules.gone(tx, since))
    return [row.subject for row in alarms.raised(tx) if row.kind == MISSED and row.subject in gone]
