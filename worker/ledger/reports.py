"""The report of a job (design §10), summed from the chunk rows, which alone count."""

from __future__ import annotations

import json
import time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, not_, or_, select

from worker.ledger import jobs, remarks
from worker.ledger.tables import chunks, refusals

ROW_SUMS = ("total", "accepted", "refused", "unsure", "skipped", "pending", "repeated")

CHUNK_SUMS = {
    "total": chunks.c.id.is_not(None),
    "waiting": chunks.c.state.in_(("waiting", "claimed")),
    "sending": chunks.c.state.in_(("sending", "awaiting")),
    "awaiting": chunks.c.state == "awaiting",
    "done": chunks.c.state == "done",
    "unsure": chunks.c.state == "unsure",
}


def of(tx: Connection, job_id: str) -> dict[str, Any] | None:
    """None when there is no such job."""
    job = jobs.get(tx, job_id)
    if job is None:
        return None
    sums = tx.execute(_sums(job_id, job.account)).one()
    return {
        "job": job.id,
        "operation": job.operation,
        "account": job.account.partition("/")[2],
        "key": job.key,
        "state": job.state,
        "why": job.why or job.narrow or remarks.sentence(tx, job_id),
        "rows": {name: int(getattr(sums, name) or 0) for name in ROW_SUMS},
        "refused_by": _summed(tx, job_id, "refused_by"),
        "skipped_by": _summed(tx, job_id, "skipped_by"),
        "verified": bool(job.verified),
        "chunks": {name: int(getattr(sums, f"chunks_{name}") or 0) for name in (*CHUNK_SUMS, "unsent")},
        "created_at": iso(job.created_at),
        "finished_at": iso(job.finished_at) if job.finished_at else None,
        "error": job.error,
    }


def _sums(job_id: str, account: str) -> Any:
    open_rows = chunks.c.rows - chunks.c.accepted - chunks.c.refused - chunks.c.skipped
    unsure = chunks.c.state == "unsure"
    pending = and_(chunks.c.state != "unsure", chunks.c.state != "done")
    return select(
        func.sum(chunks.c.rows).label("total"),
        func.sum(chunks.c.accepted).label("accepted"),
        func.sum(chunks.c.refused).label("refused"),
        func.sum(chunks.c.skipped).label("skipped"),
        func.sum(open_rows).filter(unsure).label("unsure"),
        func.sum(open_rows).filter(pending).label("pending"),
        func.sum(chunks.c.accepted).filter(chunks.c.repeated).label("repeated"),
        *(func.count(chunks.c.id).filter(which).label(f"chunks_{name}") for name, which in CHUNK_SUMS.items()),
        func.count(chunks.c.id).filter(_without_a_call(account)).label("chunks_unsent"),
    ).where(chunks.c.job_id == job_id)


def _without_a_call(account: str) -> ColumnElement[bool]:
    """Done, though the platform was never asked: our own check left no row to send, or all that were left stayed
    behind. Not where it may have been asked before."""
    asked = (f'"{account.partition("/")[0]}.', '"answer.', '"gave_up"', '"dropped"')
    by = func.coalesce(chunks.c.refused_by, "") + func.coalesce(chunks.c.skipped_by, "")
    maybe = or_(*(by.contains(code, autoescape=True) for code in asked))
    return and_(chunks.c.state == "done", chunks.c.accepted == 0, not_(maybe))


def _summed(tx: Connection, job_id: str, column: str) -> dict[str, int]:
    """Counts by code over all chunks. Most chunks share few different counts, so equal ones are read once."""
    counted = chunks.c[column]
    found = tx.execute(
        select(counted, func.count()).where(chunks.c.job_id == job_id, counted.is_not(None)).group_by(counted)
    )
    total: dict[str, int] = {}
    for text, times in found:
        for code, n in json.loads(text).items():
            total[code] = total.get(code, 0) + n * times
    return dict(sorted(total.items()))


def refused_rows(tx: Connection, job_id: str, after: int = 0, most: int = 1000) -> list[Row[Any]]:
    """Refused rows by row number, a page at a time: pass the last `id` and row seen as `after`."""
    return list(
        tx.execute(
            select(refusals)
            .where(refusals.c.job_id == job_id, refusals.c.row > after)
            .order_by(refusals.c.row, refusals.c.id)
            .limit(most)
        )
    )


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
