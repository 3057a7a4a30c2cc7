"""Takes what somebody asks for into the ledger: the first act, before anything else can go wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from worker.ledger import jobs, orders, planning
from worker.ledger.ids import new_id
from worker.ledger.orders import Asked
from worker.ledger.traces import WHOLE
from worker.ledger.types import Connection, Row
from worker.linking import links
from worker.orders.order import Order, refused
from worker.people import traces
from worker.platforms import account
from worker.processes.process import Process
from worker.seal import digest
from worker.sources.cut import cut
from worker.sources.given import given_source
from worker.sources.measure import limits_of

MOST_TRACES = 10_000  # of one request, some of which may be refused for their size
AddCall = Callable[[Connection, planning.Load], Row[Any]]


class Recorded(NamedTuple):
    """The job of an order, whether it is `new`, and the first chunk of a new call."""

    job_id: str
    new: bool
    chunk: Row[Any] | None = None


def record(
    process: Process, tx: Connection, order: Order, task_id: str | None, add_call: AddCall = planning.add_call
) -> Recorded:
    """The job of this order. `add_call` says how the chunk of a new call begins, for example claimed."""
    try:
        job_id, new = orders.record(tx, asked(process, order, order.key or task_id))
    except orders.KeyReused as error:
        raise refused("key_reused", str(error)) from None
    if new:
        _demand_link(process, tx, order)
    if new and order.rows is not None:
        _plan_given(process, tx, order, order.rows, job_id)
    if new:
        traces.leave(process, tx, job_id, _traces(order))
    if not new or order.kind == "file":
        return Recorded(job_id, new)
    loads = _loads(process, tx, order, job_id)
    first = add_call(tx, next(loads))
    for load in loads:
        planning.add_call(tx, load)
    return Recorded(job_id, new, first)


def _demand_link(process: Process, tx: Connection, order: Order) -> None:
    sentence = links.missing(process, tx, order.operation, account(order.account))
    if sentence:
        raise refused("not_connected", sentence)


def put(process: Process, order: Order, task_id: str | None = None) -> Row[Any]:
    """Record an order straight into the ledger, without a ticket; the job as it stands."""

    def work(tx: Connection) -> Row[Any]:
        job = jobs.get(tx, record(process, tx, order, task_id).job_id)
        assert job is not None  # noqa: S101 - recorded in this very transaction
        return job

    return process.ledger.write(work)


def asked(process: Process, order: Order, key: str | None) -> Asked:
    """The order as the ledger keeps it."""
    return Asked(
        operation=order.operation.name,
        account=order.account,
        kind=order.kind,
        key=order.key,
        key_hash=_key_hash(order, key),
        content_hash=digest("content", order.content),
        source=order.source,
        around=None if order.around is None else process.seal.close(order.around),
        options=order.options,
        on_unsure=order.on_unsure,
        verified=order.operation.verified,
        then=order.then,
        on_error=order.on_error,
        planned=order.rows is not None,
        parent=order.parent,
        step=order.step,
        urgent=order.urgent,
    )


def _key_hash(order: Order, key: str | None) -> str:
    """No caller's key can be that of a step."""
    if order.parent is not None:
        return digest("step", order.parent, str(order.step))
    return digest("key", key) if key else digest("job", new_id())


def _loads(process: Process, tx: Connection, order: Order, job_id: str) -> Iterator[planning.Load]:
    """What each chunk of a call carries."""
    row = 1
    for n, part in enumerate(order.parts, planning.FIRST_CHUNK):
        person = None if part.person is None else process.people.whom(tx, order.account, part.person)
        sealed = process.seal.close(part.stored())
        yield planning.Load(job_id, order.account, sealed, n, row, part.rows, person)
        row += part.rows


def _traces(order: Order) -> Iterator[traces.Found]:
    """By what the order is found again; of a request to very many, whoever carries it leaves the traces."""
    operation, row = order.operation, 1
    if order.kind == "file":
        yield from ((WHOLE, name) for _, name in traces.of_payload(operation, order.around))
        lines = (order.rows or b"").splitlines()
        yield from traces.of_lines(operation, range(1, len(lines) + 1), lines)
        return
    for part in order.parts:
        if part.rows <= traces.AT_ONCE:
            yield from itertools.islice(traces.of_payload(operation, part.payload, row, part.rows), MOST_TRACES)
        row += part.rows


def _plan_given(process: Process, tx: Connection, order: Order, rows: bytes, job_id: str) -> None:
    """Rows that came with the order are cut at once; no file has them, so each chunk keeps its own, sealed."""
    source = given_source(rows)
    pieces = list(cut(source, limits_of(order.operation, order.options, source)))
    texts = [rows[piece.offset : piece.offset + piece.length].decode() for piece in pieces]
    planning.plan(tx, job_id, order.account, 1, pieces, [process.seal.close(text) for text in texts])
