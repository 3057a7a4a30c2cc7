"""A call and its Celery result (design §6): the ticket says what a task is owed, the chunk what became of the call."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery import Task
from celery.exceptions import Ignore, Retry

from worker import platforms
from worker.ledger import chunks, claims, jobs, looking, planning, reports, tickets
from worker.ledger.claims import Claim
from worker.ledger.types import Connection, Row
from worker.operation import JSON
from worker.orders.intake import record
from worker.orders.order import Order
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.runner import at_once, flows, lookups, sending, suspects
from worker.runner.at_once import Leaving
from worker.runner.lane import Lane
from worker.runner.results import Refused, Unsure

LOOK_AGAIN = 5.0
SLICE = 20.0
# Until its job is recorded a message that waits for a slot is as safe as one that waits for a thread: in the broker.
PATIENCE = 0.5


@dataclass(frozen=True)
class Held:
    """What a run of the task holds: its ticket, and the chunk when it is due and nobody else's."""

    ticket: Claim
    job_id: str
    chunk: Row[Any] | None
    goes_at_once: bool = False


def first_run(process: Process, task: Task[Any, Any], order: Order) -> Any:
    """Commit job and ticket together, then deliver."""
    lease = sending.lease(order.operation.timeouts.total)
    signature = process.seal.close(dict(task.signature_from_request(args=(), kwargs={})))
    task_id = str(task.request.id)

    def take_in(tx: Connection, leaving: Leaving | None = None) -> Held | None:
        if tickets.get(tx, task_id) is not None:
            return _again(process, tx, task_id, lease)
        turn = _has_its_turn(process, tx, order)
        go = turn and leaving is not None and leaving.may_go(process, tx)
        marked = leaving is not None and go and leaving.marked
        owner = process.owner if turn else None
        claimed = partial(planning.add_call, owner=owner, lease=lease, marked=marked)
        job_id, new, chunk = record(process, tx, order, task_id, claimed)
        ticket = tickets.open_held(tx, task_id, job_id, signature, process.owner, lease)
        if ticket is None:
            return None
        mine = chunk if new and turn else None if new else _claim(process, tx, job_id, lease)
        return Held(ticket, job_id, mine, go and new)

    with process.slots.call(order.account, PATIENCE) as free:
        leaving = at_once.ready(process, order) if free else None
        held = process.ledger.write(lambda tx: take_in(tx, leaving))
        if leaving is not None and held is not None and held.chunk is not None and held.goes_at_once:
            return _result(process, held.ticket, [at_once.send(process, leaving, held.chunk)])
    return _deliver(process, held)


def _has_its_turn(process: Process, tx: Connection, order: Order) -> bool:
    """Calls for one person go out in the order they were asked for."""
    person = order.parts[0].person
    return person is None or not looking.any_ahead(tx, process.people.whom(tx, order.account, person))


def known_run(process: Process, task_id: str, lease: float) -> Any:
    """A copy of a message whose ticket exists: published again after a wait, or delivered twice by the broker."""
    return _deliver(process, process.ledger.write(lambda tx: _again(process, tx, task_id, lease)))


def move(process: Process, job: Row[Any]) -> None:
    """A wake-up of a call that nobody waits for with a Celery task."""
    lease = sending.lease(platforms.operation(job.operation).timeouts.total)
    _carry_all(process, job, process.ledger.write(lambda tx: _claim(process, tx, job.id, lease)))


def revoked(process: Process, task_id: str) -> None:
    """Celery was told to forget this task, or it expired: what was not sent of its call never is."""

    def work(tx: Connection) -> None:
        row = tickets.get(tx, task_id)
        if row is None or row.state != "waiting":
            return
        tickets.handed_over(tx, task_id)
        if not tickets.anybody_waits(tx, row.job_id):
            jobs.stop(tx, row.job_id, "cancelled", "cancelled", why="its task was revoked or has expired")

    process.ledger.write(work)


def _again(process: Process, tx: Connection, task_id: str, lease: float) -> Held | None:
    """None when it is handed over already, or in other hands."""
    row = tickets.get(tx, task_id)
    ticket = tickets.claim(tx, task_id, process.owner, lease)
    if row is None or ticket is None:
        return None
    return Held(ticket, row.job_id, _claim(process, tx, row.job_id, lease))


def _claim(process: Process, tx: Connection, job_id: str, lease: float) -> Row[Any] | None:
    taken = chunks.claim(tx, job_id, process.owner, lease)
    return taken[0] if taken else None


