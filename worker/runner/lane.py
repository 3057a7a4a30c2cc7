"""A lane: one thread that carries a file's chunks to their platform, one after the other, for a short while.

One commit a chunk: it settles the chunk before, marks this one, and claims the next (design §6). A kill finds
one marked chunk a lane at most, and that only while its call is on the wire.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from worker import outage, platforms
from worker.client import Parcel
from worker.errors import Busy, Down, Forbidden, Refused
from worker.ledger import chunks, claims, doors, guarding, jobs, outlook
from worker.ledger.claims import Claim
from worker.ledger.types import Connection, Row
from worker.operation import NotConnected, Reading, Repeat
from worker.people import traces
from worker.processes.process import Process
from worker.runner import apart, books, sending
from worker.runner.consignment import Consignment, NothingToSend
from worker.runner.halves import cut_in_two
from worker.runner.preparing import prepare
from worker.runner.threshold import Threshold
from worker.runner.wires import TooBig
from worker.settings import SettingsError
from worker.sources.chosen import chosen
from worker.sources.read_back import SourceChanged
from worker.sources.refused import SourceAway, SourceRefused

SLICE = 2.0
LONGEST_SLICE = 20.0
MOSTLY_WAITING = 0.5
SAFE_AT_ONCE = 4
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class End:
    """Why a lane stopped: whether another one shall go on at once, and whether the job ended with it."""

    more: bool
    ended: bool = False


class Lane:
    """Carries chunks of one job.

    `answered` is told after each yes the share of its time that the lane waited for answers, so that the job may
    get a further lane.
    """

    def __init__(
        self,
        process: Process,
        job: Row[Any],
        number: int,
        answered: Callable[[float], None],
        probe: Claim | None = None,
    ) -> None:
        self._process = process
        self._job = job
        self._owner = f"{process.owner}/{number}"
        self._answered = answered
        self._operation = platforms.operation(job.operation)
        self._safe = self._operation.repeat is Repeat.SAFE
        self._lease = sending.lease(self._operation.timeouts.total * (SAFE_AT_ONCE if self._safe else 1))
        self._threshold = Threshold(process, job, self._owner, self._lease)
        self._most_refused = chosen(json.loads(job.options)).most_refused
        self._held: deque[Row[Any]] = deque()
        self._probe = probe
        self._ahead: tuple[Any, Future[Consignment] | None] = (None, None)
        self._began = time.monotonic()
        self._waited = 0.0

    def run(self) -> End:
        """Carry until the slice is over or nothing is left to claim; then end the job if that was its last."""
        self._take()
        while self._held and not self._process.stopping.is_set():
            if not self._carry(self._held.popleft(), not self._over()):
                break
        return self._finish(self._over())

    def carry_one(self, chunk: Row[Any]) -> None:
        """Carry one chunk that is claimed already: a call, or a suspect."""
        self._carry(chunk, going_on=False)
        self._finish(over=True)

    def _over(self) -> bool:
        """A slice ends early where others want the account, late where nobody does, and after a probe."""
        age = time.monotonic() - self._began
        slots = self._process.slots
        crowded = (age > SLICE and slots.crowded(self._job)) or slots.beyond_its_share(self._job)
        return self._probe is not None or slots.wanted(self._job.account) or crowded or age > LONGEST_SLICE

    def _carry(self, chunk: Row[Any], going_on: bool) -> bool:
        """One chunk to its end; False when the lane had better stop."""
        try:
            traces.leave_many(self._process, chunk, self._operation)
            consignment = self._prepared(chunk)
        except Refused as error:
            return self._book_unsent(
                partial(books.refuse_unsent, job_id=self._job.id, chunk=chunk, error=error), going_on
            )
        except NothingToSend as none:
            return self._book_unsent(partial(books.settle_unsent, chunk=chunk, outcome=none.outcome), going_on)
        except TooBig:
            return self._book_unsent(lambda tx: cut_in_two(self._process, tx, self._job, chunk), going_on)
        except (SourceChanged, SourceRefused) as error:
            return self._fail(chunk, str(error))
        except (NotConnected, SettingsError, SourceAway) as error:
            # What this process lacks or can't reach is no row's fault: it waits until that is mended.
            self._process.ledger.write(partial(books.wait_for_somebody, chunk=chunk, why=str(error)))
            return False
        except Exception as error:
            log.exception("chunk %s of job %s could not be made ready", chunk.n, self._job.id)
            return self._book_unsent(partial(books.stumble, job_id=self._job.id, chunk=chunk, error=error), going_on)
        return self._set_out(consignment, going_on)

    def _set_out(self, consignment: Consignment, going_on: bool) -> bool:
        if consignment.later and self._job.narrow:
            return self._book_unsent(partial(apart.singly, consignment=consignment), going_on)
        try:
            parcel = sending.ready_in_place(self._process, consignment, self._process.ledger.flush)
        except (Busy, Down) as error:
            return self._not_now(consignment, error)
        return self._send(consignment, parcel, going_on)

    def _prepare_ahead(self) -> None:
        """While this chunk is on the wire, another thread makes the next one ready: lanes that are answered at the
        same moment don't queue for the interpreter then. Not worth its handing over where answers come at once."""
        if self._held and self._on_the_wire() > MOSTLY_WAITING:
            ahead = self._process.preparing.submit(prepare, self._process, self._job, self._held[0])
            self._ahead = (self._held[0].id, ahead)

    def _on_the_wire(self) -> float:
        """The share of this lane's time that it waited for answers."""
        return self._waited / (time.monotonic() - self._began)

    def _prepared(self, chunk: Row[Any]) -> Consignment:
        number, ahead = self._ahead
        return ahead.result() if ahead is not None and number == chunk.id else prepare(self._process, self._job, chunk)

    def _send(self, consignment: Consignment, parcel: Parcel, going_on: bool) -> bool:
        marked = consignment.if_lost is Repeat.HARMFUL or consignment.is_call
        if not (self._mark(consignment, going_on) if marked else self._threshold.free(consignment, self._probe)):
            return False
        self._prepare_ahead()
        left = time.monotonic()
        result = sending.send(self._process, consignment, parcel)
        self._waited += time.monotonic() - left
        if isinstance(result, Reading):
            # Settled by the next commit of this process, whoever makes it.
            self._process.ledger.later(lambda tx: books.book(self._process, tx, consignment, result))
            self._answered(self._on_the_wire())
        else:
            self._threshold.book_failure(consignment, result)
        if self._safe and not self._held and going_on:
            self._take()
        return True

    def _mark(self, consignment: Consignment, going_on: bool) -> bool:
        """The commit before the first byte: marks this chunk and claims the next, if the door is still open."""
        marked = self._threshold.mark(consignment, self._probe, self._next if going_on else None)
        self._held.extend(marked.claimed)
        self._probe = marked.probe
        return marked.go

    def _book_unsent(self, work: Callable[[Connection], Any], going_on: bool) -> bool:
        """Book a chunk that was not sent, and claim the next in the same commit."""

        def both(tx: Connection) -> list[Row[Any]]:
            work(tx)
            return self._next(tx) if going_on and outage.is_open(tx, self._job.account) else []

        self._held.extend(self._process.ledger.write(both))
        return True

    def _take(self) -> None:
        """Claim: through the open door, or as its probe."""
        claimed, self._probe = self._process.ledger.write(self._claim)
        self._held.extend(claimed)

    def _claim(self, tx: Connection) -> tuple[list[Row[Any]], Claim | None]:
        self._guard(tx)
        if not outlook.any_waiting(tx, self._job.id):
            return [], self._probe
        try:
            probe = self._probe or outage.admit(tx, self._job.account, self._owner, self._lease)
        except (Busy, Forbidden):
            return [], None
        most = SAFE_AT_ONCE if self._safe and probe is None else 1
        smallest = probe is not None
        return chunks.claim(tx, self._job.id, self._owner, self._lease, most=most, smallest=smallest), probe

    def _next(self, tx: Connection) -> list[Row[Any]]:
        if self._held:
            return []
        self._guard(tx)
        return chunks.claim(tx, self._job.id, self._owner, self._lease)

    def _guard(self, tx: Connection) -> None:
        """Once, when enough rows have ended: is this the right file?"""
        if self._most_refused is not None and guarding.look(tx, self._job.id, self._most_refused):
            self._most_refused = None

    def _not_now(self, consignment: Consignment, error: Busy | Down) -> bool:
        """No budget for longer than one waits in place, or no connection: the chunk waits in the ledger."""

        def work(tx: Connection) -> None:
            if isinstance(error, Busy):
                chunks.put_back(tx, consignment.claim, error.wait, why=str(error))
                jobs.look_at(tx, self._job.id)
            else:
                books.book(self._process, tx, consignment, error)

        self._process.ledger.write(work)
        return False

    def _fail(self, chunk: Row[Any], why: str) -> bool:
        def work(tx: Connection) -> None:
            jobs.stop(tx, self._job.id, "failed", "job_failed", why=why, error=why)
            chunks.put_back(tx, claims.of(chunk), 0)

        self._process.ledger.write(work)
        return False

    def _finish(self, over: bool) -> End:
        """Give back what is held, settle what was answered, end the job if nothing is left."""
        held, self._held = self._held, deque()

        def work(tx: Connection) -> tuple[bool, bool]:
            for chunk in held:
                chunks.put_back(tx, claims.of(chunk), 0)
            if self._probe is not None:
                doors.give_back(tx, self._probe)
            ended = jobs.end_if_done(tx, self._job.id) is not None
            return outlook.any_waiting(tx, self._job.id), ended

        more, ended = self._process.ledger.write(work)
        return End(more and over and not self._process.stopping.is_set(), ended)
