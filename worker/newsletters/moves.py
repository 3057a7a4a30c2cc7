"""Approving a plan, stopping it, letting it wait: what a person does with a newsletter."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from worker.housekeeping.alarms import end_alarm
from worker.ledger import jobs, newsletter_jobs, newsletters
from worker.ledger.newsletters import Approved
from worker.ledger.types import Connection, Row
from worker.newsletters import document, plan
from worker.newsletters.document import WrongDocument
from worker.newsletters.people import People, heeded
from worker.processes.process import Process
from worker.runner.opted_out import OPTED_OUT

WAITS = "newsletter.waits"
OLDEST = 86_400.0  # seconds between plan and approval, and between approval and request
HALTED = "all newsletters were halted by"
PAUSED = "a person paused it; `omniworker newsletters resume {}` goes on"


class CanNot(Exception):
    """It is not in a state for that; the sentence says in which it is, and what can be done."""


def approve(process: Process, row: Row[Any], by: str, *, recurs: bool = False) -> int:
    """Let it go at its time: how many opted out since it was planned. Raises `CanNot`, and `WrongDocument` where nobody
    is left."""
    if row.state != "planned":
        raise CanNot(f"Newsletter {row.id} is {row.state}: only a planned one is approved.")
    _refuse_old(row)
    said = document.of(process.seal.open(row.document), row.name)
    operation, campaign = plan.campaign_of(said)
    if campaign.deliver is not None:
        _refuse_soon(row, said.lead)
    payload = process.seal.open(row.content)
    before = payload[campaign.rows.key]
    left = heeded(process, operation, People(going=before), plan.purpose_in(said, operation))
    if not left.going:
        raise WrongDocument(f"Newsletter {row.id} has nobody left to go to: all {len(before):,} opted out meanwhile.")
    dropped = Counter(json.loads(row.dropped)) + left.dropped
    content = process.seal.close({**payload, campaign.rows.key: left.going})
    notes = {**json.loads(row.notes), **_changed(left)}
    until = row.expires_at or time.time() + OLDEST + row.seconds  # no approval holds for longer than a plan does
    now = Approved(content, len(left.going), json.dumps(dropped), json.dumps(notes), recurs, until)
    if not process.ledger.write(lambda tx: newsletters.approve(tx, row, by, now) and _seen_to(tx, row)):
        raise CanNot(f"Newsletter {row.id} is no longer planned: somebody was faster.")
    return left.dropped[OPTED_OUT]


def _changed(left: People) -> dict[str, str]:
    """What is another since it was planned."""
    out, parts = left.dropped[OPTED_OUT], left.parts
    said = [f"{out:,} opted out since it was planned: left out"] if out else []
    said += [f"{plan.PARTLY} since it was planned: {parts:,}"] if parts else []
    return {"changed": "; ".join(said)} if said else {}


def _seen_to(tx: Connection, row: Row[Any]) -> bool:
    """None of its name waits for a person any more."""
    end_alarm(tx, WAITS, row.name)
    return True


def _refuse_old(row: Row[Any]) -> None:
    if plan.age(row.planned_at) > OLDEST:
        hours = int(plan.age(row.planned_at) // 3600)
        raise CanNot(
            f"Newsletter {row.id} was planned {hours} h ago, and much may have changed: plan it anew, and approve that."
        )
    if row.expires_at is not None and time.time() + row.seconds > row.expires_at:
        raise CanNot(f"Newsletter {row.id} can no longer go in time: plan it anew with a later deliver_at.")


def _refuse_soon(row: Row[Any], lead: int) -> None:
    """The platform waits for the moment itself, and is to be told `lead` minutes before."""
    if row.deliver_at is not None and time.time() + lead * 60 > row.deliver_at:
        raise CanNot(
            f"Newsletter {row.id} would be told to its platform less than {lead} minutes before its time: plan it anew "
            "with a later deliver_at, or a shorter lead."
        )


def stop(process: Process, row: Row[Any], by: str) -> None:
    """Nothing more of it leaves; what is on the wire is settled as it comes. Raises `CanNot`."""

    def work(tx: Connection) -> bool:
        if newsletters.stop(tx, row.id, by):
            return _seen_to(tx, row)
        why = f"newsletter {row.name} was stopped by {by}"
        job_id = newsletter_jobs.job_of(tx, row.id)
        return job_id is not None and jobs.stop(tx, job_id, "cancelled", "cancelled", why=why)

    if not process.ledger.write(work):
        raise CanNot(f"Newsletter {row.id} is {row.state}: there is nothing left to stop.")


def pause(process: Process, row: Row[Any]) -> None:
    """Its next request waits until somebody resumes it. Raises `CanNot`."""

    def work(tx: Connection) -> bool:
        if newsletters.pause(tx, row.id):
            return True
        job_id = newsletter_jobs.job_of(tx, row.id)
        return job_id is not None and jobs.pause(tx, job_id, PAUSED.format(row.id))

    if not process.ledger.write(work):
        raise CanNot(f"Newsletter {row.id} is {row.state}: only one that is approved or on its way is paused.")


def resume(process: Process, row: Row[Any]) -> None:
    """Raises `CanNot`, also while all are halted."""

    def work(tx: Connection) -> bool:
        _refuse_halted(tx, row)
        _refuse_late(row)
        if newsletters.resume(tx, row.id):
            return True
        job_id = newsletter_jobs.job_of(tx, row.id)
        return job_id is not None and jobs.resume(tx, job_id, row.expires_at)

    if not process.ledger.write(work):
        raise CanNot(f"Newsletter {row.id} is {row.state}: it is not paused.")


def resume_job(tx: Connection, job_id: str) -> bool:
    """`jobs.resume`, for one that may send a newsletter: that goes on as newsletters do. Raises `CanNot`."""
    row = newsletter_jobs.sent_by(tx, job_id)
    if row is None:
        return jobs.resume(tx, job_id)
    _refuse_halted(tx, row)
    _refuse_late(row)
    return jobs.resume(tx, job_id, row.expires_at)


def _refuse_late(row: Row[Any]) -> None:
    if row.state in newsletters.WAITING and row.expires_at is not None and time.time() > row.expires_at:
        raise CanNot(
            f"Newsletter {row.id} can't go on: its time has passed, and what had not left by then is not sent. Plan it "
            "anew."
        )


def _refuse_halted(tx: Connection, row: Row[Any]) -> None:
    by = newsletters.halted(tx)
    if by is not None:
        raise CanNot(
            f"Newsletter {row.id} can't go on: all newsletters were halted by {by}. "
            "`omniworker newsletters go-on` ends that."
        )


def halt(process: Process, by: str) -> int:
    """The switch that stops all of them before their next request: how many were on their way."""

    def work(tx: Connection) -> int:
        why = f"all newsletters were halted by {by}; `omniworker newsletters go-on` goes on"  # begins as HALTED does
        return sum(jobs.pause(tx, job, why) for job in newsletters.halt(tx, by))

    return process.ledger.write(work)


def go_on(process: Process) -> None:
    """Those that the switch paused go on, those whose time passed meanwhile are missed."""

    def work(tx: Connection) -> None:
        newsletters.go_on(tx)
        for row in newsletter_jobs.paused_because(tx, HALTED):
            jobs.resume(tx, row.job_id, row.expires_at)

    process.ledger.write(work)
