"""How chunks come into being: stretches of a file, or the one payload of a call."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from worker.ledger import claims, jobs
from worker.ledger.inserting import Inserting
from worker.ledger.prepared import Prepared
from worker.ledger.refusing import skip_in_stopped, still
from worker.ledger.tables import chunks
from worker.sources.piece import Piece, Stretch

FIRST_CHUNK = 1
OF_CALL = Prepared(select(chunks).where(chunks.c.job_id == bindparam("job"), chunks.c.n == FIRST_CHUNK))
ALL_OF_CALL = Prepared(select(chunks).where(chunks.c.job_id == bindparam("job")).order_by(chunks.c.n))
ACCEPTED = Prepared(select(chunks.c.accepted).where(chunks.c.job_id == bindparam("job")).order_by(chunks.c.n))
NEW = Inserting(
    chunks,
    *("job_id", "account", "n", "state", "length", "payload", "owner", "lease_until", "fence", "sent_at"),
    *("first_row", "lines", "rows", "person"),
)


def plan(
    tx: Connection,
    job_id: str,
    account: str,
    first: int,
    pieces: Sequence[Piece],
    payloads: Sequence[bytes | None] | None = None,
) -> None:
    """Record the chunks of a stretch of a file, numbered from `first`; `payloads` are rows that no file has."""
    fields = ("offset", "length", "first_row", "lines", "rows", "checksum", "too_long")
    tx.execute(
        insert(chunks),
        [
            {"job_id": job_id, "account": account, "n": n, "state": "waiting", "payload": payload}
            | {"stays": json.dumps(piece.stays) if piece.stays else None}
            | {f: getattr(piece, f) for f in fields}
            for n, piece, payload in zip(itertools.count(first), pieces, payloads or itertools.repeat(None))
        ],
    )


@dataclass(frozen=True)
class Load:
    """What one chunk of a call carries: `payload` is sealed, `person` a hash."""

    job_id: str
    account: str
    payload: bytes = field(repr=False)
    n: int = FIRST_CHUNK
    first_row: int = 1
    rows: int = 1
    person: str | None = None


def add_call(
    tx: Connection, load: Load, owner: str | None = None, lease: float = 0.0, *, marked: bool = False
) -> Row[Any]:
    """Record a chunk of a call, claimed already when `owner` is about to see to it, `marked` when its request leaves
    right after this commit."""
    now = time.time()
    row: Row[Any] = NEW(
        tx,
        **vars(load),
        lines=load.rows,
        state="sending" if marked else "claimed" if owner else "waiting",
        length=len(load.payload),
        owner=owner,
        lease_until=now + lease if owner else None,
        fence=1 if owner else 0,
        sent_at=now if marked else None,
    )
    return row


def last_planned(tx: Connection, job_id: str) -> Row[Any] | None:
    """The stretch that reaches furthest into the file: where planning goes on."""
    furthest = select(chunks).where(chunks.c.job_id == job_id).order_by(chunks.c.offset.desc()).limit(1)
    return tx.execute(furthest).one_or_none()


def offsets(tx: Connection, job_id: str) -> set[int]:
    """Where the stretches that are recorded begin."""
    return set(tx.execute(select(chunks.c.offset).where(chunks.c.job_id == job_id)).scalars())


def all_of_call(tx: Connection, job_id: str) -> list[Row[Any]]:
    """The chunks of a call in order; nearly always one."""
    return ALL_OF_CALL(tx, job=job_id).rows


def accepted_rows(tx: Connection, job_id: str) -> list[bool]:
    """Of a call with a row a chunk: which ones were accepted, in order."""
    return [bool(row.accepted) for row in ACCEPTED(tx, job=job_id).rows]


def of_call(tx: Connection, job_id: str) -> Row[Any]:
    chunk: Row[Any] = OF_CALL(tx, job=job_id).first()
    return chunk


def chunk_of(tx: Connection, job_id: str, n: int) -> Row[Any] | None:
    return tx.execute(select(chunks).where(chunks.c.job_id == job_id, chunks.c.n == n)).one_or_none()


def next_number(tx: Connection, job_id: str) -> int:
    """The job is locked: two who add chunks to it at the same moment must not give them the same number."""
    jobs.locked(tx, job_id)
    return int(tx.execute(select(func.max(chunks.c.n)).where(chunks.c.job_id == job_id)).scalar() or 0) + 1


def shrink(tx: Connection, row: Row[Any], piece: Stretch, payload: bytes | None = None) -> bool:
    """A held chunk becomes a smaller stretch of its file, waiting again; False when it is in other hands."""
    fields = ("offset", "length", "first_row", "lines", "rows", "checksum")
    still_ours = chunks.c.state == "claimed"
    still(tx, chunks.c.id == row.id)
    values = {"state": "waiting", "payload": payload} | {f: getattr(piece, f) for f in fields}
    if not claims.release(tx, chunks, claims.of(row), still_ours, **values):
        return False
    skip_in_stopped(tx, chunks.c.id == row.id)
    return True
