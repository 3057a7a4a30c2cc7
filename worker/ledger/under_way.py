"""What was on its way to a platform at a moment: requests that may still undo what is said there now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Float,
    bindparam,
    exists,
    false,
    select,
    union,
)

from worker.ledger import claims
from worker.ledger.prepared import Prepared
from worker.ledger.tables import chunks, is_awaiting, is_file, is_held, jobs

ON_THE_WIRE = ("claimed", "sending", "awaiting")
SETTLED_LATE = 3600.0  # a job that was stopped has ended before the last of its requests has
Held = tuple[int, int]  # a chunk and its fence
ACCOUNT: BindParameter[str] = bindparam("account")
SINCE, UNTIL = bindparam("since", type_=Float), bindparam("until", type_=Float)
SENT = select(chunks.c.id).where(chunks.c.account == ACCOUNT, chunks.c.sent_at.between(SINCE, UNTIL)).limit(1)


def to(tx: Connection, account: str, operations: Sequence[str] | None = None) -> list[Held]:
    """The chunks of an account that are made ready or on the wire, but for those that are urgent; with `operations`,
    those of files and of calls of these."""
    found = _to(None if operations is None else tuple(operations))(tx, account=account)
    return [(row.id, row.fence) for row in found.rows]


@cache
def _to(operations: tuple[str, ...] | None) -> Prepared:
    said = () if operations is None else (is_file | claims.one_of(jobs.c.operation, operations),)
    its = select(chunks.c.id, chunks.c.fence).where(_job_is(jobs.c.urgent == false(), *said))
    # What is made ready or sent is held; what is awaited need not be. Both are few among all that ever went. With
    # nothing added to the account, databases would look through all of the account's chunks for those that are held.
    held = its.where(is_held, chunks.c.account.concat("") == ACCOUNT, claims.one_of(chunks.c.state, ON_THE_WIRE))
    return Prepared(union(held, its.where(is_awaiting, chunks.c.account == ACCOUNT)))


def any_of(tx: Connection, held: Sequence[Held]) -> bool:
    """Whether one of these has not ended. One that is held anew was made ready anew."""
    found = select(chunks.c.id, chunks.c.fence).where(
        chunks.c.id.in_([number for number, _ in held]), chunks.c.state.in_(ON_THE_WIRE)
    )
    return not {(row.id, row.fence) for row in tx.execute(found)}.isdisjoint((one[0], one[1]) for one in held)


def rows_went(tx: Connection, account: str, since: float, until: float, operations: Sequence[str] = ()) -> bool:
    """Whether rows of a file, or calls of these operations, went to an account in this time."""
    when = {"account": account, "since": since, "until": until}
    if FILES_WENT(tx, **when, over_since=since - SETTLED_LATE).rows:
        return True
    return bool(operations) and bool(_calls_went(tuple(operations))(tx, **when).rows)


@cache
def _calls_went(operations: tuple[str, ...]) -> Prepared:
    return Prepared(SENT.where(_job_is(jobs.c.urgent == false(), claims.one_of(jobs.c.operation, operations))))


def _files() -> CompoundSelect[tuple[str]]:
    """The files of an account that are not over, or since then."""
    its = select(jobs.c.id).where(is_file, jobs.c.account == ACCOUNT, jobs.c.urgent == false())
    over = jobs.c.finished_at >= bindparam("over_since", type_=Float)
    return union(*(its.where(lately) for lately in (jobs.c.finished_at.is_(None), over)))


def _job_is(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """By the job of each chunk that is found: never by all jobs there are."""
    return exists(select(jobs.c.id).where(jobs.c.id == chunks.c.job_id, *which))


FILES_WENT = Prepared(SENT.where(chunks.c.job_id.in_(_files())))
