"""The only claim there is: for chunks, tickets, notices, doors, posts, slots, and the planning of jobs.

A claim is one compare-and-set with a lease and a fencing number. Whoever comes second finds nothing; whoever
comes back after its lease finds that its fence no longer fits.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Integer,
    Row,
    Table,
    and_,
    bindparam,
    or_,
    select,
    update,
)

from worker.ledger.prepared import Prepared

Moment = float | BindParameter[float]


@dataclass(frozen=True)
class Claim:
    """Proof of holding one row: valid while its fence is the row's."""

    id: Any
    fence: int


def of(row: Row[Any]) -> Claim:
    return Claim(row.id, row.fence)


def free(table: Table, now: Moment) -> ColumnElement[bool]:
    """Due, and held by nobody whose lease still runs."""
    return and_(due(table, now), unheld(table, now))


def due(table: FromClause, now: Moment) -> ColumnElement[bool]:
    """+ 0 keeps databases from the index on `not_before`: nearly all rows are due, and sorting those costs a claim
    more than everything else in it."""
    return table.c.not_before + 0 <= now


def unheld(table: Table, now: Moment) -> ColumnElement[bool]:
    return or_(table.c.lease_until.is_(None), table.c.lease_until < now)


def held(table: Table, claim: Claim) -> ColumnElement[bool]:
    return and_(table.c.id == claim.id, table.c.fence == claim.fence)


def one_of(column: Column[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """`IN`, spelled out: a prepared statement takes no lists."""
    return or_(*(column == value for value in values))


class Taking:
    """A claim made ready: which rows of a table it may take, in which order, and what it sets on them.

    Calling it claims up to `most` of them for `owner` and `lease` seconds; further values fill the bind
    parameters of `where`. `early` takes what is not due yet too: a message about it has come.
    """

    def __init__(
        self, table: Table, *where: ColumnElement[bool], order: Sequence[Any] = (), early: bool = False, **values: Any
    ) -> None:
        now = bindparam("now", type_=Float)
        picked = (
            select(table.c.id)
            .where(unheld(table, now) if early else free(table, now), *where)
            .order_by(*(order or (table.c.id,)))
            .limit(bindparam("most", type_=Integer))
            # key_share: who only adds a chunk or a ticket to a job does not keep others from claiming the job.
            .with_for_update(skip_locked=True, key_share=True)
            .cte("picked")
            .prefix_with("MATERIALIZED", dialect="postgresql")
        )
        self._statement = Prepared(
            update(table)
            .where(table.c.id.in_(select(picked.c.id)))
            .values(owner=bindparam("new_owner"), lease_until=bindparam("until"), fence=table.c.fence + 1, **values)
            .returning(table)
        )

    def __call__(self, tx: Connection, owner: str, lease: float, most: int = 1, **values: Any) -> list[Row[Any]]:
        now = time.time()
        taken = self._statement(tx, now=now, most=most, new_owner=owner, until=now + lease, **values)
        return sorted(taken.rows, key=lambda row: row.id)


def take(
    tx: Connection, table: Table, owner: str, lease: float, *where: ColumnElement[bool], most: int = 1, **values: Any
) -> list[Row[Any]]:
    """A claim made once, where nobody waits for it; the frequent ones are `Taking`s of their own."""
    return Taking(table, *where, **values)(tx, owner, lease, most)


def change(tx: Connection, table: Table, claim: Claim, *where: ColumnElement[bool], **values: Any) -> bool:
    """Set `values` on a row still held; False when somebody else has it by now."""
    done = tx.execute(update(table).where(held(table, claim), *where).values(**values))
    return done.rowcount == 1


def release(tx: Connection, table: Table, claim: Claim, *where: ColumnElement[bool], **values: Any) -> bool:
    """`change`, and give the row back."""
    return change(tx, table, claim, *where, lease_until=None, owner=None, **values)
