"""How chunks come into being: stretches of a file, or the one payload of a call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.tables import chunks
from worker.sources.cut import Stretch

FIRST_CHUNK = 1


def plan(tx: Connection, job_id: str, account: str, first: int, pieces: Sequence[Stretch]) -> None:
    """Record the chunks of a stretch of a file, numbered from `first`."""
    fields = ("offset", "length", "first_row", "lines", "rows", "checksum", "too_long")
    tx.execute(
        insert(chunks),
        [
            {"job_id": job_id, "account": account, "n": n, "state": "waiting"} | {f: getattr(piece, f) for f in fields}
            for n, piece in enumerate(pieces, first)
        ],
    )


def add_call(tx: Connection, job_id: str, account: str, payload: bytes, owner: str | None, lease: float) -> Claim:
    """Record the one chunk of a call, already claimed when `owner` is about to send it."""
    row = tx.execute(
        insert(chunks)
        .values(
            job_id=job_id,
            account=account,
            n=FIRST_CHUNK,
            state="claimed" if owner else "waiting",
            length=len(payload),
            payload=payload,
            owner=owner,
            lease_until=time.time() + lease if owner else None,
            fence=1 if owner else 0,
        )
        .returning(chunks.c.id, chunks.c.fence)
    ).one()
    return Claim(row.id, row.fence)


def last_planned(tx: Connection, job_id: str) -> Row[Any] | None:
    """The stretch that reaches furthest into the file: where planning goes on."""
    furthest = select(chunks).where(chunks.c.job_id == job_id).order_by(chunks.c.offset.desc()).limit(1)
    return tx.execute(furthest).one_or_none()


def of_call(tx: Connection, job_id: str) -> Row[Any]:
    return tx.execute(select(chunks).where(chunks.c.job_id == job_id, chunks.c.n == FIRST_CHUNK)).one()


def next_number(tx: Connection, job_id: str) -> int:
    return int(tx.execute(select(func.max(chunks.c.n)).where(chunks.c.job_id == job_id)).scalar() or 0) + 1


def shrink(tx: Connection, row: Row[Any], piece: Stretch) -> bool:
    """A held chunk becomes a smaller stretch of its file, waiting again; False when it is in other hands."""
    fields = ("offset", "length", "first_row", "lines", "rows", "checksum")
    still_ours = chunks.c.state == "claimed"
    return claims.release(
        tx, chunks, claims.of(row), still_ours, state="waiting", **{f: getattr(piece, f) for f in fields}
    )
