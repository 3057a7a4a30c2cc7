"""The rows of a request that is long gone, read back as they went: to know which of them a platform speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worker import numbers, platforms
from worker.checking.check import check_taken
from worker.ledger.types import Row
from worker.operation import JSON
from worker.processes.process import Process
from worker.runner.stretch import brief_of, own_rows, source_of
from worker.runner.unchanged import Print, prints_for


def rows_again(process: Process, job: Row[Any], chunk: Row[Any], went: Sequence[int]) -> list[JSON]:
    """The rows of these numbers, as they went. Raises `SourceChanged`."""
    operation = platforms.operation(job.operation)
    source = source_of(process, job, chunk)
    brief = brief_of(process, job, platforms.account(job.account), source)
    return list(check_taken(source, own_rows(source, chunk, numbers.written(went)), operation.file_rows, brief).rows)


def prints_again(process: Process, job: Row[Any], chunk: Row[Any], went: Sequence[int]) -> Sequence[Print]:
    """The fingerprints of these rows, where they are to be remembered."""
    prints = prints_for(process, job, platforms.operation(job.operation))
    if prints is None:
        return ()
    taken = own_rows(source_of(process, job, chunk), chunk, numbers.written(went))
    return prints.of(taken.numbers, taken.lines)
