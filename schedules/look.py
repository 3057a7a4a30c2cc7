"""One look at the clock: which slots are due now, which are too late, and the start of the next of each schedule.

Beat asks for it every few seconds, and may ask twice, late, or not for a day: what is known lies in the ledger.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from schedules.missed import alarm_missed
from schedules.schedule import Schedule
from schedules.slots import Due, Missing, between, too_late
from schedules.start import start
from worker.ledger import schedules, slots
from worker.ledger.types import Connection, LedgerError
from worker.process import Process

PAUSED = "paused"
AT_ONCE = 500  # slots in a transaction
log = logging.getLogger(__name__)


def look(process: Process, declared: Iterable[Schedule]) -> None:
    """Look at every schedule; one that stumbles keeps no other from its slots."""
    wanted = list(declared)
    process.ledger.write(lambda tx: schedules.forget_all_but(tx, [one.name for one in wanted]))
    for schedule in wanted:
        if process.stopping.is_set():
            return
        try:
            look_at(process, schedule)
        except LedgerError:
            raise
        except Exception:
            log.exception("schedule %s stumbled", schedule.name)


def look_at(process: Process, schedule: Schedule) -> None:
    note(process, schedule)
    sift(process, schedule)
    due = process.ledger.read(lambda tx: slots.being_read(tx, schedule.name) or slots.waiting(tx, schedule.name))
    if due and due[0].not_before <= time.time():
        start(process, schedule, due[0].id)


def note(process: Process, schedule: Schedule) -> None:
    """Every slot up to now is in the ledger. A clock that went back changes nothing."""
    while process.ledger.write(partial(_note_some, schedule, time.time())) == AT_ONCE:
        pass


def _note_some(schedule: Schedule, now: float, tx: Connection) -> int:
    since = float(schedules.known(tx, schedule.name, schedule.rule, now).known_until)
    found = list(itertools.islice(between(schedule, since, now), AT_ONCE))
    slots.record(tx, schedule.name, found)
    schedules.advance(tx, schedule.name, float(found[-1]) if len(found) == AT_ONCE else max(since, now))
    return len(found)


def sift(process: Process, schedule: Schedule) -> None:
    """Those that won't run any more are missed, with the reason."""
    for missing in process.ledger.read(partial(_missing, schedule)):
        for batch in _batches(missing.slots):
            process.ledger.write(partial(_miss, process.owner, schedule, Missing(missing.reason, missing.why, batch)))


def _missing(schedule: Schedule, tx: Connection) -> Sequence[Missing]:
    due: list[Due] = [row for row in slots.waiting(tx, schedule.name) if row.asked_by is None]
    known = schedules.all_of(tx).get(schedule.name)
    if known is None or known.paused_by is None:
        return too_late(schedule, due, time.time())
    return [Missing(PAUSED, f"The schedule was paused by {known.paused_by}.", due)] if due else []


def _miss(owner: str, schedule: Schedule, missing: Missing, tx: Connection) -> None:
    """With an alarm, but for what somebody wanted."""
    slots.miss(tx, [one.id for one in missing.slots], owner, missing.reason, missing.why)
    if missing.reason != PAUSED:
        alarm_missed(tx, schedule, [one.slot for one in missing.slots], missing.why)


def _batches(found: Sequence[Due]) -> Iterator[Sequence[Due]]:
    return (found[at : at + AT_ONCE] for at in range(0, len(found), AT_ONCE))
