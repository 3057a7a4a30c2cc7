"""What persons did with notices in quarantine: who opened one, had it read again or dismissed it, and when. Kept for
ever; they hold nothing of what was told."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Column, Connection, Float, Index, Row, String, Table, Text, and_, func, insert, select, update

from worker.ledger.notices import is_over, notices
from worker.ledger.schema import ROW_ID, metadata

handlings = Table(
    "handlings",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("notice_id", ROW_ID, nullable=False),
    Column("kind", String(80), nullable=False),
    Column("account", String(80)),
    Column("did", String(10), nullable=False),  # opened | released | dismissed
    Column("said_by", String(200), nullable=False),
    Column("note", Text),
    Column("written_at", Float, nullable=False),
    Index(None, "notice_id"),
)
OPENED, RELEASED, DISMISSED = "opened", "released", "dismissed"
LONGEST_NAME = 200
in_quarantine = and_(is_over, notices.c.state == "quarantined")


def get(tx: Connection, notice_id: int) -> Row[Any] | None:
    """A notice, whatever its state."""
    return tx.execute(select(notices).where(notices.c.id == notice_id)).one_or_none()


def waiting(tx: Connection, most: int) -> list[Row[Any]]:
    """What is in quarantine, the latest first."""
    return list(tx.execute(select(notices).where(in_quarantine).order_by(notices.c.id.desc()).limit(most)))


def counts(tx: Connection) -> list[Row[Any]]:
    """How `many` of which `kind` and `account` are there, and `why`, the most first."""
    many, names = func.count().label("many"), (notices.c.kind, notices.c.account, notices.c.why)
    return list(tx.execute(select(*names, many).where(in_quarantine).group_by(*names).order_by(many.desc(), *names)))


def of(tx: Connection, notice_id: int) -> list[Row[Any]]:
    found = select(handlings).where(handlings.c.notice_id == notice_id).order_by(handlings.c.id)
    return list(tx.execute(found))


def write(tx: Connection, notice: Row[Any], did: str, by: str, note: str | None = None) -> None:
    values = {"notice_id": notice.id, "kind": notice.kind, "account": notice.account, "did": did, "note": note}
    tx.execute(insert(handlings).values(**values, said_by=by[:LONGEST_NAME], written_at=time.time()))


def end(tx: Connection, notice: Row[Any], did: str, by: str, note: str | None = None) -> bool:
    """It leaves the quarantine; False when somebody was faster."""
    done = update(notices).where(notices.c.id == notice.id, in_quarantine).values(state=did)
    if not tx.execute(done).rowcount:
        return False
    write(tx, notice, did, by, note)
    return True


def hand_out_anew(tx: Connection, notice: Row[Any], by: str) -> bool:
    """Everybody who follows it is handed it once more."""
    anew: dict[str, Any] = {"state": "waiting", "taken": "[]", "tries": 0, "stumbles": 0, "why": None, "not_before": 0}
    if not tx.execute(update(notices).where(notices.c.id == notice.id, in_quarantine).values(**anew)).rowcount:
        return False
    write(tx, notice, RELEASED, by)
    return True


def expire(tx: Connection, before: float, by: str, most: int) -> int:
    """Dismiss what nobody decided since then; how many."""
    old = select(notices).where(in_quarantine, notices.c.created_at < before).order_by(notices.c.created_at)
    return sum(end(tx, one, DISMISSED, by) for one in tx.execute(old.limit(most)).all())
