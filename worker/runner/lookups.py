"""Asks the platform what became of calls whose answer was lost (design §6, `awaiting`).

A request that the platform knows is settled as its own answer would have settled it. One that it does not know after
several looks was never taken, and goes once more. Where nobody could ask in the time the job allows, a person decides.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from worker import outage
from worker.errors import Busy, Down, Forbidden
from worker.ledger import claims, looking
from worker.ledger.types import Connection, Row
from worker.operation import Reading, Repeat
from worker.outcome import accepted
from worker.process import Process
from worker.runner import books, consignment, sending
from worker.runner.consignment import Consignment
from worker.wire import Lookup

AGAIN = 30.0
log = logging.getLogger(__name__)


def run(process: Process, job: Row[Any]) -> None:
    """Ask about every chunk of this job that is due."""
    lease = sending.lease(20.0)
    while not process.stopping.is_set():
        chunk = process.ledger.write(lambda tx: looking.claim_awaiting(tx, job.id, process.owner, lease))
        if chunk is None:
            return
        _look(process, job, chunk)


def _look(process: Process, job: Row[Any], chunk: Row[Any]) -> None:
    question, lookup = _question(process, job, chunk)
    try:
        result = sending.send(process, question, sending.ready_in_place(process, question, process.ledger.flush))
    except (Busy, Down) as error:
        result = error
    process.ledger.write(lambda tx: _book(process, tx, job, question, lookup, result))


def _question(process: Process, job: Row[Any], chunk: Row[Any]) -> tuple[Consignment, Lookup]:
    """The look-up as a consignment of its own: a safe read in the name of the chunk."""
    about = consignment.prepare_known(process, job, chunk)
    lookup = about.operation.lookup
    assert lookup is not None  # noqa: S101 - only such operations have chunks that are awaited
    wire = lookup.wire(about.payload or {}, datetime.fromtimestamp(chunk.sent_at, UTC))
    wire = replace(wire, method=wire.method or "GET")
    pack = partial(process.client.pack, about.operation, about.account.platform, about.account.access, wire)
    return replace(about, repeat=Repeat.SAFE, pack=pack), lookup


def _book(
    process: Process, tx: Connection, job: Row[Any], question: Consignment, lookup: Lookup, result: books.Result
) -> None:
    held = claims.of(question.chunk)
    match result:
        case Reading():
            outage.answered(tx, job.account)
            _read(process, tx, question, lookup, result)
        case Forbidden():
            outage.forbid(tx, job.account, str(result), result.first)
            looking.look_up(tx, held, books.UNTIL_SOMEBODY_ACTS, str(result))
        case _ if time.time() > job.give_up_at:
            looking.leave_to_a_person(tx, held, f"the answer is lost, and the platform could not be asked ({result})")
            books.call_ended(tx, job.id)
        case _:
            looking.look_up(tx, held, getattr(result, "wait", None) or AGAIN, f"the platform is asked again ({result})")


def _read(process: Process, tx: Connection, question: Consignment, lookup: Lookup, reading: Reading) -> None:
    chunk = question.chunk
    found = lookup.found(question.payload or {}, reading.answer or {})
    if found is not None:
        books.settle(process, tx, question, accepted(question.rows, (), found))
    elif chunk.looks + 1 < lookup.looks:
        looking.look_up(tx, claims.of(chunk), lookup.settle, "the platform does not know it yet", looked=True)
    else:
        log.info("chunk %s of job %s is not known to the platform: it goes once more", chunk.n, chunk.job_id)
        looking.not_taken(tx, claims.of(chunk), "the platform does not know it: it was not taken")
