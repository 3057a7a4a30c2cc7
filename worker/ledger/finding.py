"""Where something is in the ledger: jobs by their key, by the person they changed, and those that have a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, union

from worker.ledger.tables import chunks, jobs


def of_key(tx: Connection, key: str, key_hash: str, operations: Sequence[str], accounts: Sequence[str]) -> list[str]:
    """The jobs of a caller's key, by what it may have been a key of. Of a job's own id, that job."""
    keyed = (jobs.c.operation.in_(operations), jobs.c.account.in_(accounts), jobs.c.key_hash == key_hash)
    found = union(*(select(jobs.c.id, jobs.c.created_at).where(which) for which in (and_(*keyed), jobs.c.id == key)))
    return [str(row.id) for row in tx.execute(found.order_by(found.selected_columns.created_at.desc()))]


def of_persons(tx: Connection, marks: Sequence[str], most: int) -> list[str]:
    """The jobs whose calls changed somebody, the latest first."""
    latest = func.max(chunks.c.id)
    found = select(chunks.c.job_id).where(chunks.c.person.in_(marks)).group_by(chunks.c.job_id)
    return list(tx.execute(found.order_by(latest.desc()).limit(most)).scalars())


def with_file(tx: Connection, most: int) -> list[Row[Any]]:
    """Jobs with rows of a file, the latest first."""
    return list(tx.execute(select(jobs).where(jobs.c.kind == "file").order_by(jobs.c.created_at.desc()).limit(most)))


def stretches(tx: Connection, job_id: str) -> list[Row[Any]]:
    """What the chunks of a file carry, in order."""
    return list(tx.execute(select(chunks).where(chunks.c.job_id == job_id).order_by(chunks.c.n)))
