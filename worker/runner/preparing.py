"""Makes a chunk ready: reads its rows back, leaves out those that stay behind, checks the rest, builds the request."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from worker import platforms
from worker.checking.check import Checked, check_taken, too_long
from worker.errors import Refused
from worker.facts.rows import Brief
from worker.facts.wire import Wire
from worker.ledger.claims import of
from worker.ledger.types import Row
from worker.linking.links import access_of
from worker.operation import JSON, Operation
from worker.orders.parts import checked
from worker.outcome import Refusal, refused
from worker.platforms import Account
from worker.processes.process import Process
from worker.references import called_back
from worker.runner.consignment import Consignment, NothingToSend, repeat_of
from worker.runner.held_back import held_back
from worker.runner.opted_out import UNCHECKED, Heeded, heed, heed_call, purpose_of
from worker.runner.stretch import brief_of, own_rows, source_of
from worker.runner.unchanged import Print
from worker.runner.wires import alone_on_wire, together, wire_of
from worker.sources.chosen import chosen


@dataclass(frozen=True)
class Claimed:
    """A claimed chunk, and all it belongs to."""

    process: Process
    job: Row[Any]
    operation: Operation
    account: Account
    chunk: Row[Any]

    def consigned(self, wire: Wire, **known: Any) -> Consignment:
        access = access_of(self.process, self.operation, self.account)
        pack = functools.partial(self.process.client.pack, self.operation, self.account.platform, access, wire)
        return Consignment(self.job.id, self.operation, self.account, access, self.chunk, of(self.chunk), pack, **known)


def prepare(process: Process, job: Row[Any], chunk: Row[Any]) -> Consignment:
    """Read, check and build. Raises `Refused`, `NothingToSend`, `SourceChanged`, `TooBig`."""
    claimed = Claimed(process, job, platforms.operation(job.operation), platforms.account(job.account), chunk)
    return _of_file(claimed) if job.kind == "file" else _of_call(claimed)


def _of_call(one: Claimed) -> Consignment:
    options, chunk = json.loads(one.job.options), one.chunk
    asked = checked(one.operation, one.process.seal.open(chunk.payload))
    purpose = purpose_of(one.operation, options, asked)
    payload, heeded = heed_call(one.process, one.operation, asked, purpose)
    if heeded.skipped == chunk.rows:
        raise NothingToSend(refused(0, (), heeded.skipped_by))
    numbers = [place + 1 for place in heeded.places] if heeded.skipped else ()
    callback = called_back(one.process, one.account, chunk, numbers) if one.operation.called_back else None
    wire = wire_of(one.process, one.operation, one.account, payload, chunk.person, purpose, callback)
    noted = heeded.numbered(range(chunk.first_row, chunk.first_row + len(heeded.rows) + heeded.skipped)).noted
    return one.consigned(
        wire,
        repeat=repeat_of(one.operation, payload),
        payload=payload,
        skipped_by=heeded.skipped_by,
        numbers=numbers,
        noted=(*noted, *_unlooked(one, payload, bool(options.get("unchecked")))),
        seen=heeded.seen,
    )


def _unlooked(one: Claimed, payload: JSON, allowed: bool) -> tuple[Refusal, ...]:
    blind = one.operation.blind is not None and one.operation.blind(payload, one.account.told) is not None
    return (UNCHECKED,) if blind and allowed else ()


def _of_file(one: Claimed) -> Consignment:
    if one.chunk.too_long:
        raise Refused([too_long(one.chunk, one.operation.limits)])
    rows, source = one.operation.file_rows, source_of(one.process, one.job, one.chunk)
    brief = brief_of(one.process, one.job, one.account, source)
    taken = own_rows(source, one.chunk, one.chunk.only)
    left = held_back(one.process, one.job, one.operation, one.chunk, chosen(brief.options), taken)
    right = check_taken(source, left.taken, rows, brief)
    heeded = _heeded(one, right, brief)
    skipped_by = left.skipped + Counter(heeded.skipped_by)
    if not heeded.rows:
        raise NothingToSend(refused(one.chunk.rows - skipped_by.total(), right.refusals, skipped_by))
    alone = rows.alone is not None and len(heeded.rows) == 1
    return one.consigned(
        _wire(one, replace(right, rows=heeded.rows, numbers=heeded.numbers), brief, alone),
        repeat=repeat_of(one.operation, brief.around),
        left_out=tuple(right.refusals),
        skipped_by=skipped_by,
        numbers=heeded.numbers,
        prints=_of_those(heeded.whole, left.prints) if left.prints else (),
        later=None if alone else one.operation.later,
        noted=heeded.noted,
        seen=heeded.seen,
        sorted_by={rows.key: heeded.rows} if one.operation.sort else None,
    )


def _heeded(one: Claimed, right: Checked, brief: Brief) -> Heeded:
    """The rows that are right, without those that may not be written to."""
    rows = one.operation.file_rows
    addressed = rows.addressed(brief) if rows.addressed else one.operation.addressed
    purpose = purpose_of(one.operation, brief.options, brief.around)
    return heed(one.process, addressed, right.rows, purpose).numbered(right.numbers)


def _wire(one: Claimed, going: Checked, brief: Brief, alone: bool) -> Wire:
    if one.operation.called_back:
        brief = replace(brief, callback=called_back(one.process, one.account, one.chunk, going.numbers))
    return alone_on_wire(one.operation, going, brief) if alone else together(one.operation, going, brief)


def _of_those(going: Sequence[int], prints: Sequence[Print]) -> list[Print]:
    numbers_going = frozenset(going)
    return [one for one in prints if one.number in numbers_going]
