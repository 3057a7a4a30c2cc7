"""Messages to persons, as the platform tells of them: which statuses each had, and of which call it is.

Whose they are is a keyed hash, of the e-mail address and of the telephone number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    or_,
    select,
    update,
)

from worker.ledger.inserting import insert_new
from worker.ledger.schema import ROW_ID, metadata
from worker.ledger.tables import jobs

messages = Table(
    "messages",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("account", String(80), nullable=False),
    Column("message", String(200), nullable=False),  # the platform's id
    Column("email", String(64)),
    Column("phone", String(64)),
    Column("job_id", String(20)),
    Column("chunk", Integer),
    Column("row", BigInteger),  # of the chunk
    Column("cascade", String(40)),
    Column("cascade_trigger", String(40)),
    Column("status", String(40), nullable=False, server_default=""),
    Column("statuses", Text, nullable=False, server_default="{}"),  # each with the moment it was first true
    Column("told_at", Float, nullable=False, server_default="0"),  # the latest of those moments
    UniqueConstraint("account", "message"),
    Index(None, "message"),
    Index(None, "account", "cascade"),
    Index(None, "job_id", "chunk"),
    Index(None, "email"),
    Index(None, "phone"),
)
LONGEST_STATUS = 40


def learn(
    tx: Connection,
    account: str,
    message: str,
    status: str,
    at: float,
    final: Callable[[Collection[str]], str],
    **known: Any,
) -> None:
    """One more status of a message; `final` says in which it is, of all it had. What is `known` of it besides stays as
    it was told first."""
    insert_new(tx, messages, {"account": account, "message": message})
    this = (messages.c.account == account, messages.c.message == message)
    row = tx.execute(select(messages).where(*this).with_for_update()).one()
    statuses: dict[str, float] = json.loads(row.statuses)
    statuses[status] = min(at, statuses.get(status, at))
    new = {name: value for name, value in known.items() if value is not None and getattr(row, name) is None}
    new |= {"status": final(statuses), "statuses": json.dumps(statuses, sort_keys=True)}
    tx.execute(update(messages).where(messages.c.id == row.id).values(told_at=max(statuses.values()), **new))


def proven_rows(tx: Connection, job_id: str, chunk: int) -> int:
    """How many rows of a chunk the platform has spoken of."""
    which = (messages.c.job_id == job_id, messages.c.chunk == chunk)
    return int(tx.execute(select(func.count(messages.c.row.distinct())).where(*which)).scalar_one())


def doubled(tx: Connection, job_id: str, chunk: int) -> bool:
    """Whether a row of a chunk has two messages of the same trigger: each request makes one."""
    which = (messages.c.job_id == job_id, messages.c.chunk == chunk, messages.c.cascade_trigger.is_not(None))
    several = func.count(messages.c.id) > 1
    each = select(messages.c.row).where(*which).group_by(messages.c.row, messages.c.cascade_trigger).having(several)
    return tx.execute(each.limit(1)).first() is not None


def of_person(tx: Connection, mark: str, most: int = 100) -> list[Row[Any]]:
    """Messages to whoever has this address, the latest first."""
    return _latest(tx, or_(messages.c.email == mark, messages.c.phone == mark), most)


def of_id(tx: Connection, message: str, most: int = 100) -> list[Row[Any]]:
    return _latest(tx, messages.c.message == message, most)


def of_cascade(tx: Connection, cascade: str) -> list[Row[Any]]:
    """How many messages of a cascade there are in each status: `account`, `status`, `count`."""
    count = func.count().label("count")
    wanted = select(messages.c.account, messages.c.status, count).where(messages.c.cascade == cascade)
    return list(tx.execute(wanted.group_by(messages.c.account, messages.c.status).order_by(count.desc())))


def of_job(tx: Connection, job_id: str) -> dict[str, int]:
    """How many messages of a job, or of its steps, there are in each status, the most frequent first."""
    whose = select(jobs.c.id).where(or_(jobs.c.id == job_id, jobs.c.parent == job_id))
    many = func.count().label("many")
    wanted = select(messages.c.status, many).where(messages.c.job_id.in_(whose)).group_by(messages.c.status)
    return {row.status: int(row.many) for row in tx.execute(wanted.order_by(many.desc(), messages.c.status))}


def _latest(tx: Connection, which: Any, most: int) -> list[Row[Any]]:
    return list(tx.execute(select(messages).where(which).order_by(messages.c.told_at.desc()).limit(most)))
