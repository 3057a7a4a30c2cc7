"""Posts: what one process of all does at a time; and which processes were seen lately."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.inserting import insert_new
from worker.ledger.tables import posts, processes

FORGET_AFTER = 600.0
LONGEST_NAME = 80  # of its column; a host's full name may be longer


def claim(tx: Connection, name: str, owner: str, lease: float) -> Claim | None:
    """The post, when it is free, was left, or is ours already."""
    if tx.execute(select(posts.c.id).where(posts.c.id == name)).first() is None:
        insert_new(tx, posts, {"id": name})
    renewed = tx.execute(
        update(posts)
        .where(posts.c.id == name, posts.c.owner == owner)
        .values(lease_until=time.time() + lease)
        .returning(posts.c.id, posts.c.fence)
    ).one_or_none()
    if renewed is not None:
        return Claim(renewed.id, renewed.fence)
    taken = claims.take(tx, posts, owner, lease, posts.c.id == name)
    return claims.of(taken[0]) if taken else None


def leave(tx: Connection, held: Claim) -> None:
    claims.release(tx, posts, held)


def end_lease(tx: Connection, name: str) -> None:
    """Its holder is known to be dead."""
    tx.execute(update(posts).where(posts.c.id == name).values(lease_until=None, owner=None))


def holder(tx: Connection, name: str) -> str | None:
    owner: str | None = tx.execute(select(posts.c.owner).where(posts.c.id == name)).scalar()
    return owner


def seen(tx: Connection, owner: str, name: str) -> None:
    """This process lives. The ones not seen for long are forgotten."""
    now = time.time()
    known = tx.execute(update(processes).where(processes.c.id == owner).values(seen_at=now)).rowcount
    if not known:
        insert_new(tx, processes, {"id": owner, "name": name[:LONGEST_NAME], "seen_at": now})
    tx.execute(delete(processes).where(processes.c.seen_at < now - FORGET_AFTER))


def living(tx: Connection, within: float = 15.0) -> list[Row[Any]]:
    """Processes seen in the last seconds."""
    recent = select(processes).where(processes.c.seen_at > time.time() - within).order_by(processes.c.name)
    return list(tx.execute(recent))


def gone(tx: Connection, owner: str) -> None:
    tx.execute(delete(processes).where(processes.c.id == owner))


def touch(tx: Connection) -> None:
    """A write that changes nothing: a ledger that takes none refuses it."""
    tx.execute(update(posts).where(posts.c.id == "").values(owner=None))
