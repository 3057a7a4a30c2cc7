"""A job that was paused has, when it goes on, the time of its own kind, or that which it is given."""

from __future__ import annotations

import time

import pytest

from worker.ledger import jobs, orders
from worker.ledger.jobs import GIVE_UP, GIVE_UP_URGENT
from worker.ledger.ledger import Ledger
from worker.ledger.orders import Asked


@pytest.mark.parametrize(
    ("urgent", "kind", "given", "seconds"),
    [
        (True, "call", None, GIVE_UP_URGENT),
        (False, "call", None, GIVE_UP["call"]),
        (False, "file", None, GIVE_UP["file"]),
        (False, "call", 5 * 3600.0, 5 * 3600.0),
    ],
)
def test_what_a_job_has_left_after_a_pause(
    ledger: Ledger, urgent: bool, kind: str, given: float | None, seconds: float
) -> None:
    asked = Asked("a.b", "a/default", kind, None, "hash", "content", urgent=urgent)
    job_id, _ = ledger.write(lambda tx: orders.record(tx, asked))
    moment = None if given is None else time.time() + given
    assert ledger.write(lambda tx: jobs.pause(tx, job_id, "why"))
    assert ledger.write(lambda tx: jobs.resume(tx, job_id, moment))
    job = ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    assert job.give_up_at == pytest.approx(time.time() + seconds, abs=20)
