"""Rows of a job that are being given to a later one, a page at a time, and how far that has come: whoever comes after
a kill goes on there."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Column, Connection, Integer, Row, String, Table, Text, delete, insert, select, update

from worker.ledger import jobs, replays
from worker.ledger.schema import metadata

givings = Table(
    "givings",
    metadata,
    Column("id", String(20), primary_key=True),  # the later job
    Column("taken_from", String(20), nullable=False, index=True),
    Column("codes", Text, nullable=False),  # which rows: their codes, each with whether they were refused
    Column("after", Integer, nullable=False, server_default="0"),  # the number of the last chunk that was looked at
)
Code = tuple[str, bool]


def begin(tx: Connection, job_id: str, taken_from: str, codes: Iterable[Code]) -> None:
    values = {"id": job_id, "taken_from": taken_from, "codes": json.dumps(sorted(set(codes)))}
    tx.execute(insert(givings).values(**values))


def of(tx: Connection, taken_from: str) -> list[str]:
    """The jobs that are still being given rows of this one."""
    return list(tx.execute(select(givings.c.id).where(givings.c.taken_from == taken_from)).scalars())


def give_some(tx: Connection, job_id: str, most: int) -> bool:
    """Look at so many further chunks; False when there are none, or the job was stopped. The job whose rows they are
    is locked, so that nobody else gives the same ones away."""
    giving = _get(tx, job_id)
    if giving is None:
        return False
    jobs.locked(tx, giving.taken_from)
    giving, job = _get(tx, job_id), jobs.get(tx, job_id)
    if giving is None:
        return False
    page = replays.page(tx, giving.taken_from, giving.after, most)
    if not page or job is None or job.state in jobs.ENDED:
        tx.execute(delete(givings).where(givings.c.id == job_id))
        return False
    codes = {(code, refused) for code, refused in json.loads(giving.codes)}
    found = replays.shares_of(tx, giving.taken_from, page)
    fresh = [one for one in found if one.given_to is None and (one.code, one.refused) in codes]
    replays.give(tx, job_id, fresh)
    tx.execute(update(givings).where(givings.c.id == job_id).values(after=page[-1].n))
    return True


def _get(tx: Connection, job_id: str) -> Row[tuple[str, str, str, int]] | None:
    return tx.execute(select(givings).where(givings.c.id == job_id)).one_or_none()
