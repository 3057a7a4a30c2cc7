"""Wakes what nobody moved, ends leases, gives up, hands out notices. A thread in every worker process, one of
which holds the post; it sleeps until something is due, at most 0.5 s for notices and 5 s for the rest.
"""

from __future__ import annotations

import logging
import threading
import time

from worker import notices
from worker.ledger import agenda, decisions, jobs, leases, owners, posts, refusing, tickets
from worker.ledger.types import Connection, LedgerError
from worker.process import Process
from worker.runner.books import GAVE_UP
from worker.wake import publish_again, wake_up

POST = "sweep"
POST_LEASE = 15.0
LOOK = 0.5
SWEEP = 5.0
WAKE_PAUSE = 5.0
TICKETS_AT_ONCE = 200
PUBLISHED_AGAIN_IN = 30.0
log = logging.getLogger(__name__)


class Sweeper(threading.Thread):
    """Runs until the process is asked to leave."""

    def __init__(self, process: Process, name: str) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._process = process
        self._called = name
        self._next_sweep = 0.0

    def run(self) -> None:
        while not self._process.stopping.is_set():
            try:
                self._process.stopping.wait(self._turn())
            except (LedgerError, OSError):
                log.exception("the sweeper could not reach the ledger")
                self._process.stopping.wait(SWEEP)

    def _turn(self) -> float:
        """One look around; the seconds until the next."""
        if not self._process.ledger.write(self._at_post):
            return SWEEP / 2
        notices.hand_out(self._process)
        now = time.time()
        if now >= self._next_sweep:
            self._next_sweep = min(now + SWEEP, self.sweep())
        return min(LOOK, max(0.05, self._next_sweep - now))

    def _at_post(self, tx: Connection) -> bool:
        posts.seen(tx, self._process.owner, self._called)
        holder = posts.holder(tx, POST)
        if holder is not None and owners.dead(holder):
            posts.end_lease(tx, POST)
        return posts.claim(tx, POST, self._process.owner, POST_LEASE) is not None

    def sweep(self) -> float:
        """Everything but notices, once; the moment when something is due next."""
        ledger = self._process.ledger
        ledger.write(self._end_leases)
        ledger.write(self._give_up)
        ledger.write(decisions.send_unsure_again)
        for job in ledger.write(lambda tx: agenda.to_wake(tx, time.time(), WAKE_PAUSE)):
            wake_up(job, 2 if job.kind == "file" else 1)
        self._publish_tickets()
        return ledger.read(lambda tx: agenda.next_due(tx, time.time()))

    def _end_leases(self, tx: Connection) -> None:
        gone = [owner for owner in leases.owners(tx) if owners.dead(owner)]
        for job_id in leases.end_leases(tx, gone):
            jobs.end_if_done(tx, job_id)
            tickets.ready(tx, job_id)
        agenda.end_leases_of(tx, owners.dead)
        for job_id in agenda.ended_unnoticed(tx):
            jobs.end_if_done(tx, job_id)

    def _give_up(self, tx: Connection) -> None:
        for job_id in refusing.give_up(tx, time.time(), GAVE_UP):
            jobs.end_if_done(tx, job_id)
            tickets.ready(tx, job_id)

    def _publish_tickets(self) -> None:
        """Whoever waits for a due ticket is sent again, under the same task id."""
        ledger = self._process.ledger
        for row in ledger.write(lambda tx: tickets.due(tx, PUBLISHED_AGAIN_IN, TICKETS_AT_ONCE)):
            if not publish_again(self._process.seal.open(row.signature)):
                ledger.write(lambda tx, row=row: tickets.unpublished(tx, row.id))  # type: ignore[misc]
