"""A chunk made ready: its rows read back and checked, its body built. Nothing has left yet."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from worker import platforms
from worker.check import check_payload, check_piece, too_long
from worker.client import Parcel
from worker.errors import Refused
from worker.ledger.claims import Claim, of
from worker.ledger.types import Row
from worker.operation import JSON, Operation, Repeat
from worker.outcome import Refusal
from worker.platforms import Account
from worker.process import Process
from worker.sources.opening import Named, open_rows
from worker.sources.piece import line_limit
from worker.sources.source import Source


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

    @property
    def is_call(self) -> bool:
        return self.chunk.payload is not None

    @property
    def rows(self) -> int:
        return int(self.chunk.rows) - len(self.left_out)


class TooBig(Exception):
    """The checked rows make a larger body than one request may carry: the chunk has to be cut in two."""


def prepare(process: Process, job: Row[Any], chunk: Row[Any]) -> Consignment:
    """Read, check and build. Raises `Refused` when no row is left to send, `SourceChanged`, `TooBig`."""
    operation = platforms.operation(job.operation)
    make = _of_call if job.kind == "call" else _of_file
    body, repeat, left_out = make(process, job, operation, chunk)
    account = platforms.account(job.account)
    pack = functools.partial(process.client.pack, operation, account.platform, account.access, body)
    return Consignment(job.id, operation, account, chunk, of(chunk), repeat, left_out, pack)


def of_order(process: Process, operation: Operation, account_id: str, payload: Any) -> tuple[Repeat, Parcel]:
    """The request of a call that is not recorded yet. Raises `Refused`."""
    body, repeat = _checked(payload, operation)
    account = platforms.account(account_id)
    return repeat, process.client.pack(operation, account.platform, account.access, body)


def _of_call(
    process: Process, _job: Row[Any], operation: Operation, chunk: Row[Any]
) -> tuple[Any, Repeat, tuple[Refusal, ...]]:
    body, repeat = _checked(process.seal.open(chunk.payload), operation)
    return body, repeat, ()


def _checked(payload: Any, operation: Operation) -> tuple[JSON, Repeat]:
    body, refusals = check_payload(payload, operation.shape)
    if body is None:
        raise Refused(refusals)
    return body, repeat_of(operation, body)


def _of_file(
    process: Process, job: Row[Any], operation: Operation, chunk: Row[Any]
) -> tuple[Any, Repeat, tuple[Refusal, ...]]:
    assert operation.rows is not None  # noqa: S101 - a file is recorded only for operations with rows
    if chunk.too_long:
        raise Refused([too_long(chunk, operation.limits)])
    checked = check_piece(source_of(process, job), chunk, operation.rows)
    if not checked.rows:
        raise Refused(checked.refusals)
    encoded = msgspec.json.encode(checked.rows)
    if len(encoded) > line_limit(operation.limits):
        raise TooBig
    return {operation.rows.key: msgspec.Raw(encoded)}, repeat_of(operation, {}), tuple(checked.refusals)


def repeat_of(operation: Operation, payload: dict[str, Any]) -> Repeat:
    return operation.repeat if isinstance(operation.repeat, Repeat) else operation.repeat(payload)


def source_of(process: Process, job: Row[Any]) -> Source:
    """The job's file, kept open while lanes of this process read from it."""
    return _opened(process, job.id, job.source, job.options, job.operation)


@functools.lru_cache(maxsize=64)
def _opened(process: Process, _job_id: str, source: str, options: str, operation: str) -> Source:
    return open_rows(_named(source, options, operation), process.settings)


def named(job: Row[Any]) -> Named:
    """What the job says of its file."""
    return _named(job.source, job.options, job.operation)


def _named(source: str, options: str, operation: str) -> Named:
    rows = platforms.operation(operation).rows
    assert rows is not None  # noqa: S101 - a file is recorded only for operations with rows
    return Named(source, json.loads(options), rows)
