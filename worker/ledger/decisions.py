"""Unsure chunks: who sees them, who decides them (design §10, `jobs decide`)."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, or_, select, update

from worker.ledger import jobs as job_moves
from worker.ledger import newsletter_jobs, newsletters
from worker.ledger.tables import chunks, is_unsure, jobs


class JobEnded(Exception):
    """A job that was cancelled or failed sends nothing any more."""


class NewsletterStays(Exception):
    """Nothing more of a newsletter leaves now: all are halted, or its time has passed."""


class HalfTaken(Exception):
    """A chunk of which the platform took a part can't be sent again as a whole."""


def unsure(tx: Connection, job_id: str | None = None) -> list[Row[Any]]:
    """Unsure chunks of one job and its steps, or of all, the oldest first; of a job that waits for a step those of the
    step alone, which are decided there."""
    step, open_ = jobs.alias(), chunks.alias()
    steps = select(step.c.id).join(open_, open_.c.job_id == step.c.id)
    waits = exists(steps.where(step.c.parent == chunks.c.job_id, open_.c.state != "done"))
    wanted = select(chunks).where(is_unsure, ~waits).order_by(chunks.c.sent_at)
    if job_id is None:
        return list(tx.execute(wanted))
    its = select(jobs.c.id).where(or_(jobs.c.id == job_id, jobs.c.parent == job_id))
    return list(tx.execute(wanted.where(chunks.c.job_id.in_(its))))


def decide(tx: Connection, job_id: str, decision: str, by: str, numbers: Sequence[int] = ()) -> int:
    """A person says what became of unsure chunks, or what shall; returns how many it settled.

    `was-sent`: accepted. `send`: it was not, send it. `send-again`: it may have been, send anyway, counted as
    repeated. `drop`: give up, skipped.
    """
    job = job_moves.locked(tx, job_id)
    if job is not None and job.state in job_moves.ENDED and decision in ("send", "send-again"):
        raise JobEnded(
            f"Job {job_id} is {job.state}: what is unsure in it can be settled by --was-sent or --drop, not sent."
        )
    which = [chunks.c.job_id == job_id, chunks.c.state == "unsure"]
    if numbers:
        which.append(chunks.c.n.in_(numbers))
    if decision in ("send", "send-again"):
        _refuse_half_taken(tx, job_id, which)
        newsletter = newsletter_jobs.sent_by(tx, job_id)
        if newsletter is not None:
            _refuse_late(tx, newsletter)
        if job is not None and (newsletter is None or newsletter.expires_at is None):
            job_moves.give_time(tx, job)  # a newsletter has its own time, and no other
    return len(_apply(tx, which, decision, by))


def _refuse_half_taken(tx: Connection, job_id: str, which: list[ColumnElement[bool]]) -> None:
    taken = list(tx.execute(select(chunks.c.n).where(*which, chunks.c.accepted > 0)).scalars())
    if taken:
        raise HalfTaken(
            f"The platform took some rows of chunk {', '.join(map(str, taken))} of job {job_id}, which would go twice: "
            "settle it by --was-sent or --drop, and ask for the rows that are missing in a call of their own."
        )


def _refuse_late(tx: Connection, newsletter: Row[Any]) -> None:
    settle = "What is unsure in it can be settled by --was-sent or --drop, not sent."
    by = newsletters.halted(tx)
    if by is not None:
        raise NewsletterStays(
            f"All newsletters were halted by {by}; `omniworker newsletters go-on` ends that. Until then: {settle}"
        )
    if newsletter.expires_at is not None and time.time() > newsletter.expires_at:
        raise NewsletterStays(f"The time of newsletter {newsletter.name} has passed. {settle}")


def any_to_send_again(tx: Connection) -> bool:
    """Nearly never: a look beforehand keeps everybody else's turn to write free."""
    return tx.execute(select(chunks.c.id).where(*_to_send_again()).limit(1)).first() is not None


def send_unsure_again(tx: Connection) -> int:
    """Where the caller chose `again` (user events only), an unsure chunk goes once more, counted as repeated."""
    return len(_apply(tx, _to_send_again(), "send-again", "on_unsure=again"))


def _to_send_again() -> list[ColumnElement[bool]]:
    its = (jobs.c.id == chunks.c.job_id, jobs.c.on_unsure == "again", jobs.c.state.not_in(job_moves.ENDED))
    return [is_unsure, exists(select(jobs.c.id).where(*its))]


def _apply(tx: Connection, which: list[ColumnElement[bool]], decision: str, by: str) -> list[Row[Any]]:
    """Move the chunks, and their jobs with them: on, or to their end."""
    left = chunks.c.rows - chunks.c.refused - chunks.c.skipped
    nothing: dict[str, Any] = {"refused": 0, "refused_by": None, "skipped": 0, "skipped_by": None}
    waiting: dict[str, Any] = {"state": "waiting", "not_before": 0, "tries": 0, **nothing}
    moves: dict[str, dict[str, Any]] = {
        "was-sent": {"state": "done", "accepted": left, "settled_at": time.time()},
        "send": waiting,
        "send-again": waiting | {"repeated": True},
        "drop": {"state": "done", "skipped": chunks.c.skipped + left - chunks.c.accepted, "settled_at": time.time()},
    }
    rows = tx.execute(
        update(chunks)
        .where(*which)
        .values(decided_by=by, fence=chunks.c.fence + 1, why=None, **moves[decision])
        .returning(chunks.c.id, chunks.c.skipped, chunks.c.skipped_by, chunks.c.job_id)
    ).all()
    if decision == "drop":
        for row in rows:
            before: dict[str, int] = json.loads(row.skipped_by or "{}")
            by_code = json.dumps({**before, "dropped": row.skipped - sum(before.values())})
            tx.execute(update(chunks).where(chunks.c.id == row.id).values(skipped_by=by_code))
    for job_id in sorted({row.job_id for row in rows}):
        tx.execute(update(jobs).where(jobs.c.id == job_id).values(wake_at=0))
        job_moves.end_if_done(tx, job_id)
    return list(rows)
