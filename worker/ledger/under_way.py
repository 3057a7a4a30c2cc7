"""What was on its way to a platform at a moment: requests that may still undo what is said there now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, false, select

from worker.ledger.tables import chunks, jobs

ON_THE_WIRE = ("claimed", "sending", "awaiting")
Held = tuple[int, int]  # a chunk and its fence


def to(tx: Connection, account: str, operations: Sequence[str] | None = None) -> list[Held]:
    """The chunks of an account that are made ready or on the wire, but for those that are urgent; with `operations`,
    those of files and of calls of these."""
    found = select(chunks.c.id, chunks.c.fence).where(chunks.c.account == account, chunks.c.state.in_(ON_THE_WIRE))
    usual = select(jobs.c.id).where(jobs.c.urgent == false())
    of_jobs = usual if operations is None else usual.where(_said(operations))
    return [(row.id, row.fence) for row in tx.execute(found.where(chunks.c.job_id.in_(of_jobs)))]


def any_of(tx: Connection, held: Sequence[Held]) -> bool:
    """Whether one of these has not ended. One that is held anew was made ready anew."""
    found = select(chunks.c.id, chunks.c.fence).where(
        chunks.c.id.in_([number for number, _ in held]), chunks.c.state.in_(ON_THE_WIRE)
    )
    return not {(row.id, row.fence) for row in tx.execute(found)}.isdisjoint((one[0], one[1]) for one in held)


def rows_went(tx: Connection, account: str, since: float, until: float, operations: Sequence[str] = ()) -> bool:
    """Whether rows of a file, or calls of these operations, went to an account in this time."""
    which = (chunks.c.account == account, chunks.c.sent_at >= since, chunks.c.sent_at <= until)
    of_jobs = select(jobs.c.id).where(_said(operations), jobs.c.urgent == false())
    return tx.execute(select(chunks.c.id).where(*which, chunks.c.job_id.in_(of_jobs)).limit(1)).first() is not None


def _said(operations: Sequence[str]) -> ColumnElement[bool]:
    return (jobs.c.kind == "file") | jobs.c.operation.in_(list(operations))
