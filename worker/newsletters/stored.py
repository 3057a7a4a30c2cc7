"""The file that a sync took: found by the schedule that started it, or by its job. Old or doubtful ones are refused."""

from __future__ import annotations

import time
from typing import Any

from worker.ledger import jobs, reports, schedules, slots
from worker.ledger.types import Connection, Row
from worker.newsletters.document import WrongDocument
from worker.newsletters.lists import Stands

HOUR = 3600.0
UNDER_WAY = ("planning", "running")
STOPPED = ("failed", "cancelled")


class NotYet(WrongDocument):
    """The sync is not over: what it takes can be read later."""


def job_of(tx: Connection, where: Stands) -> Row[Any]:
    """The job whose file it is. Raises `WrongDocument`, or `NotYet` while it is under way."""
    job = jobs.get(tx, where.job) if where.job else _of_schedule(tx, str(where.schedule))
    if job is None:
        raise WrongDocument(f"There is no job {where.job!r} in this ledger: `omniworker jobs list` shows the newest.")
    what = f"job {job.id}" + (f" of schedule {where.schedule}" if where.schedule else "")
    _refuse_unfit(job, what)
    hours = int((time.time() - job.created_at) // HOUR)
    if hours >= where.max_age:
        raise WrongDocument(
            f"The list of {what} is {hours} h old, and max_age is {where.max_age} h: let the sync run again, or raise "
            "max_age."
        )
    return job


def _of_schedule(tx: Connection, name: str) -> Row[Any]:
    """The job of its last slot."""
    last = next(iter(slots.newest(tx, name, 1)), None)
    if last is None:
        raise WrongDocument(
            f"The schedule {name!r} has not run yet, or there is none: see `omniworker schedules list`."
        )
    if last.state == "missed":
        raise WrongDocument(f"The sync of {reports.iso(last.slot)} is missing. {_how_missed(tx, name, last)}")
    if last.state in ("due", "reading"):
        raise NotYet(f"The sync of {reports.iso(last.slot)} of schedule {name} is under way: {last.why or 'it is due'}")
    job = jobs.get(tx, last.job_id) if last.job_id else None
    if job is None:
        raise WrongDocument(f"The schedule {name} brings no file: name one that imports people.")
    return job


def _how_missed(tx: Connection, name: str, slot: Row[Any]) -> str:
    known = schedules.all_of(tx).get(name)
    paused = f"`omniworker schedules resume {name}`, then " if known is not None and known.paused_by else ""
    run = f"`omniworker schedules run {name} --at {reports.iso(slot.slot)}`"
    return f"{slot.why or 'It did not run.'} {paused}{run} makes up for it.".lstrip()


def _refuse_unfit(job: Row[Any], what: str) -> None:
    if job.kind != "file" or job.source is None:
        raise WrongDocument(f"The list can't be read: {what} brought no file.")
    if job.going_since is not None:
        raise WrongDocument(f"The list of {what} is gone since RETENTION_DAYS: let the sync run again.")
    if job.state in UNDER_WAY:
        raise NotYet(
            f"The sync is under way: {what} is {job.state}. Plan it when `omniworker jobs watch {job.id}` ends."
        )
    if job.state == "paused":
        raise WrongDocument(
            f"The sync is paused: {what} waits ({job.why or 'a person paused it'}). `omniworker jobs resume {job.id}`."
        )
    if job.state in STOPPED:
        raise WrongDocument(
            f"The sync came to nothing: {what} is {job.state}. `omniworker jobs show {job.id}` says why."
        )
