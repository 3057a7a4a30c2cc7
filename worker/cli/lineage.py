"""A job beside those that its rows came from, and those that send rows of it again; and what it made at a platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.ledger import jobs, replays, reports, watched
from worker.ledger.reports import ROW_SUMS
from worker.ledger.types import Connection
from worker.processes.process import Process


def of(own: Process, job_id: str) -> list[dict[str, Any]]:
    """The sums of each as they stand, the job's own between them; nothing where no rows were sent again."""
    return own.ledger.read(lambda tx: _lines(tx, job_id))


def _lines(tx: Connection, job_id: str) -> list[dict[str, Any]]:
    job = jobs.get(tx, job_id)
    before = [(job.replay_of, "replayed by")] if job is not None and job.replay_of else []
    after = [(str(one.id), "a replay of it") for one in replays.of(tx, job_id)]
    if not before and not after:
        return []
    return [_line(tx, *one) for one in (*before, (job_id, "this one"), *after)]


def _line(tx: Connection, job_id: str, which: str) -> dict[str, Any]:
    report = reports.of(tx, job_id)
    assert report is not None  # noqa: S101 - a job that others name is never removed
    return {"job": job_id, "": which, "state": report["state"], **{name: report["rows"][name] for name in ROW_SUMS}}


def made(own: Process, job_id: str) -> list[Mapping[str, object]]:
    """What a job, or a step of it, made that goes on there: how far it is."""

    def work(tx: Connection) -> list[Mapping[str, object]]:
        its = [job_id, *(step.id for step in jobs.steps_of(tx, job_id))]
        return [of_made(watched.facts(row)) for row in watched.of_jobs(tx, its)]

    return own.ledger.read(work)


def of_made(facts: Mapping[str, Any]) -> Mapping[str, object]:
    """A line of it."""
    counted = ", ".join(f"{name} {n:,}" for name, n in facts["counters"].items())
    return {name: facts[name] for name in ("account", "id", "state")} | {"counters": counted}
