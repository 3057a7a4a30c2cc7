"""A chunk made ready: its rows read back and checked, its body built. Nothing has left yet."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from worker import platforms
from worker.check import check_piece, too_long
from worker.client import Parcel
from worker.errors import Refused
from worker.ledger.claims import Claim, of
from worker.ledger.types import Row
from worker.operation import JSON, Operation, Repeat
from worker.outcome import Refusal
from worker.parts import checked
from worker.platforms import Account
from worker.process import Process
from worker.sources.given import given_source
from worker.sources.opening import open_rows
from worker.sources.original import Named
from worker.sources.piece import line_limit
from worker.sources.source import Source
from worker.wire import Sending, Wire


@dataclass(frozen=True)
class Consignment:
    """One claimed chunk with its request. `left_out` are the rows that its check refused."""

    job_id: str
    operation: Operation
    account: Account
    chunk: Row[Any] = field(repr=False)
    claim: Claim
    repeat: Repeat
    left_out: tuple[Refusal, ...]
    pack: Callable[[], Parcel] = field(repr=False)
    payload: JSON | None = field(default=None, repr=False)

    @property
    def is_call(self) -> bool:
        return self.payload is not None

    @property
    def rows(self) -> int:
        return int(self.chunk.rows) - len(self.left_out)


@dataclass(frozen=True)
class Question:
    """A safe request that no chunk asks for."""

    operation: Operation
    account: Account
    repeat: Repeat
    pack: Callable[[], Parcel] = field(repr=False)


class TooBig(Exception):
    """The checked rows make a larger body than one request may carry: the chunk has to be cut in two."""


def prepare(process: Process, job: Row[Any], chunk: Row[Any]) -> Consignment:
    """Read, check and build. Raises `Refused` when no row is left to send, `SourceChanged`, `TooBig`."""
    operation = platforms.operation(job.operation)
    account = platforms.account(job.account)
    payload: JSON | None = None
    left_out: tuple[Refusal, ...] = ()
    if job.kind == "call":
        payload = checked(operation, process.seal.open(chunk.payload))
        wire = wire_of(process, operation, account, payload, chunk.person)
    else:
        wire, left_out = _of_file(process, job, operation, chunk)
    pack = functools.partial(process.client.pack, operation, account.platform, account.access, wire)
    repeat = repeat_of(operation, payload or {})
    return Consignment(job.id, operation, account, chunk, of(chunk), repeat, left_out, pack, payload)


def wire_of(process: Process, operation: Operation, account: Account, payload: JSON, person: str | None) -> Wire:
    """The request that a checked payload is now. Raises `Refused` when it is too late for it."""
    if operation.compose is None:
        return Wire(operation.path, body=payload)
    kept = process.ledger.read(lambda tx: process.people.kept(tx, person)) if operation.keeps and person else None
    return operation.compose(payload, Sending(datetime.now(UTC), account.told, kept))


def _of_file(
    process: Process, job: Row[Any], operation: Operation, chunk: Row[Any]
) -> tuple[Wire, tuple[Refusal, ...]]:
    assert operation.rows is not None  # noqa: S101 - a file is recorded only for operations with rows
    if chunk.too_long:
        raise Refused([too_long(chunk, operation.limits)])
    rows = check_piece(source_of(process, job, chunk), chunk, operation.rows)
    if not rows.rows:
        raise Refused(rows.refusals)
    encoded = msgspec.json.encode(rows.rows)
    if len(encoded) > line_limit(operation.limits):
        raise TooBig
    body = {operation.rows.key: msgspec.Raw(encoded)}
    return Wire(operation.path, body=body), tuple(rows.refusals)


def repeat_of(operation: Operation, payload: dict[str, Any]) -> Repeat:
    return operation.repeat if isinstance(operation.repeat, Repeat) else operation.repeat(payload)


def source_of(process: Process, job: Row[Any], chunk: Row[Any]) -> Source:
    """The job's file, kept open while lanes of this process read from it; or the rows that the chunk was given."""
    if chunk.payload is not None:
        return given_source(process.seal.open(chunk.payload).encode(), chunk.offset)
    return _opened(process, job.id, job.source, job.options, job.operation)


@functools.lru_cache(maxsize=64)
def _opened(process: Process, job_id: str, source: str, options: str, operation: str) -> Source:
    return open_rows(_named(job_id, source, options, operation), process.settings)


def named(job: Row[Any]) -> Named:
    """What the job says of its file."""
    return _named(job.id, job.source, job.options, job.operation)


def _named(job_id: str, source: str, options: str, operation: str) -> Named:
    rows = platforms.operation(operation).rows
    assert rows is not None  # noqa: S101 - a file is recorded only for operations with rows
    return Named(source, json.loads(options), rows, copy=job_id)
