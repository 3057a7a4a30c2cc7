"""Moves a job of several steps. Each step is a call of its own, with all that calls are promised.

To move is one transaction that looks at the steps there are: it records the next, or writes what came of the last. It
asks nobody outside, so a kill leaves it before or after; and the job is locked, so of two who move it one finds the
step of the other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from worker import platforms
from worker.errors import Refused
from worker.intake import record
from worker.ledger import chunks, claims, jobs, planning, reports, steps
from worker.ledger.types import Connection, LedgerError, Row
from worker.notices import Notice, follows
from worker.operation import JSON
from worker.order import read_order
from worker.outcome import Outcome, Refusal, refused, skipped
from worker.parts import checked
from worker.process import Process
from worker.runner import books, results
from worker.wake import wake_up
from worker.wire import Step

LOOK_AGAIN = 30.0
log = logging.getLogger(__name__)
MOST_NAMED = 100_000
Carry = Callable[[Process, Row[Any]], None]
Answers = dict[str, Any]


def move(process: Process, job: Row[Any], carry: Carry) -> None:
    """Take steps as long as each ends at once; `carry` delivers the call that is one."""
    while not process.stopping.is_set():
        step = _take(process, job)
        if step is None:
            return
        carry(process, step)


def _take(process: Process, job: Row[Any]) -> Row[Any] | None:
    """A mistake of ours is nobody's answer: the job is looked at again."""
    try:
        return process.ledger.write(lambda tx: _next(process, tx, job.id))
    except LedgerError:
        raise
    except Exception:
        log.exception("job %s could not take its next step", job.id)
        return None


@follows("job.ended", "job.undecided", "job.decided")
def step_ended(process: Process, notice: Notice) -> bool:
    """Wake the job that this one is a step of; one that was stopped takes no further step, and is settled here."""

    def work(tx: Connection) -> Row[Any] | None:
        step = jobs.get(tx, notice.subject)
        if step is None or step.parent is None:
            return None
        steps.ended(tx, step.parent)
        job = jobs.get(tx, step.parent)
        if job is not None and job.state in jobs.ENDED:
            _next(process, tx, job.id)
            return None
        return job

    job = process.ledger.write(work)
    if job is not None:
        wake_up(job)
    return True


def _next(process: Process, tx: Connection, job_id: str) -> Row[Any] | None:
    """The step that was recorded now and nobody carries yet; None when there is nothing to carry."""
    job = jobs.locked(tx, job_id)
    chunk = planning.of_call(tx, job_id)
    if job is None or job.state == "paused" or chunk.state == "done":
        return None
    steps.wait(tx, chunk, LOOK_AGAIN, why=chunk.why)
    try:
        return _go_on(process, tx, job, chunk)
    except Refused as error:
        _settle(process, tx, chunk, refused(chunk.rows, _of_all(chunk, error.refusals)))
    except results.Refused as error:
        named = [Refusal(1, error.code, reason) for reason in error.reasons]
        _settle(process, tx, chunk, refused(chunk.rows, _of_all(chunk, named)))
    return None


def _go_on(process: Process, tx: Connection, job: Row[Any], chunk: Row[Any]) -> Row[Any] | None:
    operation = platforms.operation(job.operation)
    assert operation.steps is not None  # noqa: S101 - only such jobs come here
    payload, taken = checked(operation, process.seal.open(chunk.payload)), jobs.steps_of(tx, job.id)
    last = taken[-1] if taken else None
    if last is not None and last.state not in (*jobs.ENDED, "undecided"):
        steps.wait(tx, chunk, LOOK_AGAIN, why=f"its step {last.step}, job {last.id}, is under way")
        return None
    if last is not None and (last.step == operation.steps.rows or not _accepted(tx, last)):
        _settle_by(process, tx, chunk, last, _answer(process, tx, operation.steps.following, payload, taken))
        return None
    if job.state in jobs.ENDED:
        _settle(process, tx, chunk, skipped(chunk.rows, "cancelled"))
        return None
    step = operation.steps.following(payload, _answers(process, tx, taken))
    assert isinstance(step, Step)  # noqa: S101 - the answer comes after the step whose rows are the job's
    return _record(process, tx, job, step)


def _record(process: Process, tx: Connection, job: Row[Any], step: Step) -> Row[Any] | None:
    operation = platforms.operation(step.operation)
    words = {"payload": step.payload, "account": job.account.partition("/")[2], "key": f"{job.id}:{step.name}"}
    options = json.loads(job.options) if operation.addressed else {}
    order = replace(read_order(operation, words | {"options": options}), parent=job.id, step=step.name)
    return jobs.get(tx, record(process, tx, order, None).job_id)


def _accepted(tx: Connection, step: Row[Any]) -> int:
    return sum(row.accepted for row in planning.all_of_call(tx, step.id))


def _answers(process: Process, tx: Connection, taken: list[Row[Any]]) -> Answers:
    """What the platform said to each step. One that a person settled has no answer, and nothing can follow it."""
    found: Answers = {}
    for step in taken:
        answers = [process.seal.open(row.answer) if row.answer else None for row in planning.all_of_call(tx, step.id)]
        if not any(answers):
            reason = f"The answer to its step {step.step}, job {step.id}, was lost, so nothing could follow it."
            raise Refused([Refusal(1, "step.no_answer", reason, "Look at the platform, and ask for what is missing.")])
        found[step.step] = answers[0] if len(answers) == 1 else answers
    return found


def _answer(
    process: Process, tx: Connection, following: Callable[..., Step | JSON], payload: JSON, taken: list[Row[Any]]
) -> JSON | None:
    """The job's answer, when its last step has one."""
    if not any(row.answer for row in planning.all_of_call(tx, taken[-1].id)):
        return None
    answer = following(payload, _answers(process, tx, taken))
    return None if isinstance(answer, Step) else answer


def _settle_by(process: Process, tx: Connection, chunk: Row[Any], last: Row[Any], answer: JSON | None) -> None:
    """What became of the last step's rows became of the job's; where an earlier step fell, of all of them."""
    report = reports.of(tx, last.id) or {}
    rows, named = report["rows"], _refusals(tx, last.id)
    if rows["total"] != chunk.rows and named:
        came = refused(chunk.rows, _of_all(chunk, named))
    elif rows["total"] != chunk.rows and rows["skipped"]:
        came = skipped(chunk.rows, next(iter(report["skipped_by"])))
    else:
        by = (report["refused_by"], report["skipped_by"])
        came = Outcome(rows["accepted"], rows["refused"], rows["skipped"], *by, tuple(named), answer)
    why = f"the answer to its step {last.step}, job {last.id}, is lost"
    _settle(process, tx, chunk, came, why if rows["unsure"] else None)


def _settle(process: Process, tx: Connection, chunk: Row[Any], came: Outcome, unsure: str | None = None) -> None:
    held = claims.of(chunk)
    if unsure is not None:
        chunks.settle_in_part(tx, held, came, unsure)
    else:
        chunks.settle(tx, held, came)
    if came.answer is not None:
        chunks.keep_answer(tx, held, process.seal.close(came.answer))
    books.call_ended(tx, chunk.job_id)


def _refusals(tx: Connection, job_id: str) -> list[Refusal]:
    found = reports.refused_rows(tx, job_id, most=MOST_NAMED)
    return [Refusal(row.row, row.code, row.reason, row.advice, row.last) for row in found]


def _of_all(chunk: Row[Any], named: list[Refusal]) -> list[Refusal]:
    return [replace(one, row=1, last=chunk.rows if chunk.rows > 1 else None) for one in named]
