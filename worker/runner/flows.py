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
from worker.facts.wire import Step, Steps
from worker.ledger import chunks, claims, jobs, newsletter_jobs, planning, steps
from worker.ledger.types import Connection, LedgerError, Row
from worker.notices import Notice, follows
from worker.operation import JSON
from worker.orders.intake import record
from worker.orders.order import read_order
from worker.orders.parts import checked, steps_for
from worker.outcome import Outcome, Refusal, refused, skipped
from worker.processes.process import Process
from worker.runner import books, flow_rows, results
from worker.wake import wake_up

LOOK_AGAIN = 30.0
log = logging.getLogger(__name__)
Carry = Callable[[Process, Row[Any]], None]
Answers = dict[str, Any]


def steps_of(job: Row[Any]) -> Steps | None:
    """How a call goes on that takes several; None for one that is a request itself."""
    return steps_for(platforms.operation(job.operation), json.loads(job.options))


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
        _settle(process, tx, chunk, refused(chunk.rows, flow_rows.of_all(chunk, error.refusals)))
    except results.Refused as error:
        named = [Refusal(1, error.code, reason) for reason in error.reasons]
        _settle(process, tx, chunk, refused(chunk.rows, flow_rows.of_all(chunk, named)))
    return None


def _go_on(process: Process, tx: Connection, job: Row[Any], chunk: Row[Any]) -> Row[Any] | None:
    payload, taken, asked = _opened(process, job, chunk), jobs.steps_of(tx, job.id), steps_of(job)
    assert asked is not None  # noqa: S101 - only such jobs come here
    last = taken[-1] if taken else None
    if last is not None and last.state not in (*jobs.ENDED, "undecided"):
        steps.wait(tx, chunk, LOOK_AGAIN, why=f"its step {last.step}, job {last.id}, is under way")
        return None
    if last is not None and (last.step == asked.rows or not flow_rows.accepted(tx, last)):
        _settle_by(process, tx, chunk, asked, taken, _answer(process, tx, asked, payload, taken))
        return None
    if job.state in jobs.ENDED:
        _settle(process, tx, chunk, skipped(chunk.rows, "cancelled"))
        return None
    step = asked.following(payload, _answers(process, tx, asked, taken))
    assert isinstance(step, Step)  # noqa: S101 - the answer comes after the step whose rows are the job's
    return _record(process, tx, job, step)


def _opened(process: Process, job: Row[Any], chunk: Row[Any]) -> JSON:
    return checked(platforms.operation(job.operation), process.seal.open(chunk.payload))


def _record(process: Process, tx: Connection, job: Row[Any], step: Step) -> Row[Any] | None:
    operation, payload = platforms.operation(step.operation), step.each[0] if step.each else step.payload
    words = {"payload": payload, "account": job.account.partition("/")[2], "key": f"{job.id}:{step.name}"}
    order = read_order(operation, words | {"options": _options(job) if operation.transactional else {}})
    order = replace(order, each=step.each, parent=job.id, step=step.name)
    step_id = record(process, tx, order, None).job_id
    newsletter = newsletter_jobs.sent_by(tx, job.id)
    if newsletter is not None and newsletter.expires_at is not None:
        newsletter_jobs.give_up_at(tx, step_id, newsletter.expires_at)
    return jobs.get(tx, step_id)


def _options(job: Row[Any]) -> JSON:
    """What was chosen of how a job is made is its own affair; everything else holds for its steps too."""
    chosen = {choice.name for choice in platforms.operation(job.operation).choices}
    return {name: value for name, value in json.loads(job.options).items() if name not in chosen}


def _answers(process: Process, tx: Connection, asked: Steps, taken: list[Row[Any]]) -> Answers:
    """What the platform said to each step. One that a person settled has no answer, and nothing can follow it."""
    found: Answers = {}
    for step in taken:
        if step.step == asked.first:
            found[step.step] = planning.accepted_rows(tx, step.id)
            continue
        answers = [process.seal.open(row.answer) if row.answer else None for row in planning.all_of_call(tx, step.id)]
        if not any(answers):
            reason = f"The answer to its step {step.step}, job {step.id}, was lost, so nothing could follow it."
            raise Refused([Refusal(1, "step.no_answer", reason, "Look at the platform, and ask for what is missing.")])
        found[step.step] = answers[0] if len(answers) == 1 else answers
    return found


def _answer(process: Process, tx: Connection, asked: Steps, payload: JSON, taken: list[Row[Any]]) -> JSON | None:
    """The job's answer, when its last step has one."""
    if taken[-1].step != asked.rows or not any(row.answer for row in planning.all_of_call(tx, taken[-1].id)):
        return None
    answer = asked.following(payload, _answers(process, tx, asked, taken))
    return None if isinstance(answer, Step) else answer


def _settle_by(
    process: Process, tx: Connection, chunk: Row[Any], asked: Steps, taken: list[Row[Any]], answer: JSON | None
) -> None:
    came, unsure = flow_rows.came_of(tx, chunk, asked, taken, answer)
    why = f"the answer to its step {taken[-1].step}, job {taken[-1].id}, is lost"
    _settle(process, tx, chunk, came, why if unsure else None)


def _settle(process: Process, tx: Connection, chunk: Row[Any], came: Outcome, unsure: str | None = None) -> None:
    held = claims.of(chunk)
    if unsure is not None:
        chunks.settle_in_part(tx, held, came, unsure)
    else:
        chunks.settle(tx, held, came)
    if came.answer is not None:
        chunks.keep_answer(tx, held, process.seal.close(came.answer))
    books.call_ended(tx, chunk.job_id)
