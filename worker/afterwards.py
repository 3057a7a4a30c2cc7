"""What one job asked to be sent when none of its rows is pending any more (design §8): its `then` however it ended, its
`on_error` besides when not all went well. Each once, at least once on the wire: `report["job"]` tells a repeat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from worker.ledger import jobs, reports
from worker.ledger.types import Row
from worker.notices import Notice, follows
from worker.orders.options import is_text
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.wake import send

JSON = dict[str, Any]


def off_afterwards(then: list[JSON], on_error: list[JSON]) -> Iterator[Refusal]:
    """What of it could not be sent: found out before anything is recorded."""
    if not all(map(_is_step, then)):
        yield Refusal(
            1,
            "then.invalid",
            "Each entry of `then` is an object with task and queue, both texts, and kwargs, an object, if wanted.",
        )
    if not all(map(_is_step, on_error)):
        yield Refusal(
            1,
            "on_error.invalid",
            "Each entry of `on_error` is an object with task and queue, both texts, and kwargs, an object, if wanted.",
        )


def went_wrong(report: JSON) -> bool:
    """Whether a command that waits for the job would end with anything but 0: what was skipped was meant to be."""
    rows = report["rows"]
    return report["state"] in ("failed", "cancelled") or bool(rows["refused"] or rows["unsure"])


@follows("job.ended", "job.undecided")
def then(process: Process, notice: Notice) -> bool:
    return _sent(process, notice, lambda job, _report: str(job.then))


@follows("job.ended", "job.undecided")
def on_error(process: Process, notice: Notice) -> bool:
    return _sent(process, notice, lambda job, report: str(job.on_error) if went_wrong(report) else "[]")


def _sent(process: Process, notice: Notice, which: Callable[[Row[Any], JSON], str]) -> bool:
    """False when a broker did not take all of it, so that it is sent again."""
    job = process.ledger.read(lambda tx: jobs.get(tx, notice.subject))
    if job is None or job.then == job.on_error == "[]":
        return True
    report = process.ledger.read(lambda tx: reports.of(tx, job.id))
    assert report is not None  # noqa: S101 - there is the job
    steps = json.loads(which(job, report))
    return all(send(step["task"], step["queue"], {**step.get("kwargs", {}), "report": report}) for step in steps)


def _is_step(step: Any) -> bool:
    if not isinstance(step, dict) or not {"task", "queue"} <= set(step) <= {"task", "queue", "kwargs"}:
        return False
    return all(is_text(step[name]) for name in ("task", "queue")) and isinstance(step.get("kwargs", {}), dict)
