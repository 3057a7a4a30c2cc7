"""A chunk's life: waiting, claimed, sending, awaiting, unsure, done (design §6). Each move is one function."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Row,
    and_,
    bindparam,
    delete,
    false,
    func,
    or_,
    select,
    update,
)

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.going import first_of_person, goes
from worker.ledger.prepared import Prepared
from worker.ledger.refusing import as_json, by_code, name, skip_in_stopped, still
from worker.ledger.tables import chunks, is_suspect, refusals
from worker.outcome import NOBODY, Outcome, Refusal

PROBED_AMONG = 200


def _next_of_job(*which: ColumnElement[bool], order: Sequence[Any] = (chunks.c.n,)) -> claims.Taking:
    going = (goes(bindparam("job"), bindparam("now", type_=Float)), first_of_person())
    return claims.Taking(chunks, *which, *going, order=order, state="claimed")


def _one_of_the_next(most: int) -> ColumnElement[bool]:
    """To find the smallest of all, a database would read all that wait."""
    near = chunks.alias()
    waiting = (near.c.job_id == bindparam("job"), near.c.state == "waiting", near.c.suspect.is_(false()))
    due = claims.due(near, bindparam("now", type_=Float))
    return chunks.c.id.in_(select(near.c.id).where(*waiting, due).order_by(near.c.n).limit(most))


OF_JOB, WAITING = chunks.c.job_id == bindparam("job"), chunks.c.state == "waiting"
# With something added to it no index on the state is used, but the one that leads to the few.
ALSO_WAITING = chunks.c.state.concat("") == "waiting"
NEXT = _next_of_job(OF_JOB, WAITING, chunks.c.suspect.is_(false()))
SUSPECT = _next_of_job(OF_JOB, ALSO_WAITING, is_suspect)
SMALLEST = _next_of_job(_one_of_the_next(PROBED_AMONG), ALSO_WAITING, order=(chunks.c.length, chunks.c.n))


STILL_HELD = and_(chunks.c.id == bindparam("held_id"), chunks.c.fence == bindparam("held_fence"))

MARK = Prepared(
    update(chunks)
    .where(STILL_HELD, chunks.c.state == "claimed", goes(chunks.c.job_id, bindparam("at", type_=Float)))
    .values(
        state="sending",
        sent_at=bindparam("at"),
        lease_until=bindparam("until"),
        decided_by=None,
        refused=bindparam("out"),
        refused_by=bindparam("counts"),
        skipped=bindparam("left"),
        skipped_by=bindparam("left_counts"),
        went=bindparam("gone"),
        receipt=None,
        looks=0,
    )
)

RENEW = Prepared(
    update(chunks)
    .where(STILL_HELD, chunks.c.state == "claimed", goes(chunks.c.job_id, bindparam("at", type_=Float)))
    .values(lease_until=bindparam("until"))
)
SETTLE = Prepared(
    update(chunks)
    .where(
        STILL_HELD,
        or_(
            chunks.c.state == "claimed",
            chunks.c.state == "sending",
            chunks.c.state == "awaiting",
            and_(chunks.c.state == "unsure", chunks.c.decided_by.is_(None)),
        ),
    )
    .values(
        state="done",
        why=None,
        owner=None,
        lease_until=None,
        settled_at=bindparam("at"),
        sent_at=func.coalesce(chunks.c.sent_at, bindparam("at")),
        accepted=bindparam("yes"),
        refused=bindparam("out"),
        skipped=bindparam("left"),
        refused_by=bindparam("counts"),
        skipped_by=bindparam("left_counts"),
    )
)

KEEP_ANSWER = Prepared(update(chunks).where(STILL_HELD).values(answer=bindparam("said")))


def get(tx: Connection, chunk_id: int) -> Row[Any]:
    return tx.execute(select(chunks).where(chunks.c.id == chunk_id)).one()


def claim(
    tx: Connection,
    job_id: str,
    owner: str,
    lease: float,
    *,
    most: int = 1,
    suspect: bool = False,
    smallest: bool = False,
) -> list[Row[Any]]:
    """Take the next waiting chunks of a moving job; a small one to probe with."""
    which = SUSPECT if suspect else SMALLEST if smallest else NEXT
    return which(tx, owner, lease, most, job=job_id)


def mark(
    tx: Connection,
    held: Claim,
    named: Sequence[Refusal] = (),
    skipped_by: Mapping[str, int] = NOBODY,
    lease: float = 50.0,
    went: str | None = None,
) -> bool:
    """The request leaves now. From here on only the platform knows, until its answer is settled.

    The lease starts anew: what came before the mark has used up some of it.

    `named` are the rows that were refused, `skipped_by` counts further ones that stay behind, `went` are the numbers of
    those that go, where the platform will be asked about each, or others stay behind. False when the claim is
    lost, or the job no longer moves or has no time left: send nothing.
    """
    now = time.time()
    marked = MARK(
        tx,
        held_id=held.id,
        held_fence=held.fence,
        at=now,
        until=now + lease,
        out=len(named),
        counts=by_code(named),
        left=sum(skipped_by.values()),
        left_counts=as_json(dict(skipped_by)),
        gone=went,
    ).rowcount
    if marked and named:
        name(tx, held.id, named)
    return bool(marked)


def renew(tx: Connection, held: Claim, lease: float) -> bool:
    """A safe call needs no mark; but it goes only while its claim holds, and its job moves and has time left."""
    now = time.time()
    return bool(RENEW(tx, held_id=held.id, held_fence=held.fence, at=now, until=now + lease).rowcount)


def settle(tx: Connection, held: Claim, outcome: Outcome) -> bool:
    """Write what came of it. A late answer settles an unsure chunk too, as long as nobody decided it."""
    settled = SETTLE(
        tx,
        held_id=held.id,
        held_fence=held.fence,
        at=time.time(),
        yes=outcome.accepted,
        out=outcome.refused,
        left=outcome.skipped,
        counts=as_json(outcome.refused_by),
        left_counts=as_json(outcome.skipped_by),
    ).rowcount
    if settled and outcome.refusals:
        name(tx, held.id, outcome.refusals)
    return bool(settled)


def keep_answer(tx: Connection, held: Claim, answer: bytes) -> None:
    """The platform's own words to a call, encrypted, for whoever asks again."""
    KEEP_ANSWER(tx, held_id=held.id, held_fence=held.fence, said=answer)


