"""A chunk's life: waiting, claimed, sending, awaiting, unsure, done (design §6). Each move is one function."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Float,
    Row,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.prepared import Prepared
from worker.ledger.tables import chunks, jobs, refusals
from worker.outcome import Outcome, Refusal
from worker.sources.cut import Stretch

MOVING = ("planning", "running")
STOPPED = {"cancelled": "cancelled", "failed": "job_failed"}
FIRST_CHUNK = 1


def _moving(job_id: Any) -> ColumnElement[bool]:
    return exists(
        select(jobs.c.id).where(jobs.c.id == job_id, or_(jobs.c.state == "planning", jobs.c.state == "running"))
    )


def _next_of_job(*order: Any) -> claims.Taking:
    which = (
        chunks.c.job_id == bindparam("job"),
        chunks.c.state == "waiting",
        chunks.c.suspect == bindparam("suspected", type_=Boolean),
        _moving(bindparam("job")),
    )
    return claims.Taking(chunks, *which, order=order, state="claimed")


NEXT = _next_of_job(chunks.c.n)
SMALLEST = _next_of_job(chunks.c.length, chunks.c.n)
ANY_WAITING = Prepared(
    select(chunks.c.id)
    .where(
        chunks.c.job_id == bindparam("job"),
        chunks.c.state == "waiting",
        chunks.c.not_before <= bindparam("now", type_=Float),
        chunks.c.suspect.is_(False),
    )
    .limit(1)
)
ANY_SUSPECTS = Prepared(
    select(chunks.c.id)
    .where(chunks.c.job_id == bindparam("job"), chunks.c.state == "waiting", chunks.c.suspect.is_(True))
    .limit(1)
)
LANES = Prepared(
    select(func.count(chunks.c.owner.distinct())).where(
        chunks.c.job_id == bindparam("job"), or_(chunks.c.state == "claimed", chunks.c.state == "sending")
    )
)
STILL_HELD = and_(chunks.c.id == bindparam("held_id"), chunks.c.fence == bindparam("held_fence"))
MARK = Prepared(
    update(chunks)
    .where(STILL_HELD, chunks.c.state == "claimed", _moving(chunks.c.job_id))
    .values(state="sending", sent_at=bindparam("at"), refused=bindparam("out"), refused_by=bindparam("counts"))
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


def plan(tx: Connection, job_id: str, account: str, first: int, pieces: Sequence[Stretch]) -> None:
    """Record the chunks of a stretch of a file, numbered from `first`."""
    fields = ("offset", "length", "first_row", "lines", "rows", "checksum", "too_long")
    tx.execute(
        insert(chunks),
        [
            {"job_id": job_id, "account": account, "n": n, "state": "waiting"} | {f: getattr(piece, f) for f in fields}
            for n, piece in enumerate(pieces, first)
        ],
    )


def add_call(tx: Connection, job_id: str, account: str, payload: bytes, owner: str | None, lease: float) -> Claim:
    """Record the one chunk of a call, already claimed when `owner` is about to send it."""
    row = tx.execute(
        insert(chunks)
        .values(
            job_id=job_id,
            account=account,
            n=FIRST_CHUNK,
            state="claimed" if owner else "waiting",
            length=len(payload),
            payload=payload,
            owner=owner,
            lease_until=time.time() + lease if owner else None,
            fence=1 if owner else 0,
        )
        .returning(chunks.c.id, chunks.c.fence)
    ).one()
    return Claim(row.id, row.fence)


def last_planned(tx: Connection, job_id: str) -> Row[Any] | None:
    """The stretch that reaches furthest into the file: where planning goes on."""
    furthest = select(chunks).where(chunks.c.job_id == job_id).order_by(chunks.c.offset.desc()).limit(1)
    return tx.execute(furthest).one_or_none()


def of_call(tx: Connection, job_id: str) -> Row[Any]:
    return tx.execute(select(chunks).where(chunks.c.job_id == job_id, chunks.c.n == FIRST_CHUNK)).one()


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
    """Take the next waiting chunks of a moving job; the smallest one to probe with."""
    return (SMALLEST if smallest else NEXT)(tx, owner, lease, most, job=job_id, suspected=suspect)


def mark(tx: Connection, held: Claim, named: Sequence[Refusal] = ()) -> bool:
    """The request leaves now. From here on only the platform knows, until its answer is settled.

    `named` are the rows that stay behind. False when the claim is lost or the job no longer moves: send nothing.
    """
    counts = _by_code(named)
    marked = MARK(tx, held_id=held.id, held_fence=held.fence, at=time.time(), out=len(named), counts=counts).rowcount
    if marked and named:
        _name(tx, held.id, named)
    return bool(marked)


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
        counts=_json(outcome.refused_by),
        left_counts=_json(outcome.skipped_by),
    ).rowcount
    if settled and outcome.refusals:
        _name(tx, held.id, outcome.refusals)
    return bool(settled)


def keep_answer(tx: Connection, held: Claim, answer: bytes) -> None:
    """The platform's own words to a call, encrypted, for whoever asks again."""
    claims.change(tx, chunks, held, answer=answer)


def lose(tx: Connection, held: Claim, why: str) -> bool:
    """The answer is lost: unsure, with the same fence, so that a late answer can still settle it."""
    return claims.release(tx, chunks, held, chunks.c.state.in_(("claimed", "sending")), state="unsure", why=why)


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
        sent_at=None,
        refused=0,
        refused_by=None,
        **values,
    )
    if back:
        tx.execute(delete(refusals).where(refusals.c.chunk_id == held.id))
        _skip_in_stopped(tx, chunks.c.id == held.id)
    return back


