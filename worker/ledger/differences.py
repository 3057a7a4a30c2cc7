"""Where a platform's list says otherwise of somebody than the register does, as comparisons found it: reported, never
applied.

Who is meant is a keyed hash; the address, and what each of the two says, are sealed beside it.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Float, LargeBinary, Row, String, Table, delete, insert, select

from worker.ledger.schema import ROW_ID, metadata

differences = Table(
    "differences",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("slot_id", BigInteger, nullable=False, index=True),  # of the comparison that found it
    Column("kind", String(20), nullable=False),
    Column("who", String(64), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("found_at", Float, nullable=False, index=True),
)


def write(tx: Connection, slot_id: int, kind: str, who: str, channel: str, content: bytes) -> None:
    values = {"kind": kind, "who": who, "channel": channel, "content": content, "found_at": time.time()}
    tx.execute(insert(differences).values(slot_id=slot_id, **values))


def of(tx: Connection, slot_id: int, most: int) -> list[Row[Any]]:
    """Those of one comparison, in the order of the list."""
    found = select(differences).where(differences.c.slot_id == slot_id).order_by(differences.c.id).limit(most)
    return list(tx.execute(found))


def forget(tx: Connection, slot_id: int) -> None:
    """Its list is read from the beginning once more."""
    tx.execute(delete(differences).where(differences.c.slot_id == slot_id))


def let_go(tx: Connection, before: float, most: int) -> int:
    """Forget those that were found before this moment; how many."""
    old = select(differences.c.id).where(differences.c.found_at < before).order_by(differences.c.found_at).limit(most)
    return tx.execute(delete(differences).where(differences.c.id.in_(old))).rowcount
