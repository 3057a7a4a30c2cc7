"""Cuts a chunk in two where its rows, once encoded, are more than one request may carry."""

from __future__ import annotations

from typing import Any

from worker.ledger import planning, refusing
from worker.ledger.types import Connection, Row
from worker.outcome import Refusal
from worker.process import Process
from worker.runner.consignment import source_of
from worker.sources.cut import halves
from worker.sources.read_back import read_piece

TOO_BIG = Refusal(
    1,
    "row.too_long",
    "Once encoded, the row is larger than one request may be.",
    "Shorten its values, or leave some of them out.",
)


def cut_in_two(process: Process, tx: Connection, job: Row[Any], chunk: Row[Any]) -> None:
    """Replace a claimed chunk by its two halves, waiting; a single row that is too big is refused."""
    if chunk.rows == 1:
        refusing.refuse_whole(tx, chunk, TOO_BIG)
        return
    source = source_of(process, job, chunk)
    data = read_piece(source, chunk)
    first, second = halves(source, chunk, data)
    parts = data[: first.length], data[first.length :]
    payloads = [process.seal.close(part.decode()) if chunk.payload is not None else None for part in parts]
    if planning.shrink(tx, chunk, first, payloads[0]):
        planning.plan(tx, job.id, job.account, planning.next_number(tx, job.id), [second], [payloads[1]])
        refusing.skip_in_stopped_job(tx, job.id)
