"""Writes what came of a consignment: the one place where an answer or an error becomes a chunk's next state."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from worker import numbers, outage
from worker.errors import Busy, Down, Forbidden, Refused, Unsure
from worker.ledger import chunks, claims, jobs, looking, refusing, tickets
from worker.ledger.types import Connection, Row
from worker.linking import links
from worker.operation import Reading
from worker.outcome import Outcome, Refusal, refused
from worker.processes.process import Process
from worker.runner import apart, awaiting, halves, replies
from worker.runner.consignment import Consignment

TRIES = 6
BACKOFF_BASE = 2.0
BACKOFF_CAP = 300.0
UNTIL_SOMEBODY_ACTS = 60.0
GAVE_UP = Refusal(
    1,
    "gave_up",
    "It could not be delivered in the time its job allows, and it was not sent.",
    "When the platform is well again, send these rows again.",
)

GAVE_UP_TRYING = Refusal(
    1,
    "gave_up",
    "The platform took it several times, and never got to it.",
    "When the platform is well again, send these rows again.",
)

Result = Reading | Exception


def book(process: Process, tx: Connection, sent: Consignment, result: Result) -> None:
    """Settle, put back or lose the chunk, and move the account's door."""
    account = sent.account.id
    match result:
        case Reading():
            _answered(process, tx, sent, result)
            outage.answered(tx, account)
        case Refused():
            if not (apart.fell_back(tx, sent, result) or halves.halved(process, tx, sent, result)):
                settle(process, tx, sent, _all_refused(sent, result))
            outage.answered(tx, account)
        case Unsure():
            _lose(tx, sent, str(result))
            outage.failed(tx, account, str(result))
            _ended(tx, sent)
        case Busy():
            chunks.put_back(tx, sent.claim, result.wait, why=str(result))
            outage.busy(tx, account, result.wait)
        case Forbidden():
            _forbidden(process, tx, sent, result)
        case Down():
            _down(tx, sent, result)
        case _:
            _try_again(tx, sent.job_id, sent.chunk, f"our own mistake: {type(result).__name__}", None)


def refuse_unsent(tx: Connection, job_id: str, chunk: Row[Any], error: Refused) -> None:
    """Our own check left no row to send. The platform was not asked, so its door does not move."""
    chunks.settle(tx, claims.of(chunk), refused(chunk.rows, error.refusals))
    if chunk.payload is not None:
        replies.next_turn(tx, chunk)
        call_ended(tx, job_id)


def settle_unsent(tx: Connection, chunk: Row[Any], outcome: Outcome) -> None:
    """No row of a chunk was left to send: each was refused, or stays behind."""
    chunks.settle(tx, claims.of(chunk), outcome)
    if chunk.payload is not None:
        replies.next_turn(tx, chunk)
        call_ended(tx, chunk.job_id)


def settle(process: Process, tx: Connection, sent: Consignment, came: Outcome, unsure: int = 0) -> None:
    """Write what came of it; of `unsure` rows nobody can say."""
    replies.settle(process, tx, sent, came, unsure)
    _ended(tx, sent)


def _answered(process: Process, tx: Connection, sent: Consignment, reading: Reading) -> None:
    """The platform tells now what came of the rows, or takes them and tells later; nobody asks it for a job that was
    stopped."""
    if sent.later is None:
        settle(process, tx, sent, *replies.outcome(sent, reading))
        return
    receipt = sent.later.receipt(reading.answer or {})
    wait = awaiting.wait(tx, sent.job_id, sent.later, sent.account.pace)
    if not looking.take(tx, sent.claim, receipt, wait, "the platform took it, and tells later what came of it"):
        chunks.lose(tx, sent.claim, "the platform took it, and the job was stopped before it told what came of it")


def _lose(tx: Connection, sent: Consignment, why: str) -> None:
    """Looked up where the platform can be asked, else for a person."""
    lookup = sent.operation.lookup if sent.is_call else None
    settle = sent.later.first if sent.later else lookup.settle if lookup else None
    if settle is None or not looking.look_up(tx, sent.claim, settle, why):
        chunks.lose(tx, sent.claim, why)


def _ended(tx: Connection, sent: Consignment) -> None:
    """A call ends with its only chunk; the lanes of a file look when they find no more to claim."""
    if sent.is_call:
        call_ended(tx, sent.job_id)


def call_ended(tx: Connection, job_id: str) -> None:
    jobs.end_if_done(tx, job_id)
    tickets.ready(tx, job_id)


def _all_refused(sent: Consignment, error: Refused) -> Outcome:
    """What the platform said of the whole request is said of every row that was in it, as a range."""
    if not error.whole:
        return refused(sent.not_skipped, [*sent.left_out, *error.refusals], sent.skipped_by)
    whole = refusing.of_all(sent.chunk, error.refusals[0])
    if sent.skipped_by and sent.numbers:  # those that stayed behind were not in it
        spans = numbers.spans(sent.numbers)
        whole = [replace(error.refusals[0], row=a, last=b if b > a else None) for a, b in spans]
    return refused(sent.not_skipped, [*sent.left_out, *whole], sent.skipped_by)


def stumble(tx: Connection, job_id: str, chunk: Row[Any], error: Exception) -> None:
    """We could not make it ready, for a reason that is our own mistake: tried again, in the end refused."""
    _try_again(tx, job_id, chunk, f"our own mistake: {type(error).__name__}", None)


def wait_for_somebody(tx: Connection, chunk: Row[Any], why: str) -> None:
    chunks.put_back(tx, claims.of(chunk), UNTIL_SOMEBODY_ACTS, why=why)


def _forbidden(process: Process, tx: Connection, sent: Consignment, error: Forbidden) -> None:
    """Of the account's link, or of the account."""
    chunks.put_back(tx, sent.claim, UNTIL_SOMEBODY_ACTS, why=str(error))
    if error.link:
        links.broke(process, tx, sent.account, sent.access, error)
    else:
        outage.forbid(tx, sent.account.id, str(error), error.first)


def _down(tx: Connection, sent: Consignment, error: Down) -> None:
    until_probe = outage.failed(tx, sent.account.id, str(error))
    if until_probe is None:
        _try_again(tx, sent.job_id, sent.chunk, str(error), error.wait)
    else:
        chunks.put_back(tx, sent.claim, until_probe, why=str(error))


def _try_again(tx: Connection, job_id: str, chunk: Row[Any], why: str, wait: float | None) -> None:
    """The try is counted; after the last one the rows are refused: they were not sent."""
    tries = chunk.tries + 1
    if tries < TRIES:
        chunks.put_back(tx, claims.of(chunk), backoff(tries) if wait is None else wait, tried=True, why=why)
        return
    refusing.refuse_whole(tx, chunk, GAVE_UP)
    if chunk.payload is not None:
        replies.next_turn(tx, chunk)
        call_ended(tx, job_id)


def backoff(tries: int) -> float:
    """Seconds until the next try, anywhere up to a time that doubles."""
    return random.uniform(0, min(BACKOFF_CAP, BACKOFF_BASE * 2**tries))  # noqa: S311 - spreads, hides nothing