def _deliver(process: Process, held: Held | None) -> Any:
    if held is None:
        raise Ignore
    job = process.ledger.read(lambda tx: jobs.get(tx, held.job_id))
    assert job is not None  # noqa: S101 - a ticket's job is a foreign key
    return _result(process, held.ticket, _carry_all(process, job, held.chunk))


def _carry_all(process: Process, job: Row[Any], chunk: Row[Any] | None) -> list[Row[Any]]:
    """Whatever of a call can be done now: its chunks one after the other, and questions about lost ones. All its
    chunks as they are then."""
    if flows.steps_of(job) is not None:
        flows.move(process, job, carry=move)
        return process.ledger.read(lambda tx: planning.all_of_call(tx, job.id))
    until = time.monotonic() + SLICE
    while chunk is not None:
        _carry(process, job, chunk)
        chunk = process.ledger.write(partial(_following, process, job, chunk)) if time.monotonic() < until else None
    found = process.ledger.read(lambda tx: planning.all_of_call(tx, job.id))
    if any(row.state == "waiting" and row.suspect for row in found):
        suspects.run(process, job)
    elif any(row.state == "awaiting" for row in found):
        lookups.run(process, job)
    else:
        return found
    return process.ledger.read(lambda tx: planning.all_of_call(tx, job.id))


def _following(process: Process, job: Row[Any], before: Row[Any], tx: Connection) -> Row[Any] | None:
    """The next of a call that takes many requests, if this one is done."""
    if chunks.get(tx, before.id).state != "done":
        return None
    return _claim(process, tx, job.id, sending.lease(platforms.operation(job.operation).timeouts.total))


def _carry(process: Process, job: Row[Any], chunk: Row[Any]) -> None:
    with process.slots.call(job.account) as free:
        if free:
            Lane(process, job, 0, _nothing).carry_one(chunk)
        else:
            process.ledger.write(lambda tx: chunks.put_back(tx, claims.of(chunk), 0.5, why="the account is busy here"))


def _result(process: Process, ticket: Claim, found: list[Row[Any]]) -> Any:
    """Return or raise what Celery shall store; or leave the ticket waiting, with the message done."""
    for chunk in found:
        if chunk.state not in ("unsure", "done"):
            raise _later(process, ticket, chunk)
    for chunk in found:
        if chunk.state == "unsure":
            raise Unsure(chunk.why or "the answer is lost", chunk.job_id)
    if any(chunk.accepted for chunk in found):
        return _accepted(process, found)
    raise Refused.of(process.ledger.read(lambda tx: _reasons(tx, found[0])), found[0].job_id)


def _accepted(process: Process, found: list[Row[Any]]) -> JSON:
    """The platform's own words, in a list where one call took several requests; and why some rows were refused."""
    answers = [process.seal.open(chunk.answer) if chunk.answer else None for chunk in found]
    said = {
        "job": found[0].job_id,
        "state": "finished",
        "answer": answers[0] if len(answers) == 1 else answers,
        "repeated": any(chunk.repeated for chunk in found),
    }
    if any(chunk.refused for chunk in found):
        reasons = process.ledger.read(lambda tx: _reasons(tx, found[0]))
        said["refused"] = [{"row": one.row, "code": one.code, "reason": one.reason} for one in reasons]
    return said


def _reasons(tx: Connection, chunk: Row[Any]) -> list[Refusal]:
    rows = reports.refused_rows(tx, chunk.job_id)
    if rows:
        return [Refusal(row.row, row.code, row.reason, row.advice) for row in rows]
    if chunk.refused_by:
        return [Refusal(1, next(iter(json.loads(chunk.refused_by))), "It was refused; why is no longer on record.")]
    code = next(iter(json.loads(chunk.skipped_by or '{"cancelled": 1}')))
    return [Refusal(1, code, "It was never sent.")]


def _later(process: Process, ticket: Claim, chunk: Row[Any]) -> Retry:
    """State RETRY, message done with; the sweeper publishes the stored signature when the ticket is due."""
    named = chunk.state in ("waiting", "awaiting") and chunk.not_before > time.time()
    due = chunk.not_before if named else time.time() + LOOK_AGAIN
    wait = max(0.0, due - time.time())
    process.ledger.write(lambda tx: tickets.wait(tx, ticket, wait))
    return Retry(chunk.why or "it waits", when=dt.datetime.fromtimestamp(due, dt.UTC))


def _nothing(_share: float) -> None:
    """A call asks for no further lanes."""
