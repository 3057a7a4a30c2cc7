"""What goes on at a platform after we made it: its state and its counters as last seen, until it has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    select,
)

from worker.facts.watched import Seen
from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.inserting import insert_new
from worker.ledger.reports import iso
from worker.ledger.schema import ROW_ID, claim_columns, metadata
from worker.ledger.tables import jobs

watched = Table(
    "watched",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("account", String(80), nullable=False),
    Column("subject", String(40), nullable=False),  # the platform's id
    Column("job_id", String(20), nullable=False, unique=True),  # which made it
    Column("state", String(40), nullable=False, server_default=""),
    Column("counters", Text, nullable=False, server_default="{}"),
    Column("channels", Text, nullable=False, server_default="{}"),  # of its parts, by the platform's id of each
    Column("same", Integer, nullable=False, server_default="0"),  # looks in a row that found nothing new
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    *claim_columns(),
    UniqueConstraint("account", "subject"),
)
is_on = literal_column("ended_at").is_(None)
Index("ix_watched_on", watched.c.not_before, sqlite_where=is_on, postgresql_where=is_on)
FIRST_WAIT, LONGEST_WAIT = 60.0, 3600.0
LOOKED_BACK = 7 * 86400.0


def made(tx: Connection, account: str, operation: str) -> list[Row[Any]]:
    """The jobs of this operation that are over since not too long, and whose work nobody watches yet."""
    unwatched = select(jobs).outerjoin(watched, watched.c.job_id == jobs.c.id).where(watched.c.id.is_(None))
    # With nothing added to the state, databases would look through all that ever finished.
    over = (jobs.c.state.concat("") == "finished", jobs.c.finished_at > time.time() - LOOKED_BACK)
    return list(tx.execute(unwatched.where(jobs.c.account == account, jobs.c.operation == operation, *over)))


def begin(tx: Connection, job: Row[Any], subject: str) -> None:
    now = time.time()
    values = {"account": job.account, "subject": subject, "job_id": job.id}
    values |= {"created_at": now, "not_before": now + FIRST_WAIT}
    insert_new(tx, watched, values)


def claim(tx: Connection, owner: str, lease: float) -> Row[Any] | None:
    taken = claims.take(tx, watched, owner, lease, watched.c.ended_at.is_(None))
    return taken[0] if taken else None


def seen(tx: Connection, row: Row[Any], now_seen: Seen) -> bool:
    """While it changes it is looked at each minute, then less and less often."""
    told = {"state": now_seen.state[:40], "counters": json.dumps(dict(now_seen.counters), sort_keys=True)}
    same = row.same + 1 if told == {"state": row.state, "counters": row.counters} else 0
    now = time.time()
    later = {"same": same, "not_before": now + wait(same), "ended_at": now if now_seen.ended else None}
    told["channels"] = json.dumps(dict(now_seen.channels), sort_keys=True)
    return claims.release(tx, watched, claims.of(row), **told, **later)


def not_seen(tx: Connection, row: Row[Any], seconds: float) -> bool:
    return claims.release(tx, watched, claims.of(row), same=row.same + 1, not_before=time.time() + seconds)


def gone(tx: Connection, held: Claim) -> bool:
    """The platform no longer knows it."""
    return claims.release(tx, watched, held, ended_at=time.time())


def wait(same: int) -> float:
    return min(FIRST_WAIT * 2.0 ** min(same, 30), LONGEST_WAIT)


def channel(tx: Connection, account: str, subject: str, part: str) -> str | None:
    """The platform's word for the channel of a part, as far as it was ever seen."""
    found = select(watched.c.channels).where(watched.c.account == account, watched.c.subject == subject)
    said: str | None = json.loads(tx.execute(found).scalar() or "{}").get(part)
    return said


def all_of(tx: Connection, account: str) -> list[Row[Any]]:
    return list(tx.execute(select(watched).where(watched.c.account == account).order_by(watched.c.id)))


def of_jobs(tx: Connection, job_ids: Sequence[str]) -> list[Row[Any]]:
    """What these jobs made."""
    return list(tx.execute(select(watched).where(watched.c.job_id.in_(job_ids)).order_by(watched.c.id)))


def of_subject(tx: Connection, subject: str) -> list[Row[Any]]:
    """What is called so, at whichever account."""
    return list(tx.execute(select(watched).where(watched.c.subject == subject).order_by(watched.c.id)))


def facts(row: Row[Any]) -> dict[str, Any]:
    """How it was last seen."""
    ended = None if row.ended_at is None else iso(row.ended_at)
    named = {"account": row.account, "id": row.subject, "state": row.state or "not seen yet", "job": row.job_id}
    return {**named, "counters": json.loads(row.counters), "ended_at": ended}