def count_death(tx: Connection, held: Claim) -> int:
    """A child process died over this suspect; how often that is by now."""
    claims.change(tx, chunks, held, deaths=chunks.c.deaths + 1)
    return int(tx.execute(select(chunks.c.deaths).where(chunks.c.id == held.id)).scalar_one())


def end_leases(tx: Connection, gone: Sequence[str]) -> list[str]:
    """Claims whose lease ended, or whose owner is known to be dead: the job ids they belong to.

    Marked ones are unsure: the request may have left. The others never left; they are suspects, because
    whatever killed their process may be in them.
    """
    ended = or_(chunks.c.lease_until < time.time(), chunks.c.owner.in_(gone))
    lost = tx.execute(
        update(chunks)
        .where(chunks.c.state == "sending", ended)
        .values(state="unsure", why="the process ended while the request was on the wire", lease_until=None, owner=None)
        .returning(chunks.c.job_id)
    ).scalars()
    affected = set(lost)
    back = tx.execute(
        update(chunks)
        .where(chunks.c.state == "claimed", ended)
        .values(state="waiting", suspect=True, lease_until=None, owner=None, fence=chunks.c.fence + 1)
        .returning(chunks.c.job_id)
    ).scalars()
    affected.update(back)
    _skip_in_stopped(tx, chunks.c.job_id.in_(affected))
    return sorted(affected)


def owners(tx: Connection) -> list[str]:
    """Whoever holds a chunk now."""
    held = (
        select(chunks.c.owner).distinct().where(chunks.c.state.in_(("claimed", "sending")), chunks.c.owner.is_not(None))
    )
    return list(tx.execute(held).scalars())


def lanes(tx: Connection, job_id: str) -> int:
    """How many lanes hold chunks of this job, in all processes."""
    return int(LANES(tx, job=job_id).scalar_one())


def skip_waiting(tx: Connection, job_id: str, code: str) -> None:
    """What was never sent will not be: `cancelled`, `job_failed`."""
    _skip(tx, code, chunks.c.job_id == job_id, chunks.c.state == "waiting")


def _skip_in_stopped(tx: Connection, which: ColumnElement[bool]) -> None:
    for state, code in STOPPED.items():
        stopped = exists(select(jobs.c.id).where(jobs.c.id == chunks.c.job_id, jobs.c.state == state))
        _skip(tx, code, which, chunks.c.state == "waiting", stopped)


def _skip(tx: Connection, code: str, *which: ColumnElement[bool]) -> None:
    by_code = literal(f'{{"{code}": ').concat(cast(chunks.c.rows, String)).concat("}")
    values = {"state": "done", "skipped": chunks.c.rows, "skipped_by": by_code, "settled_at": time.time()}
    tx.execute(update(chunks).where(*which).values(**values))


def give_up(tx: Connection, now: float, refusal: Refusal) -> list[str]:
    """Refuse what has not got through in the time its job allows: the job ids it happened to. None of it was sent."""
    late = select(jobs.c.id).where(jobs.c.state.in_(MOVING), jobs.c.give_up_at < now)
    found = tx.execute(select(chunks).where(chunks.c.state == "waiting", chunks.c.job_id.in_(late)).limit(1000)).all()
    for row in found:
        refuse_whole(tx, row, refusal)
    return sorted({row.job_id for row in found})


def refuse_whole(tx: Connection, row: Row[Any], refusal: Refusal) -> None:
    """Refuse every row of a chunk that was never sent, as one range."""
    named = Refusal(row.first_row, refusal.code, refusal.reason, refusal.advice, row.first_row + row.lines - 1)
    tx.execute(
        update(chunks)
        .where(chunks.c.id == row.id)
        .values(
            state="done",
            refused=row.rows,
            refused_by=json.dumps({refusal.code: row.rows}),
            settled_at=time.time(),
            lease_until=None,
            owner=None,
            fence=chunks.c.fence + 1,
        )
    )
    _name(tx, row.id, [named])


def sent_since(tx: Connection, account: str, moment: float) -> int:
    """Requests of an account marked or settled since `moment`: what a wiped budget has to be told."""
    sent = select(func.count(chunks.c.id)).where(chunks.c.account == account, chunks.c.sent_at > moment)
    return int(tx.execute(sent).scalar_one())


def _name(tx: Connection, chunk_id: int, named: Iterable[Refusal]) -> None:
    job_id = tx.execute(select(chunks.c.job_id).where(chunks.c.id == chunk_id)).scalar_one()
    tx.execute(delete(refusals).where(refusals.c.chunk_id == chunk_id))
    tx.execute(insert(refusals), [asdict(refusal) | {"chunk_id": chunk_id, "job_id": job_id} for refusal in named])


def _by_code(named: Sequence[Refusal]) -> str | None:
    counts: dict[str, int] = {}
    for refusal in named:
        counts[refusal.code] = counts.get(refusal.code, 0) + 1
    return _json(counts)


def _json(counts: dict[str, int]) -> str | None:
    return json.dumps(counts) if counts else None


def any_waiting(tx: Connection, job_id: str) -> bool:
    """Due chunks that anybody may claim now, suspects left out."""
    return ANY_WAITING(tx, job=job_id, now=time.time()).first() is not None


def any_suspects(tx: Connection, job_id: str) -> bool:
    return ANY_SUSPECTS(tx, job=job_id).first() is not None


def next_number(tx: Connection, job_id: str) -> int:
    return int(tx.execute(select(func.max(chunks.c.n)).where(chunks.c.job_id == job_id)).scalar() or 0) + 1


def shrink(tx: Connection, row: Row[Any], piece: Stretch) -> None:
    """A held chunk becomes a smaller stretch of its file, waiting again."""
    fields = ("offset", "length", "first_row", "lines", "rows", "checksum")
    claims.release(tx, chunks, claims.of(row), state="waiting", **{f: getattr(piece, f) for f in fields})
