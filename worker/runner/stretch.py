"""The stretch of its source that a chunk carries, read back: its rows, and what all rows of its job have in common."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from typing import Any

from worker import numbers, platforms
from worker.facts.rows import Brief
from worker.ledger.types import Row
from worker.platforms import Account
from worker.processes.process import Process
from worker.sources.given import given_source
from worker.sources.opening import open_rows
from worker.sources.original import Named
from worker.sources.read_back import read_piece, rows_of
from worker.sources.read_rows import ReadRows
from worker.sources.source import Source


def source_of(process: Process, job: Row[Any], chunk: Row[Any]) -> Source:
    """The job's file, kept open while lanes of this process read from it; or the rows that the chunk was given."""
    if chunk.payload is not None:
        return given_source(process.seal.open(chunk.payload).encode(), chunk.offset)
    return _opened(process, job.rows_of or job.id, job.source, job.options, job.operation)


def own_rows(source: Source, chunk: Row[Any], only: str | None) -> ReadRows:
    """The rows of a chunk's stretch, or only some of them."""
    taken = rows_of(source, chunk, read_piece(source, chunk))
    return taken if only is None else taken.only(numbers.read(only))


def brief_of(process: Process, job: Row[Any], account: Account, source: Source) -> Brief:
    """What all rows of a job have in common."""
    return Brief(
        options=json.loads(job.options),
        settings=account.told,
        asked_at=datetime.fromtimestamp(job.created_at, UTC),
        around={} if job.around is None else process.seal.open(job.around),
        columns=source.columns,
    )


def named(job: Row[Any]) -> Named:
    """What the job says of its file."""
    return _named(job.rows_of or job.id, job.source, job.options, job.operation)


def _named(job_id: str, source: str, options: str, operation: str) -> Named:
    return Named(source, json.loads(options), platforms.operation(operation).file_rows, copy=job_id)


@functools.lru_cache(maxsize=64)
def _opened(process: Process, job_id: str, source: str, options: str, operation: str) -> Source:
    return open_rows(_named(job_id, source, options, operation), process.settings)
