"""Notices: what happened and others may follow. Written with the fact itself, handed out at least once."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.tables import notices


def announce(tx: Connection, kind: str, subject: str) -> None:
    """`kind` is what happened (`job.ended`), `subject` the id of what it happened to."""
    tx.execute(insert(notices).values(kind=kind, subject=subject, state="waiting", created_at=time.time()))


def claim_waiting(tx: Connection, owner: str, lease: float, most: int) -> list[Row[Any]]:
    return claims.take(tx, notices, owner, lease, notices.c.state == "waiting", most=most)


def any_waiting(tx: Connection) -> bool:
    due = select(notices.c.id).where(notices.c.state == "waiting", notices.c.not_before <= time.time())
    return tx.execute(due.limit(1)).first() is not None


def handed_out(tx: Connection, claim: Claim) -> bool:
    return claims.release(tx, notices, claim, state="handed")
