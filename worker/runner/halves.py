"""Cuts a chunk in two: where its rows, once encoded, are more than one request may carry; and where the platform
refused a request that may be made again, until the row that it does not take stands alone (design §6)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from worker.errors import Refused
from worker.ledger import halving, jobs, planning, refusing
from worker.ledger.types import Connection, Row
from worker.operation import Repeat
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.runner import apart
from worker.runner.consignment import Consignment
from worker.runner.stretch import source_of
from worker.sources.cut import halves
from worker.sources.read_back import read_piece

TOO_BIG = Refusal(
    1,
    "row.too_long",
    "Once encoded, the row is larger than one request may be.",
    "Shorten its values, or leave some of them out.",
)


def halved(process: Process, tx: Connection, sent: Consignment, error: Refused) -> bool:
    """Whether the refused request goes again as two halves. One row that stands alone is refused, and counted."""
    if sent.is_call or sent.repeat is not Repeat.SAFE or not error.whole:
        return False
    if sent.chunk.rows == 1:
        halving.single_refused(tx, sent.job_id, error.refusals[0].reason)
        return False
    job = jobs.get(tx, sent.job_id)
    if job is None or not halving.take(tx, sent.job_id):
        return False
    if sent.later or sent.chunk.only:
        apart.in_two(tx, sent)
    else:
        cut_in_two(process, tx, job, sent.chunk)
    jobs.look_at(tx, sent.job_id)
    return True


def cut_in_two(process: Process, tx: Connection, job: Row[Any], chunk: Row[Any]) -> None:
    """Replace a claimed chunk by its two halves, waiting; a single row that is too big is refused."""
    if chunk.rows == 1:
        refusing.refuse_whole(tx, chunk, TOO_BIG)
        return
    if chunk.only:
        apart.own_in_two(tx, chunk)
        return
    source = source_of(process, job, chunk)
    data = read_piece(source, chunk)
    first, second = halves(source, chunk, data)
    parts = data[: first.length], data[first.length :]
    payloads = [process.seal.close(part.decode()) if chunk.payload is not None else None for part in parts]
    second = replace(second, stays=tuple(json.loads(chunk.stays or "[]")))
    if planning.shrink(tx, chunk, first, payloads[0]):
        number = planning.next_number(tx, job.id)
        planning.plan(tx, job.id, job.account, number, [second], [payloads[1]])
        refusing.skip_added(tx, job.id, number)
