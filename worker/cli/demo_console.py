"""The demo's person at the platform's console: looks whether unsure requests arrived, and decides each one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
import msgspec

from worker.checking.check import check_piece
from worker.cli.refused import lines_of as row_numbers
from worker.cli.unsure import settle
from worker.ledger import decisions
from worker.ledger.types import Row
from worker.platforms import operation
from worker.processes.process import Process
from worker.runner.stretch import source_of
from worker.sources.source import Source

Taken = Callable[[Iterable[Any]], list[int]]


def decide_all(own: Process, job: Row[Any], taken: Taken) -> None:
    """`taken(events)` is the console: how often the platform took each."""
    found = own.ledger.read(lambda tx: decisions.unsure(tx, job.id))
    click.echo(f"{len(found)} requests were on the wire when their worker was killed: nobody knows if they arrived.")
    click.echo(f"$ omniworker jobs unsure {job.id}")
    for chunk in found:
        _decide(own, job, chunk, taken(_rows(job, chunk, source_of(own, job, chunk))))


def _decide(own: Process, job: Row[Any], chunk: Row[Any], times: list[int]) -> None:
    rows = row_numbers(chunk.first_row, chunk.first_row + chunk.lines - 1)
    arrived = all(times)
    said = "are all there" if arrived else "are not there"
    decision = "was-sent" if arrived else "send"
    click.echo(f"Chunk {chunk.n}, rows {rows}: looked up at the platform, they {said}.")
    click.echo(f"$ omniworker jobs decide {job.id} --{decision} --chunk {chunk.n}")
    settle(own, job.id, decision, "demo", (chunk.n,))


def _rows(job: Row[Any], chunk: Row[Any], source: Source) -> Any:
    """The chunk's rows as they were sent."""
    shape = operation(job.operation).rows
    assert shape is not None  # noqa: S101 - a file's operation has rows
    return msgspec.json.decode(msgspec.json.encode(check_piece(source, chunk, shape).rows))
