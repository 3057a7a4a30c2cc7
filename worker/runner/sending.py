"""Sends one consignment and says what came back, as a reading or as one of the five errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from worker.answers import Lost, NotSent, lost, meaning
from worker.client import Parcel
from worker.errors import Busy, Down, Forbidden, Refused, Unsure
from worker.operation import Access
from worker.processes.process import Process
from worker.runner.books import Result
from worker.runner.consignment import Consignment, Question

LONGEST_WAIT_IN_PLACE = 2.0
LEASE_BEYOND_DEADLINE = 30.0
SHORTEST_KEY = 4
log = logging.getLogger(__name__)


def lease(total: float) -> float:
    """A claim outlives the longest request by half a minute."""
    return total + LEASE_BEYOND_DEADLINE


def ready(process: Process, consignment: Consignment | Question) -> Parcel:
    """Connect, then take the budget: right before the mark, on an open connection.

    Raises `Down` (never connected) or `Busy`; nothing was sent.
    """
    parcel = consignment.pack()
    try:
        process.client.open(parcel, consignment.operation)
    except NotSent as error:
        raise Down(f"no connection to {consignment.account.platform.title} ({error})") from None
    process.budget.take(consignment.account.id, consignment.account.pace, _file(consignment))
    return parcel


def _file(what: Consignment | Question) -> str | None:
    """The job, or the export, that this is one request of; calls, and questions about them, go before those."""
    if isinstance(what, Question):
        return what.bulk
    return what.job_id if not what.is_call else None


def ready_in_place(process: Process, consignment: Consignment | Question, before_waiting: Callable[[], None]) -> Parcel:
    """`ready`, waiting up to 2 s under the claim, unmarked, as long as nobody asks the process to leave."""
    until = time.monotonic() + LONGEST_WAIT_IN_PLACE
    while True:
        try:
            return ready(process, consignment)
        except Busy as busy:
            if process.stopping.is_set() or time.monotonic() + busy.wait > until:
                raise
            before_waiting()
            process.stopping.wait(busy.wait)


def send(process: Process, consignment: Consignment | Question, parcel: Parcel) -> Result:
    """One request. Whatever goes wrong in it is a result too: a marked chunk must always be booked."""
    try:
        answer = process.client.send(parcel, consignment.operation)
        process.latency[consignment.account.id].saw(answer.seconds)
        return meaning(consignment.operation, consignment.account.platform, consignment.if_lost, answer)
    except NotSent as error:
        return Down(f"never connected ({error})")
    except Lost as error:
        return lost(f"the answer is lost ({error})", consignment.if_lost)
    except Refused as error:
        return without_keys(error, consignment.access)
    except (Busy, Down, Forbidden, Unsure) as error:
        return error
    except Exception as error:
        log.exception("a request of %s ended in a mistake of ours", consignment.operation.name)
        return lost(f"our own mistake while sending: {type(error).__name__}", consignment.if_lost)


def without_keys(error: Refused, access: Access) -> Refused:
    """A platform may quote the request it refuses, and some take their keys in the body."""
    secrets = sorted((value for value in access.credentials.values() if len(value) >= SHORTEST_KEY), key=len)

    def blank(reason: str) -> str:
        for secret in reversed(secrets):
            reason = reason.replace(secret, "…")
        return reason

    return Refused([replace(one, reason=blank(one.reason)) for one in error.refusals], whole=error.whole)
