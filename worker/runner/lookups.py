"""Asks the platform what became of calls whose answer was lost (design §6, `awaiting`).

A request that the platform knows is settled as its own answer would have settled it. One that it does not know after
several looks was never taken, and goes once more. Where nobody could ask in the time the job allows, a person decides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from worker import platforms
from worker.errors import Busy, Down, Forbidden
from worker.facts.wire import Lookup
from worker.ledger import claims, looking
from worker.ledger.types import Connection, Row
from worker.linking.links import access_of
from worker.operation import JSON, Reading, Repeat
from worker.orders.parts import checked
from worker.outcome import accepted
from worker.processes.process import Process
from worker.runner import asking, books, sending
from worker.runner.consignment import Consignment

AGAIN = 30.0
log = logging.getLogger(__name__)


def run(process: Process, job: Row[Any]) -> None:
    """Ask about every chunk of this job that is due."""
    lease = sending.lease(platforms.operation(job.operation).timeouts.total)
    while not process.stopping.is_set():
        chunk = process.ledger.write(lambda tx: looking.claim_awaiting(tx, job.id, process.owner, lease))
        if chunk is None:
            return
        process.ledger.write(_looked(process, job, chunk))


def _looked(process: Process, job: Row[Any], chunk: Row[Any]) -> Callable[[Connection], None]:
    """One look; what is to be written of it. A mistake of ours is no answer: it is looked at again."""
    try:
        question, lookup = _question(process, job, chunk)
        result = asking.ask(process, question)
        if isinstance(result, Reading):
            found = lookup.found(question.payload or {}, result.answer or {})
            return partial(_told, process=process, question=question, lookup=lookup, found=found)
    except (Busy, Forbidden) as shut:
        result = shut
    except Exception as error:
        log.exception("chunk %s of job %s could not be looked up", chunk.n, job.id)
        result = Down(f"our own mistake: {type(error).__name__}")
    return partial(_not_told, job=job, chunk=chunk, result=result)


def _question(process: Process, job: Row[Any], chunk: Row[Any]) -> tuple[Consignment, Lookup]:
    """The look-up in the name of the chunk: a safe read, instead of the chunk's own request."""
    operation, account = platforms.operation(job.operation), platforms.account(job.account)
    assert operation.lookup is not None  # noqa: S101 - only such operations have chunks that are awaited
    payload = checked(operation, process.seal.open(chunk.payload))
    wire = operation.lookup.wire(payload, datetime.fromtimestamp(chunk.sent_at, UTC))
    wire = replace(wire, method=wire.method or "GET")
    access = access_of(process, operation, account)
    pack = partial(process.client.pack, operation, account.platform, access, wire)
    about = Consignment(job.id, operation, account, access, chunk, claims.of(chunk), pack, Repeat.SAFE, payload=payload)
    return about, operation.lookup


def _told(tx: Connection, process: Process, question: Consignment, lookup: Lookup, found: JSON | None) -> None:
    chunk = question.chunk
    if found is not None:
        books.settle(process, tx, question, accepted(question.rows, (), found))
    elif chunk.looks + 1 < lookup.looks:
        looking.look_up(tx, claims.of(chunk), lookup.settle, "the platform does not know it yet", looked=True)
    else:
        log.info("chunk %s of job %s is not known to the platform: it goes once more", chunk.n, chunk.job_id)
        looking.not_taken(tx, claims.of(chunk), "the platform does not know it: it was not taken")


def _not_told(tx: Connection, job: Row[Any], chunk: Row[Any], result: books.Result) -> None:
    held = claims.of(chunk)
    if time.time() > job.give_up_at:
        looking.leave_to_a_person(tx, held, f"the answer is lost, and the platform could not be asked ({result})")
        books.call_ended(tx, job.id)
        return
    looking.look_up(tx, held, getattr(result, "wait", None) or AGAIN, f"the platform is asked again ({result})")
