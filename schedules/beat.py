"""Beat only pokes: one task, every few seconds, that looks at the clock (docs/decisions/0026).

It goes to `urgent`, whose process no file ever fills. A poke that nobody took in time is worth nothing: it expires.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from celery import Celery, Task

from schedules.declared import declared
from schedules.look import look
from schedules.schedule import Schedule
from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import alarms
from worker.ledger.types import LedgerError
from worker.pace import ClockOff, RedisAway
from worker.processes.process import Process, process
from worker.quiet import QuietRequest
from worker.runner.watching import watch
from worker.settings import SettingsError

LOOK = "schedules.look"
QUEUE = "urgent"
EVERY = 5.0
WRONG, FILE = "schedules.wrong", "SCHEDULES_FILE"
TALKERS = ("celery.beat", "celery.worker.strategy", "celery.app.trace")
log = logging.getLogger(__name__)


class LookTask(Task[Any, Any]):
    """Look at the clock, and start what is due."""

    name = LOOK
    Request = QuietRequest  # type: ignore[assignment] # Celery takes the class as well as its path
    ignore_result = True
    acks_late = False  # the next poke looks again
    send_events = False  # Flower would show seventeen thousand a day, and hardly anything else

    def run(self) -> None:
        own = process()
        try:
            # Two clocks that differ would disagree about what is due.
            own.budget.check_clock()
            look(own, _declared(own))
            watch(own)
        except (ClockOff, LedgerError, RedisAway, SettingsError) as error:
            log.error("no schedule was looked at: %s", error)


def _declared(own: Process) -> list[Schedule]:
    """Raises `SettingsError`, which is alarmed until the mistakes are mended."""
    try:
        found = declared()
    except SettingsError as error:
        said = str(error)
        own.ledger.write(lambda tx: raise_alarm(tx, WRONG, FILE, said))
        raise
    if any(row.kind == WRONG for row in own.ledger.read(alarms.raised)):
        own.ledger.write(lambda tx: end_alarm(tx, WRONG, FILE))
    return found


class Uneventful(logging.Filter):
    """Celery's three lines for each poke tell nothing that `schedules history` does not; what goes wrong is said."""

    def filter(self, record: logging.LogRecord) -> bool:
        named = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
        return record.levelno != logging.INFO or LOOK not in named


def give(app: Celery) -> None:
    """Register the task with its route, and tell beat of it."""
    app.register_task(LookTask())
    app.conf.task_routes = {**app.conf.task_routes, LOOK: {"queue": QUEUE}}
    poke = {"task": LOOK, "schedule": EVERY, "options": {"queue": QUEUE, "expires": EVERY, "ignore_result": True}}
    app.conf.beat_schedule = {**app.conf.beat_schedule, LOOK: poke}
    for name in TALKERS:
        logging.getLogger(name).addFilter(Uneventful())
