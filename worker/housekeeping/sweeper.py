"""Wakes what nobody moved, ends leases, gives up, hands out notices. A thread in every worker process, one of
which holds the post; it sleeps until something is due, at most 0.5 s for notices and 5 s for the rest.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import Any

from worker import afterwards, notices  # noqa: F401 - the first follows notices
from worker.housekeeping import retention, telling, watch  # noqa: F401 - the second follows alarms
from worker.ledger import agenda, decisions, jobs, leases, owners, posts, refusing, tickets
from worker.ledger import notices as told
from worker.ledger.types import Connection, Row
from worker.newsletters import due as newsletters
from worker.platforms import looked_up
from worker.processes.process import Process
from worker.runner.books import GAVE_UP
from worker.settings import SettingsError
from worker.wake import publish_again, wake_up

POST = "sweep"
POST_LEASE = 15.0
LOOK = 0.5
SWEEP = 5.0
WAKE_PAUSE = 5.0
TICKETS_AT_ONCE = 200
PUBLISHED_AGAIN_IN = 30.0
ROUND_EVERY = 60.0
log = logging.getLogger(__name__)


class Sweeper(threading.Thread):
    """Runs until the process is asked to leave."""

    def __init__(self, process: Process, name: str) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._process = process
        self._called = name
        self._next_sweep = 0.0
        self._next_watch = 0.0
        self._next_round = time.time() + ROUND_EVERY
        self._letting_go = threading.Thread()
        self._telling = threading.Thread()

    def run(self) -> None:
        while not self._process.stopping.is_set():
            try:
                self._process.stopping.wait(self._turn())
            except Exception:
                # Without a sweeper nothing waits any less, so whatever it was, the next turn is tried.
                log.exception("the sweeper stumbled")
                self._process.stopping.wait(SWEEP)

    def _turn(self) -> float:
        """One look around; the seconds until the next."""
        if not self._process.ledger.write(self._at_post):
            self._end_leases_of_neighbours()
            return SWEEP / 2
        more = notices.hand_out(self._process)
        self._begin_to_tell()
        now = time.time()
        if now >= self._next_sweep:
            self._next_sweep = min(now + SWEEP, self.sweep())
        if now >= self._next_watch:
            self._next_watch = now + watch.EVERY
            watch.watch(self._process)
        if now >= self._next_round and not self._letting_go.is_alive():
            # Beside the sweeper: what is notified or woken does not wait until a bucket has answered.
            self._next_round = now + ROUND_EVERY
            self._letting_go = threading.Thread(target=self._let_go, name="retention", daemon=True)
            self._letting_go.start()
        return 0 if more else min(LOOK, max(0.05, self._next_sweep - now))

    def _begin_to_tell(self) -> None:
        """In a thread of its own, while there is something: it may have to wait for a server of somebody else's."""
        if not self._telling.is_alive() and self._process.ledger.read(partial(told.any_waiting, apart=True)):
            self._telling = threading.Thread(target=self._tell, name="telling", daemon=True)
            self._telling.start()

    def _tell(self) -> None:
        try:
            notices.hand_out_apart(self._process)
        except Exception:
            log.exception("what is told apart could not be told; it is tried again")

    def _let_go(self) -> None:
        try:
            while not self._process.stopping.is_set() and retention.let_go(self._process):
                continue
        except Exception:
            log.exception("what is to go after RETENTION_DAYS could not be let go; it is tried again")

    def _at_post(self, tx: Connection) -> bool:
        posts.seen(tx, self._process.owner, self._called)
        holder = posts.holder(tx, POST)
        if holder is not None and owners.dead(holder):
            posts.end_lease(tx, POST)
        return posts.claim(tx, POST, self._process.owner, POST_LEASE) is not None

    def sweep(self) -> float:
        """Everything but notices, once; the moment when something is due next."""
        ledger = self._process.ledger
        newsletters.look(self._process)
        for step in (self._end_leases, self._give_up):
            ledger.write(step)
        if ledger.read(decisions.any_to_send_again):
            ledger.write(decisions.send_unsure_again)
        for job in ledger.write(lambda tx: agenda.to_wake(tx, time.time(), WAKE_PAUSE)):
            wake_up(job, 2 if job.kind == "file" else 1)
        while self._publish_tickets() == TICKETS_AT_ONCE and not self._process.stopping.is_set():
            pass
        return ledger.read(lambda tx: agenda.next_due(tx, time.time()))

    def _end_leases_of_neighbours(self) -> None:
        """Who died on this machine is known on this machine alone, and whoever holds the post may be on another."""
        ledger = self._process.ledger
        if any(map(owners.dead, ledger.read(leases.owners))):
            ledger.write(self._end_leases)

    def _end_leases(self, tx: Connection) -> None:
        gone = [owner for owner in leases.owners(tx) if owners.dead(owner)]
        for job_id in leases.end_leases(tx, gone, looked_up()):
            jobs.end_if_done(tx, job_id)
            tickets.ready(tx, job_id)
        agenda.end_leases_of(tx, owners.dead)
        for job_id in agenda.ended_unnoticed(tx):
            jobs.end_if_done(tx, job_id)

    def _give_up(self, tx: Connection) -> None:
        for job_id in refusing.give_up(tx, time.time(), GAVE_UP):
            jobs.end_if_done(tx, job_id)
            tickets.ready(tx, job_id)

    def _publish_tickets(self) -> int:
        """Whoever waits for a due ticket is sent again, under the same task id; how many were due."""
        ledger = self._process.ledger
        due = ledger.write(lambda tx: tickets.due(tx, PUBLISHED_AGAIN_IN, TICKETS_AT_ONCE))
        for row in due:
            if not self._publish(row):
                ledger.write(lambda tx, row=row: tickets.unpublished(tx, row.id))  # type: ignore[misc]
                return 0
        return len(due)

    def _publish(self, row: Row[Any]) -> bool:
        """False when no broker takes it. One that can't be decrypted waits: its key may come back."""
        try:
            return publish_again(self._process.seal.open(row.signature))
        except SettingsError:
            log.exception("ticket %s can't be published", row.id)
            return True