def lose(tx: Connection, held: Claim, why: str) -> bool:
    """The answer is lost: unsure, with the same fence, so that a late answer can still settle it."""
    return claims.release(tx, chunks, held, chunks.c.state.in_(("claimed", "sending")), state="unsure", why=why)


def settle_in_part(tx: Connection, held: Claim, outcome: Outcome, why: str) -> bool:
    """The answer said what became of some rows; the others are unsure."""
    return settle(tx, held, outcome) and claims.change(tx, chunks, held, state="unsure", why=why, settled_at=None)


def put_back(
    tx: Connection,
    held: Claim,
    wait: float,
    *,
    tried: bool = False,
    why: str | None = None,
    suspect: bool | None = None,
) -> bool:
    """It was not done: waiting again, due in `wait` seconds. In a job that was stopped meanwhile it is skipped."""
    still(tx, chunks.c.id == held.id)
    values: dict[str, Any] = {"tries": chunks.c.tries + 1} if tried else {}
    if suspect is not None:
        values["suspect"] = suspect
    back = claims.release(
        tx,
        chunks,
        held,
        chunks.c.state.in_(("claimed", "sending")),
        state="waiting",
        not_before=time.time() + wait,
        why=why,
        refused=0,
        refused_by=None,
        skipped=0,
        skipped_by=None,
        **values,
    )
    if back:
        tx.execute(delete(refusals).where(refusals.c.chunk_id == held.id))
        skip_in_stopped(tx, chunks.c.id == held.id)
    return back


def count_death(tx: Connection, held: Claim) -> int:
    """A child process died over this suspect; how often that is by now."""
    claims.change(tx, chunks, held, deaths=chunks.c.deaths + 1)
    return int(tx.execute(select(chunks.c.deaths).where(chunks.c.id == held.id)).scalar_one())
