"""What a command that waits says while nothing moves."""

from __future__ import annotations

import time

from worker.cli.show import Report
from worker.ledger import jobs, standstill
from worker.processes.process import Process

AFTER = 2.0


class Standstill:
    """Told of every look at a job: what it waits for, once nothing of it moved for two seconds, and again only when
    that is something else."""

    def __init__(self, own: Process, job_id: str) -> None:
        self._own, self._job_id = own, job_id
        self._seen, self._since, self._said = "", time.monotonic(), ""

    def __call__(self, report: Report) -> str | None:
        seen = f"{report['state']} {report['rows']}"
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        if report["state"] not in jobs.MOVING or time.monotonic() - self._since < AFTER:
            return None
        why = self._why()
        if why is None or why == self._said:
            return None
        self._said = why
        return f"It waits: {why.rstrip('.')}."

    def _why(self) -> str | None:
        job = self._own.ledger.read(lambda tx: jobs.get(tx, self._job_id))
        return None if job is None else self._own.ledger.read(lambda tx: standstill.why(tx, job))
