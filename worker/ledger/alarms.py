"""Alarms: what is wrong now and a person should know of. Each change, the beginning and the end, is told once."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Column, Connection, Float, Row, String, Table, Text, select, update

from worker.ledger.inserting import insert_new
from worker.ledger.schema import metadata

alarms = Table(
    "alarms",
    metadata,
    Column("id", String(255), primary_key=True),  # kind and subject
    Column("kind", String(80), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("ended_at", Float),
)


def begin(tx: Connection, kind: str, subject: str, sentence: str) -> str | None:
    """Its id; None while it is alarmed already, whatever the new sentence says."""
    now, name = time.time(), f"{kind}/{subject}"
    values = {"kind": kind, "subject": subject, "sentence": sentence, "since": now}
    if insert_new(tx, alarms, {"id": name} | values):
        return name
    over = update(alarms).where(alarms.c.id == name, alarms.c.ended_at.is_not(None))
    begun = tx.execute(over.values(sentence=sentence, since=now, ended_at=None))
    return name if begun.rowcount else None


def end(tx: Connection, kind: str, subject: str) -> str | None:
    """The id of the alarm that ends; None when there was none."""
    name = f"{kind}/{subject}"
    raised = update(alarms).where(alarms.c.id == name, alarms.c.ended_at.is_(None))
    return name if tx.execute(raised.values(ended_at=time.time())).rowcount else None


def get(tx: Connection, name: str) -> Row[Any]:
    return tx.execute(select(alarms).where(alarms.c.id == name)).one()


def raised(tx: Connection) -> list[Row[Any]]:
    """What is alarmed now, the oldest first."""
    return list(tx.execute(select(alarms).where(alarms.c.ended_at.is_(None)).order_by(alarms.c.since)))
