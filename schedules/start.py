"""Starts what a slot is for. Whoever dies on the way leaves the slot due; started again, it is the same job."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedules.arrival import STEADY, Found, NotThere, differs, look
from schedules.dates import filled
from schedules.missed import MISSED, alarm_missed
from schedules.reading import Reading
from schedules.schedule import Schedule
from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import claims, jobs, newsletters, schedules, slots
from worker.ledger.claims import Claim
from worker.ledger.types import Connection, Row
from worker.newsletters import document
from worker.newsletters.again import again, taken_up
from worker.newsletters.document import WrongDocument
from worker.newsletters.moves import WAITS, CanNot
from worker.newsletters.stored import NotYet
from worker.orders.intake import record
from worker.orders.order import Order, place, read_order
from worker.platforms import operation
from worker.processes.process import Process
from worker.runner.results import Refused
from worker.sources.refused import SourceRefused
from worker.wake import wake_up

LEASE = 60.0
READS = 180.0  # longer than a look may take that reads
ODD_FILE = "slot.odd_file"
log = logging.getLogger(__name__)


class Missed(Exception):
    """The slot won't run: a word for programs, and a sentence."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class Later(Exception):
    """Not yet: look again in `seconds`. `stamp` is the file's as it was found."""

    def __init__(self, why: str, seconds: float = 0.0, stamp: str | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.stamp = stamp


@dataclass(frozen=True)
class Start:
    """One slot of a schedule, held."""

    process: Process
    schedule: Schedule
    row: Row[Any]

    @property
    def held(self) -> Claim:
        return claims.of(self.row)

    def run(self) -> None:
        """Start it, miss it, or leave it due; all of it is in the ledger."""
        if self.schedule.newsletter is not None:
            self._plan(self.schedule.newsletter)
            return
        try:
            found = None if self.schedule.source is None else self._arrived(self._source)
            order = self._order()
            job = self.process.ledger.write(lambda tx: self._started(tx, order, found))
        except Later as error:
            self._put_back(error)
        except Missed as error:
            self._missed(error.reason, str(error))
        except Refused as error:
            self._missed("refused", " ".join(error.reasons))
        else:
            if job is not None and job.state in jobs.MOVING:
                wake_up(job, 2 if job.kind == "file" else 1)

    def _plan(self, file: str) -> None:
        """A newsletter is planned; it goes by itself, or waits for a person, who is told."""
        name, key = self.schedule.name, self.schedule.key(self.row.slot)
        try:
            by = f"schedule {name}"
            planned = taken_up(self.process, by, key) or again(self.process, document.read(Path(place(file))), by, key)
        except NotYet as error:
            self._wait_for_list(" ".join(str(error).split()))
            return
        except (OSError, WrongDocument, CanNot, Refused, SourceRefused) as error:
            self._missed("refused", " ".join(str(error).split()))
            return
        self.process.ledger.write(lambda tx: self._planned(tx, planned.id))

    def _wait_for_list(self, why: str) -> None:
        """The sync that brings its people is under way."""
        if self.row.asked_by is not None or time.time() > self.row.slot + self.schedule.wait:
            self._missed("no_file", why)
        else:
            self._put_back(Later(f"It waits for its list: {why}", STEADY))

    def _planned(self, tx: Connection, newsletter_id: str) -> None:
        planned = newsletters.get(tx, newsletter_id)
        assert planned is not None  # noqa: S101 - it was just written
        why = f"Newsletter {planned.id} is {planned.state}{f': {planned.why}' if planned.why else ''}."
        if not slots.started(tx, self.held, None, None, why):
            return
        end_alarm(tx, MISSED, self.schedule.name)
        if planned.state == "planned":
            look = f"`omniworker newsletters show {planned.id}` shows it."
            raise_alarm(tx, WAITS, planned.name, f"{why} {look}")
        else:
            end_alarm(tx, WAITS, planned.name)

    def _put_back(self, later: Later) -> None:
        values = {"why": str(later), **({"stamp": later.stamp} if later.stamp else {})}
        self.process.ledger.write(lambda tx: slots.put_back(tx, self.held, later.seconds, **values))

    def _missed(self, reason: str, why: str) -> None:
        def work(tx: Connection) -> None:
            if slots.missed(tx, self.held, reason, why):
                alarm_missed(tx, self.schedule, [self.row.slot], why)

        self.process.ledger.write(work)

    @property
    def _source(self) -> str:
        assert self.schedule.source is not None  # noqa: S101 - asked of files alone
        return place(filled(self.schedule.source, self.schedule.local(self.row.slot)))

    def _arrived(self, source: str) -> Found:
        """The file, whole. Raises `Later` or `Missed`."""
        found = look(source, self.process.settings)
        over = self.row.asked_by is not None or time.time() > self.row.slot + self.schedule.wait
        match found:
            case NotThere() if over:
                raise Missed("no_file", found.why)
            case NotThere():
                raise Later(f"It waits for its file: {found.why}", STEADY)
            case Found() if self.schedule.wait == 0 or found.stamp == self.row.stamp or self.row.asked_by:
                return found
            case _ if over and self.row.stamp is not None:
                raise Missed("growing", f"{source} was still being written when the time to wait for it was over.")
        raise Later("It waits until its file has stopped growing.", STEADY, found.stamp)

    def _order(self) -> Order:
        """Raises `Refused`."""
        words = self.schedule.words(self.row.slot)
        if self.schedule.source is not None:
            words["source"] = self._source
        order = read_order(operation(self.schedule.operation), words)
        if order.kind == "call" and order.parts[0].refusals:
            raise Refused.of(order.parts[0].refusals, None)
        return order

    def _started(self, tx: Connection, order: Order, found: Found | None) -> Row[Any] | None:
        """The job, recorded with the slot; None when somebody else has the slot by now. Raises `Later` or `Missed`."""
        name, size = self.schedule.name, found.size if found else None
        schedules.lock(tx, name)
        self._alone(slots.still_runs(tx, name))
        odd = differs(size, slots.last_size(tx, name), self.schedule.size_within) if size is not None else None
        recorded = record(self.process, tx, order, None)
        if not slots.started(tx, self.held, recorded.job_id, size, odd and f"The job is paused: {odd}."):
            raise Later("Somebody else has it.")
        end_alarm(tx, MISSED, name)
        if odd and recorded.new:
            why = f"The schedule {name} paused it: {odd}; look at the file, then "
            why += f"`omniworker jobs resume {recorded.job_id}` or `omniworker jobs cancel {recorded.job_id}`."
            jobs.pause(tx, recorded.job_id, why)
            raise_alarm(tx, ODD_FILE, name, why)
        elif not odd:
            end_alarm(tx, ODD_FILE, name)
        return jobs.get(tx, recorded.job_id)

    def _alone(self, running: str | None) -> None:
        if running is None:
            return
        if self.row.asked_by is not None or self.schedule.overlap == "skip":
            raise Missed("overlap", f"Job {running} of an earlier slot was not over.")
        raise Later(f"It waits for job {running} of an earlier slot.")


def start(process: Process, schedule: Schedule, number: int) -> None:
    """Start the slot of this number, unless somebody else does."""
    lease = READS if schedule.reads else LEASE
    row = process.ledger.write(lambda tx: slots.claim(tx, number, process.owner, lease))
    if row is not None:
        (Reading if schedule.reads else Start)(process, schedule, row).run()
