"""Gives each operation its Celery task. The task holds no logic: it says what came in, and hands it on."""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery, Task
from celery.exceptions import Reject

from worker import notices
from worker.ledger import jobs, tickets
from worker.ledger.types import LedgerError, NotTaken
from worker.operation import Operation
from worker.orders.intake import put
from worker.orders.order import Order, read_order, refused
from worker.processes.process import process
from worker.quiet import QuietRequest, is_wake_up
from worker.runner import call, files, sending
from worker.runner.results import Refused, Unsure
from worker.wake import HAND_OUT, queue_of, wake_up

LEDGER_PAUSE, LEDGER_PAUSES = 1.0, 600
log = logging.getLogger(__name__)


class OperationTask(Task[Any, Any]):
    """One task a declared operation: applications' orders, and our own wake-ups, which carry `wake` and an id."""

    abstract = True
    Request = QuietRequest  # type: ignore[assignment] # Celery takes the class as well as its path
    throws = (Refused, Unsure)
    acks_late = True
    operation: Operation

    def run(self, *args: Any, **kwargs: Any) -> Any:
        if is_wake_up(kwargs):
            return moved(str(kwargs["wake"]))
        for _ in range(LEDGER_PAUSES):
            try:
                return self._asked(args, kwargs)
            except NotTaken as error:
                raise Refused("text.not_taken", [f"The ledger can't store it: {type(error.orig).__name__}."]) from None
            except LedgerError as error:
                log.error("the ledger is away (%s); the message waits in the broker", type(error).__name__)
            if process().stopping.wait(LEDGER_PAUSE):
                break
        # The message is all there is until its job is recorded: it goes back, and comes again. Not more often than
        # needed, for RabbitMQ 4 throws away what was given back twenty times.
        raise Reject(requeue=True)

    def _asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        own = process()
        task_id = str(self.request.id)
        words = _words(self.operation, args, kwargs)
        # What is published again after a wait carries nothing; what has words is seen to be known when it is recorded.
        if not words and own.ledger.read(lambda tx: tickets.get(tx, task_id)) is not None:
            return call.known_run(own, task_id, sending.lease(self.operation.timeouts.total))
        order = read_order(self.operation, words)
        if order.kind == "call":
            return call.first_run(own, self, order)
        return filed(order, task_id)

    def after_return(self, status: str, _retval: Any, task_id: str, _args: Any, kwargs: Any, _einfo: Any) -> None:
        """Celery has stored the result and fired what hangs on it."""
        if not is_wake_up(kwargs) and status in ("SUCCESS", "FAILURE"):
            # With the next commit: a kill before it means that links may fire twice, which nobody promised against.
            process().ledger.later(lambda tx: tickets.handed_over(tx, task_id))


class HandOut(Task[Any, Any]):
    """Somebody has written notices: they are handed out at once, in a process that bulk work does not hold up."""

    name = HAND_OUT
    Request = QuietRequest  # type: ignore[assignment] # as above
    ignore_result = True
    acks_late = True

    def run(self, **_: Any) -> None:
        while notices.hand_out(process()):
            pass


def filed(order: Order, task_id: str) -> str:
    """A file's order: recorded, and its planning woken. The result is the job's id."""
    job = put(process(), order, task_id)
    wake_up(job)
    return str(job.id)


def moved(job_id: str) -> None:
    """One step of a job."""
    own = process()
    job = own.ledger.read(lambda tx: jobs.get(tx, job_id))
    if job is None or job.state in jobs.ENDED:
        return
    (files.move if job.kind == "file" else call.move)(own, job)


def give_task(app: Celery, operation: Operation) -> None:
    """Register the operation under its own name, with an explicit route."""
    task = type(
        "Task", (OperationTask,), {"name": operation.name, "operation": operation, "__doc__": operation.summary}
    )
    app.register_task(task())


def routes(operations: list[Operation]) -> dict[str, dict[str, str]]:
    return {op.name: {"queue": queue_of(op.platform, "call" if op.takes_calls else "file")} for op in operations}


def _words(operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The first positional argument is the result of a chain's parent: the payload, if none was given."""
    if len(args) > 1:
        raise refused(
            "words.positional",
            f"{operation.name} takes one positional argument, the payload; name the others: payload=…, key=…",
        )
    if args and operation.takes_calls and not {"payload", "source", "rows"} & set(kwargs):
        return {"payload": args[0], **kwargs}
    return kwargs
