"""What is known of each schedule: until when its slots are, and who paused it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Connection, Float, Row, String, Table, select, update

from worker.ledger.inserting import insert_new
from worker.ledger.schema import metadata

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(80), primary_key=True),  # its name
    Column("rule", String(200), nullable=False),  # its cron rule and time zone; empty while nobody declares it
    Column("known_until", Float, nullable=False),  # every slot up to then is in the ledger
    Column("first_seen_at", Float, nullable=False),
    Column("paused_by", String(80)),
    Column("paused_at", Float),
)


def known(tx: Connection, name: str, rule: str, now: float) -> Row[Any]:
    """What is known of a schedule, with the rule by which it was looked at last. Seen for the first time it counts from
    now.

    Nobody else changes it until the transaction ends.
    """
    insert_new(tx, schedules, {"id": name, "rule": rule, "known_until": now, "first_seen_at": now})
    return tx.execute(select(schedules).where(schedules.c.id == name).with_for_update()).one()


def advance(tx: Connection, name: str, until: float, rule: str) -> None:
    """From now on its slots are known `until` then, by this rule."""
    tx.execute(update(schedules).where(schedules.c.id == name).values(known_until=until, rule=rule))


def all_of(tx: Connection) -> dict[str, Row[Any]]:
    return {row.id: row for row in tx.execute(select(schedules))}


def lock(tx: Connection, name: str) -> None:
    """Nobody else starts a slot of this schedule until the transaction ends."""
    tx.execute(select(schedules.c.id).where(schedules.c.id == name).with_for_update())


def forget_all_but(tx: Connection, names: Iterable[str]) -> None:
    """The rules that nobody declares any more; what is known of them stays, for one may come back."""
    tx.execute(update(schedules).where(schedules.c.id.not_in(list(names)), schedules.c.rule != "").values(rule=""))


def gone(tx: Connection, since: float) -> list[str]:
    """Those that nobody has declared `since` then."""
    away = (schedules.c.rule == "", schedules.c.known_until < since)
    return list(tx.execute(select(schedules.c.id).where(*away)).scalars())


def pause(tx: Connection, name: str, who: str) -> bool:
    running = update(schedules).where(schedules.c.id == name, schedules.c.paused_by.is_(None))
    return tx.execute(running.values(paused_by=who[:80], paused_at=time.time())).rowcount == 1


def resume(tx: Connection, name: str) -> bool:
    paused = update(schedules).where(schedules.c.id == name, schedules.c.paused_by.is_not(None))
    return tx.execute(paused.values(paused_by=None, paused_at=None)).rowcount == 1
