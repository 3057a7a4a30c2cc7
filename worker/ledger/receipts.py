"""Receipts of consent: who said what when, and which platform was told and answered what. Never changed but by the
answer that is still due."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Float, Index, Row, String, Table, Text, bindparam, select

from worker.ledger.inserting import Inserting
from worker.ledger.prepared import Prepared
from worker.ledger.schema import ROW_ID, metadata
from worker.ledger.tables import jobs

receipts = Table(
    "receipts",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("who", String(64), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("state", String(4), nullable=False),  # where the address stands since then
    Column("reason", String(20), nullable=False),
    Column("at", Float, nullable=False),  # the event's own time
    Column("source", String(200), nullable=False),
    Column("said_by", String(200), nullable=False),
    Column("written_at", Float, nullable=False),
    Column("of", BigInteger),  # the change that this platform was told of
    Column("account", String(80)),  # the platform that was told
    Column("job_id", String(20)),  # the call that tells it
    Column("note", Text),  # why it was not told, or told once more
    Index(None, "who"),
    Index(None, "of"),
)

NEW = Inserting(receipts, *(column.name for column in receipts.c if column.name != "id"))
ONE = Prepared(select(receipts).where(receipts.c.id == bindparam("number")))
TOLD_OF = Prepared(select(receipts).where(receipts.c.of == bindparam("number")).order_by(receipts.c.id))
WITH_JOB = receipts.outerjoin(jobs, jobs.c.id == receipts.c.job_id)
ALL_OF = Prepared(
    select(receipts, jobs.c.state.label("job_state"), jobs.c.finished_at)
    .select_from(WITH_JOB)
    .where(receipts.c.who == bindparam("whose"))
    .order_by(receipts.c.id)
)


@dataclass(frozen=True)
class Change:
    """What an event changed, or a platform is told."""

    who: str
    channel: str
    purpose: str
    state: str
    reason: str
    at: float
    source: str
    said_by: str


@dataclass(frozen=True)
class Told:
    """A platform that was told of a change, by a job, and why once more; or why it was not."""

    account: str
    job_id: str | None = None
    note: str | None = None


def write(tx: Connection, change: Change) -> int:
    """The number of the new receipt."""
    return _insert(tx, vars(change))


def tell(tx: Connection, change: Row[Any], told: Told) -> int:
    """The receipt that a platform was told of this change."""
    return _insert(
        tx, {name: getattr(change, name) for name in Change.__annotations__} | vars(told) | {"of": change.id}
    )


def get(tx: Connection, number: int) -> Row[Any] | None:
    found: Row[Any] | None = ONE(tx, number=number).first()
    return found


def told_of(tx: Connection, number: int) -> list[Row[Any]]:
    """The receipts of those who were told of a change."""
    return TOLD_OF(tx, number=number).rows


def of(tx: Connection, who: str) -> list[Row[Any]]:
    """All receipts of an address, the oldest first, with the state of the job that tells a platform."""
    return ALL_OF(tx, whose=who).rows


def _insert(tx: Connection, values: dict[str, Any]) -> int:
    nobody: dict[str, Any] = {"of": None, **dict.fromkeys(Told.__annotations__)}
    return int(NEW(tx, **nobody | values | {"written_at": time.time()}).id)
