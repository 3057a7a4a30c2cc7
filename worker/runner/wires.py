"""The request that a checked payload, or the checked rows of a chunk, are on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from worker.checking.check import Checked
from worker.facts.rows import Brief
from worker.facts.wire import CalledBack, Sending, Wire
from worker.operation import JSON, Operation
from worker.platforms import Account
from worker.processes.process import Process
from worker.sources.piece import line_limit


class TooBig(Exception):
    """The checked rows make a larger body than one request may carry: the chunk has to be cut in two."""


def wire_of(
    process: Process,
    operation: Operation,
    account: Account,
    payload: JSON,
    person: str | None,
    purpose: str | None = None,
    callback: CalledBack | None = None,
) -> Wire:
    """The request that a checked payload is now. Raises `Refused` when it is too late for it."""
    if operation.compose is None:
        return Wire(operation.path, body=payload)
    kept = process.ledger.read(lambda tx: process.people.kept(tx, person)) if operation.keeps and person else None
    return operation.compose(payload, Sending(datetime.now(UTC), account.told, kept, purpose, callback))


def alone_on_wire(operation: Operation, going: Checked, brief: Brief) -> Wire:
    """The request of a single row."""
    assert operation.rows is not None and operation.rows.alone is not None  # noqa: S101 - asked for before
    return operation.rows.alone(going.rows[0], brief)


def together(operation: Operation, going: Checked, brief: Brief) -> Wire:
    """The request that carries these rows. Raises `TooBig`."""
    rows = operation.file_rows
    encoded = rows.encode(going.rows, brief)
    around = len(msgspec.json.encode(brief.around)) if brief.around else 0
    if len(encoded) + around > line_limit(operation.limits):
        raise TooBig
    return wire_of_rows(operation, encoded, brief)


def wire_of_rows(operation: Operation, encoded: bytes, brief: Brief) -> Wire:
    """The request that carries these rows."""
    rows = operation.file_rows
    return rows.wire(encoded, brief) if rows.wire else Wire(operation.path, body={rows.key: msgspec.Raw(encoded)})
