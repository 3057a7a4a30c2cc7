"""One look at the clock: which slots are due now, which are too late, and the start of the next of each schedule.

Beat asks for it every few seconds, and may ask twice, late, or not for a day: what is known lies in the ledger.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from schedules.missed import alarm_missed, miss_of_gone
from schedules.schedule import Schedule
from schedules.slots import Due, Missing, between, is_late, too_late
from schedules.start import start
from worker.ledger import owners, schedules, slots
from worker.ledger.types import Connection, LedgerError
from worker.processes.process import Process

PAUSED, RULE_CHANGED = "paused", "rule_changed"
GAP = "Its rule was another then, or the schedule was away."
AT_ONCE = 500  # slots in a transaction
log = logging.getLogger(__name__)


def look(process: Process, declared: Iterable[Schedule]) -> None:
    """Look at every schedule; one that stumbles keeps no other from its slots."""
    wanted = list(declared)
    process.ledger.write(lambda tx: schedules.forget_all_but(tx, [one.name for one in wanted]))
    miss_of_gone(process, time.time())
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
    if not due or due[0].not_before > time.time():
        return
    if due[0].owner is not None and owners.dead(due[0].owner):
        process.ledger.write(lambda tx: slots.free(tx, due[0]))
    start(process, schedule, due[0].id)


def note(process: Process, schedule: Schedule) -> None:
    """Every slot up to now is in the ledger. A clock that went back changes nothing."""
    while process.ledger.write(partial(_note_some, schedule, time.time())) == AT_ONCE:
        pass


def _note_some(schedule: Schedule, now: float, tx: Connection) -> int:
    known = schedules.known(tx, schedule.name, schedule.rule, now)
    since = float(known.known_until)
    found = list(itertools.islice(between(schedule, since, now), AT_ONCE))
    more = len(found) == AT_ONCE
    until = float(found[-1]) if more else max(since, now)
    if known.rule != schedule.rule and known.paused_by is None:
        _miss_gap(tx, schedule, [one for one in found if is_late(schedule, one, now)], known.rule, since, until)
    slots.record(tx, schedule.name, found)
    schedules.advance(tx, schedule.name, until, known.rule if more else schedule.rule)
    return len(found)


def _miss_gap(tx: Connection, schedule: Schedule, late: Sequence[int], other: str, since: float, until: float) -> None:
    """Since the last look it had another rule for a while, or was not declared: nobody knows which of its slots were
    wanted. Those that are not late yet run; all others, of either rule, are missed."""
    gone = {*late, *_others(schedule, other, since, until)}
    missed = slots.record_missed(tx, schedule.name, sorted(gone), RULE_CHANGED, GAP)
    if missed:
        alarm_missed(tx, schedule, missed, GAP)


def _others(schedule: Schedule, rule: str, since: float, until: float) -> set[int]:
    """The slots that the other rule had, and this one has not."""
    if not rule:
        return set()
    cron, _, time_zone = rule.rpartition(" ")
    its = between(replace(schedule, cron=cron, time_zone=time_zone), since, until)
    return set(its) - set(between(schedule, since, until))


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
