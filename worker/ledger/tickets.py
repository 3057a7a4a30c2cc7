"""Tickets: what a Celery task that asked for a call is still owed (design §6, "A call and its Celery result")."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.inserting import Inserting
from worker.ledger.prepared import Prepared
from worker.ledger.tables import tickets

WAITING = tickets.c.state == "waiting"
ONE = claims.Taking(tickets, tickets.c.id == bindparam("task_id"), WAITING, early=True)
KNOWN = Prepared(select(tickets).where(tickets.c.id == bindparam("task_id")))
NEW = Inserting(tickets, "id", "job_id", "state", "signature", "owner", "lease_until", "fence")
HANDED = Prepared(
    update(tickets)
    .where(tickets.c.id == bindparam("task_id"))
    .values(state="handed", signature=b"", lease_until=None, owner=None)
)
READY = Prepared(update(tickets).where(tickets.c.job_id == bindparam("job"), WAITING).values(not_before=0))
DUE = claims.Taking(tickets, WAITING)


def get(tx: Connection, task_id: str) -> Row[Any] | None:
    ticket: Row[Any] | None = KNOWN(tx, task_id=task_id).first()
    return ticket


def open_held(tx: Connection, task_id: str, job_id: str, signature: bytes, owner: str, lease: float) -> Claim | None:
    """A new ticket, held by the process that runs the task now; None when a copy of the message was faster.

    `signature` is encrypted.
    """
    values: dict[str, Any] = {"id": task_id, "job_id": job_id, "state": "waiting", "signature": signature}
    values |= {"owner": owner, "lease_until": time.time() + lease, "fence": 1}
    return Claim(task_id, 1) if NEW(tx, **values) is not None else None


def claim(tx: Connection, task_id: str, owner: str, lease: float) -> Claim | None:
    taken = ONE(tx, owner, lease, task_id=task_id)
    return claims.of(taken[0]) if taken else None


def wait(tx: Connection, held: Claim, seconds: float) -> bool:
    return claims.release(tx, tickets, held, not_before=time.time() + seconds)


def handed_over(tx: Connection, task_id: str) -> None:
    """Celery itself has stored the result and fired what hangs on it."""
    HANDED(tx, task_id=task_id)


def due(tx: Connection, again_in: float, most: int) -> list[Row[Any]]:
    """Tickets to publish now. Should a message be lost, its ticket is due again in `again_in` seconds."""
    taken = DUE(tx, "", 0, most)
    later = {"lease_until": None, "owner": None, "not_before": time.time() + again_in}
    tx.execute(update(tickets).where(tickets.c.id.in_([row.id for row in taken])).values(**later))
    return taken


def unpublished(tx: Connection, task_id: str) -> None:
    """No broker took the message: due again at the next sweep."""
    tx.execute(update(tickets).where(tickets.c.id == task_id, tickets.c.owner.is_(None)).values(not_before=0))


def anybody_waits(tx: Connection, job_id: str) -> bool:
    """Another task waits for the same job: it was asked for twice, by one key."""
    waiting = select(tickets.c.id).where(tickets.c.job_id == job_id, WAITING).limit(1)
    return tx.execute(waiting).first() is not None


def ready(tx: Connection, job_id: str) -> None:
    """The job has its outcome: whoever waits for it may be published now."""
    READY(tx, job=job_id)
