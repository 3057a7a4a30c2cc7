"""What became of one row of a job, as far as its chunk and the refusals tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from worker import numbers
from worker.ledger import refused, reports
from worker.ledger.tables import chunks, jobs

UNDER_WAY = {"waiting": "waiting", "claimed": "waiting", "sending": "on the wire", "awaiting": "awaited"}
EITHER = "accepted or skipped"  # nobody wrote down which of the rows of a request stayed behind


@dataclass(frozen=True)
class Became:
    """`outcome` is accepted, refused, skipped, unsure, waiting, on the wire or awaited; `code` and `reason` say why,
    `at` is the moment of its last change in seconds since 1970."""

    outcome: str
    code: str | None = None
    reason: str | None = None
    at: float | None = None


def of_row(tx: Connection, job_id: str, row: int) -> Became | None:
    """None where no chunk carries it: it is not planned yet, or is none of the job's."""
    for chunk in _around(tx, job_id, row):
        verdicts = refused.of_chunk(tx, chunk)
        if verdicts.owns(row):
            return _became(chunk, row, verdicts)
    return None


def of_job(tx: Connection, job: Row[Any]) -> Became:
    """All of its rows together."""
    found = reports.of(tx, job.id)
    rows = found["rows"] if found else {}
    said = [f"{n:,} {name}" for name, n in rows.items() if n and name not in ("total", "repeated")]
    return Became(", ".join(said) or job.state, at=job.finished_at)


def sent_again(tx: Connection, job_id: str) -> list[str]:
    """The jobs that send rows of this one again as they were."""
    found = select(jobs.c.id).where(jobs.c.replay_of == job_id, or_(jobs.c.rows_of.is_not(None), jobs.c.kind == "call"))
    return list(tx.execute(found.order_by(jobs.c.id)).scalars())


def _around(tx: Connection, job_id: str, row: int) -> list[Row[Any]]:
    """Chunks in whose stretch the row lies: several, where rows of a request went on alone."""
    around = (chunks.c.job_id == job_id, chunks.c.first_row <= row, chunks.c.first_row + chunks.c.lines > row)
    return list(tx.execute(select(chunks).where(*around).order_by(chunks.c.id.desc())))


def _became(chunk: Row[Any], row: int, verdicts: refused.Verdicts) -> Became:
    at = chunk.settled_at or chunk.sent_at
    named = verdicts.of(row)
    if named is not None:
        return Became("refused", named.code, named.reason, at)
    if chunk.state != "done":
        return Became(UNDER_WAY.get(chunk.state, chunk.state), None, chunk.why, at)
    if row in json.loads(chunk.stays or "[]"):
        return Became("skipped", _only(chunk.skipped_by), None, at)
    if chunk.refused == chunk.rows:  # which is said of a call's first row alone
        said = next(iter(verdicts), None)
        return Became("refused", said.code if said else _only(chunk.refused_by), said.reason if said else None, at)
    if chunk.refused and not list(verdicts):
        return Became("accepted or refused", _only(chunk.refused_by), "Which rows were refused went after a while.", at)
    return Became(*_of_settled(chunk, row), None, at)


def _of_settled(chunk: Row[Any], row: int) -> tuple[str, str | None]:
    """Of a row that nothing was said of, in a chunk that is done."""
    stayed = chunk.went is not None and row not in numbers.read(chunk.went)
    if chunk.skipped and (stayed or not chunk.accepted):
        return "skipped", _only(chunk.skipped_by)
    if chunk.skipped and chunk.went is None:
        return EITHER, _only(chunk.skipped_by)
    return ("accepted and counted as repeated" if chunk.repeated else "accepted"), None


def _only(counts: str | None) -> str | None:
    return ", ".join(json.loads(counts or "{}")) or None
