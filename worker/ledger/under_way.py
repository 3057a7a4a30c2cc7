"""What was on its way to a platform at a moment: requests that may still undo what is said there now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, CompoundSelect, Connection, exists, false, select, union

from worker.ledger.tables import chunks, is_awaiting, is_file, is_held, jobs

ON_THE_WIRE = ("claimed", "sending", "awaiting")
SETTLED_LATE = 3600.0  # a job that was stopped has ended before the last of its requests has
Held = tuple[int, int]  # a chunk and its fence


def to(tx: Connection, account: str, operations: Sequence[str] | None = None) -> list[Held]:
    """The chunks of an account that are made ready or on the wire, but for those that are urgent; with `operations`,
    those of files and of calls of these."""
    said = () if operations is None else (is_file | jobs.c.operation.in_(list(operations)),)
    its = select(chunks.c.id, chunks.c.fence).where(_job_is(jobs.c.urgent == false(), *said))
    # What is made ready or sent is held; what is awaited need not be. Both are few among all that ever went. With
    # nothing added to the account, databases would look through all of the account's chunks for those that are held.
    held = its.where(is_held, chunks.c.account.concat("") == account, chunks.c.state.in_(ON_THE_WIRE))
    found = union(held, its.where(is_awaiting, chunks.c.account == account))
    return [(row.id, row.fence) for row in tx.execute(found)]


def any_of(tx: Connection, held: Sequence[Held]) -> bool:
    """Whether one of these has not ended. One that is held anew was made ready anew."""
    found = select(chunks.c.id, chunks.c.fence).where(
        chunks.c.id.in_([number for number, _ in held]), chunks.c.state.in_(ON_THE_WIRE)
    )
    return not {(row.id, row.fence) for row in tx.execute(found)}.isdisjoint((one[0], one[1]) for one in held)


def rows_went(tx: Connection, account: str, since: float, until: float, operations: Sequence[str] = ()) -> bool:
    """Whether rows of a file, or calls of these operations, went to an account in this time."""
    sent = select(chunks.c.id).where(chunks.c.account == account, chunks.c.sent_at.between(since, until)).limit(1)
    looks = [sent.where(chunks.c.job_id.in_(_files(account, since - SETTLED_LATE)))]
    if operations:
        looks.append(sent.where(_job_is(jobs.c.urgent == false(), jobs.c.operation.in_(list(operations)))))
    return any(tx.execute(look).first() is not None for look in looks)


def _files(account: str, since: float) -> CompoundSelect[tuple[str]]:
    """The files of an account that are not over, or since then."""
    its = select(jobs.c.id).where(is_file, jobs.c.account == account, jobs.c.urgent == false())
    return union(*(its.where(lately) for lately in (jobs.c.finished_at.is_(None), jobs.c.finished_at >= since)))


def _job_is(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """By the job of each chunk that is found: never by all jobs there are."""
    return exists(select(jobs.c.id).where(jobs.c.id == chunks.c.job_id, *which))
