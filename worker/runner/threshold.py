"""The last step before the first byte, and the first after a failure: where a lane meets its account's door.

An outage must make hardly more than the calls on the wire unsure. So a failure is booked before the marks that
wait for a commit, and a lane whose mark was already on its way to the disk looks at the door once more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from worker import numbers, outage
from worker.errors import Busy, Forbidden
from worker.ledger import chunks, outlook, remarks
from worker.ledger.claims import Claim
from worker.ledger.types import Connection, Row
from worker.operation import Repeat
from worker.processes.process import Process
from worker.runner import books
from worker.runner.consignment import Consignment


class Marked(NamedTuple):
    """What the commit before the first byte did: whether to send, the next chunks, the probe this lane holds."""

    go: bool
    claimed: list[Row[Any]]
    probe: Claim | None


@dataclass(frozen=True)
class Threshold:
    """One lane's: its claims are `owner`'s and last `lease` seconds."""

    process: Process
    job: Row[Any]
    owner: str
    lease: float

    def mark(
        self,
        consignment: Consignment,
        probe: Claim | None,
        following: Callable[[Connection], list[Row[Any]]] | None,
    ) -> Marked:
        """Mark this chunk and claim the next, in one commit, unless the door was closed meanwhile."""
        marked = self.process.ledger.write(lambda tx: self._pass(tx, consignment, probe, following))
        if marked.go and marked.probe is None and self.process.failing[self.job.account]:
            return marked._replace(go=self.process.ledger.write(lambda tx: self._look_again(tx, consignment)))
        return marked

    def free(self, consignment: Consignment, probe: Claim | None) -> bool:
        """Rows that need no mark are claimed several at a time: whether these may still go, looked at without a commit.
        What may not is given back, so a pause, a cancel and a closed door act before the next request here as well."""
        if self.process.ledger.read(lambda tx: self._is_free(tx, consignment, probe)):
            return True
        self.process.ledger.write(lambda tx: self._stay(tx, consignment, 0.0))
        return False

    def _is_free(self, tx: Connection, consignment: Consignment, probe: Claim | None) -> bool:
        if not outlook.still_goes(tx, consignment.claim):
            return False
        if probe is None and not outage.is_open(tx, self.job.account):
            return False
        return consignment.seen is None or consignment.seen.holds(self.process, tx)

    def book_failure(self, consignment: Consignment, result: books.Result) -> None:
        """On disk when this comes back; other lanes of the process know of it from the first moment on."""
        failing = self.process.failing[self.job.account]
        failing.add(self.owner)
        try:
            self.process.ledger.write(lambda tx: books.book(self.process, tx, consignment, result), first=True)
        finally:
            failing.discard(self.owner)

    def _pass(
        self,
        tx: Connection,
        consignment: Consignment,
        held: Claim | None,
        following: Callable[[Connection], list[Row[Any]]] | None,
    ) -> Marked:
        try:
            probe = held or self._admit(tx, consignment)
        except Busy as closed:
            return self._stay(tx, consignment, closed.wait)
        except Forbidden as shut:
            return self._stay(tx, consignment, books.UNTIL_SOMEBODY_ACTS, why=str(shut))
        if self.process.stopping.is_set() or not self._marked(tx, consignment):
            return self._stay(tx, consignment, 0.0, probe)
        return Marked(True, following(tx) if following and probe is None else [], probe)

    def _look_again(self, tx: Connection, consignment: Consignment) -> bool:
        if not self._braked(consignment) or outage.is_open(tx, self.job.account):
            return True
        self._stay(tx, consignment, 0.0)
        return False

    def _stay(
        self, tx: Connection, sent: Consignment, wait: float, probe: Claim | None = None, why: str | None = None
    ) -> Marked:
        chunks.put_back(tx, sent.claim, wait, why=why)
        return Marked(False, [], probe)

    def _marked(self, tx: Connection, consignment: Consignment) -> bool:
        """False as well when somebody opted out since the request was made ready: then it is made ready anew."""
        if consignment.seen is not None and not consignment.seen.holds(self.process, tx):
            return False
        if consignment.if_lost is Repeat.SAFE:
            return chunks.renew(tx, consignment.claim, self.lease)
        skipped = consignment.skipped_by
        went = _that_go(consignment) if consignment.later or skipped else None
        marked = chunks.mark(tx, consignment.claim, consignment.left_out, skipped, self.lease, went)
        if marked and consignment.noted:
            remarks.write(tx, consignment.chunk, consignment.noted)
        return marked

    def _admit(self, tx: Connection, consignment: Consignment) -> Claim | None:
        return outage.admit(tx, self.job.account, self.owner, self.lease, braked=self._braked(consignment))

    def _braked(self, consignment: Consignment) -> bool:
        return consignment.repeat is Repeat.HARMFUL or not consignment.is_call


def _that_go(consignment: Consignment) -> str:
    """Their numbers in the job; those of a call are counted within its request."""
    before = int(consignment.chunk.first_row) - 1 if consignment.is_call else 0
    return numbers.written(before + number for number in consignment.numbers)
