"""A chunk made ready: its rows read back and checked, its body built. Nothing has left yet."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from worker import numbers, platforms
from worker.checking.check import check_taken, too_long
from worker.client import Parcel
from worker.errors import Refused
from worker.facts.rows import Brief
from worker.facts.wire import Later
from worker.ledger.claims import Claim, of
from worker.ledger.types import Row
from worker.linking.links import access_of
from worker.operation import JSON, Access, Operation, Repeat
from worker.orders.parts import checked
from worker.outcome import Outcome, Refusal, refused
from worker.platforms import Account
from worker.processes.process import Process
from worker.references import called_back
from worker.runner.held_back import held_back
from worker.runner.opted_out import UNCHECKED, Heeded, Seen, heed, heed_call, purpose_of
from worker.runner.sieves import Sifting, sifted
from worker.runner.unchanged import Print
from worker.runner.wires import alone_on_wire, together, wire_of
from worker.sources.cells import Taken
from worker.sources.chosen import chosen
from worker.sources.given import given_source
from worker.sources.opening import open_rows
from worker.sources.original import Named
from worker.sources.read_back import read_piece, rows_of
from worker.sources.source import Source


@dataclass(frozen=True)
class Consignment:
    """One claimed chunk with its request. `left_out` are the rows that its check refused, `skipped_by` counts those
    that stay behind though nothing is wrong with them; `numbers` are those of the rows that go, where they are not all,
    `prints` what is remembered of them once they are accepted; `noted` is what has to be said of rows that go all the
    same; `seen`, what was known of who opted out; `sorted_by`, the rows of a file as its answer speaks of them."""

    job_id: str
    operation: Operation
    account: Account
    access: Access = field(repr=False)
    chunk: Row[Any] = field(repr=False)
    claim: Claim
    repeat: Repeat
    left_out: tuple[Refusal, ...]
    pack: Callable[[], Parcel] = field(repr=False)
    payload: JSON | None = field(default=None, repr=False)
    skipped_by: Mapping[str, int] = field(default_factory=dict)
    numbers: Sequence[int] = field(default=(), repr=False)
    prints: Sequence[Print] = field(default=(), repr=False)
    later: Later | None = None
    noted: tuple[Refusal, ...] = ()
    seen: Seen | None = field(default=None, repr=False)
    sorted_by: JSON | None = field(default=None, repr=False)

    @property
    def is_call(self) -> bool:
        return self.payload is not None

    @property
    def if_lost(self) -> Repeat:
        """Where the platform can be asked about rows that it took, not even a harmless request is repeated unasked."""
        return Repeat.HARMFUL if self.later else self.repeat

    @property
    def rows(self) -> int:
        return int(self.chunk.rows) - len(self.left_out) - sum(self.skipped_by.values())

    @property
    def not_skipped(self) -> int:
        """The rows that go, and those that were refused."""
        return self.rows + len(self.left_out)


@dataclass(frozen=True)
class Question:
    """A safe request that no chunk asks for."""

    operation: Operation
    account: Account
    access: Access = field(repr=False)
    repeat: Repeat
    pack: Callable[[], Parcel] = field(repr=False)

    @property
    def if_lost(self) -> Repeat:
        return self.repeat


class NothingToSend(Exception):
    """No row of the chunk goes: each was refused by our own check, or stays behind."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("no row is left to send")
        self.outcome = outcome


def prepare(process: Process, job: Row[Any], chunk: Row[Any]) -> Consignment:
    """Read, check and build. Raises `Refused`, `NothingToSend`, `SourceChanged`, `TooBig`."""
    operation = platforms.operation(job.operation)
    account = platforms.account(job.account)
    if job.kind == "file":
        return _of_file(process, job, operation, account, chunk)
    return _of_call(process, job, operation, account, chunk)


def _of_call(process: Process, job: Row[Any], operation: Operation, account: Account, chunk: Row[Any]) -> Consignment:
    asked, options = checked(operation, process.seal.open(chunk.payload)), json.loads(job.options)
    purpose = purpose_of(operation, options, asked)
    payload, heeded = heed_call(process, operation, asked, purpose)
    if heeded.skipped == chunk.rows:
        raise NothingToSend(refused(0, (), heeded.skipped_by))
    numbers = [place + 1 for place in heeded.places] if heeded.skipped else ()
    callback = called_back(process, account, chunk, numbers) if operation.called_back else None
    wire = wire_of(process, operation, account, payload, chunk.person, purpose, callback)
    access = access_of(process, operation, account)
    return Consignment(
        job.id,
        operation,
        account,
        access,
        chunk,
        of(chunk),
        repeat_of(operation, payload),
        (),
        functools.partial(process.client.pack, operation, account.platform, access, wire),
        payload,
        skipped_by=heeded.skipped_by,
        numbers=numbers,
        noted=(
            *heeded.numbered(_from(chunk.first_row, heeded)).noted,
            *_unlooked(operation, options, payload, account),
        ),
        seen=heeded.seen,
    )


def _from(first: int, heeded: Heeded) -> Sequence[int]:
    return range(first, first + len(heeded.rows) + heeded.skipped)


def _unlooked(operation: Operation, options: Mapping[str, Any], payload: JSON, account: Account) -> tuple[Refusal, ...]:
    blind = operation.blind is not None and operation.blind(payload, account.told) is not None
    return (UNCHECKED,) if blind and options.get("unchecked") else ()


def _of_file(process: Process, job: Row[Any], operation: Operation, account: Account, chunk: Row[Any]) -> Consignment:
    rows = operation.rows
    assert rows is not None  # noqa: S101 - a file is recorded only for operations with rows
    if chunk.too_long:
        raise Refused([too_long(chunk, operation.limits)])
    source = source_of(process, job, chunk)
    brief = brief_of(process, job, account, source)
    taken = own_rows(source, chunk, chunk.only)
    left = held_back(process, job, operation, chunk, chosen(brief.options), taken)
    checked_rows, more = sifted(Sifting(process, job, operation, check_taken(source, left.taken, rows, brief)))
    purpose = purpose_of(operation, brief.options, brief.around)
    addressed = rows.addressed(brief) if rows.addressed else operation.addressed
    heeded = heed(process, addressed, checked_rows.rows, purpose).numbered(checked_rows.numbers)
    skipped_by = left.skipped + more + Counter(heeded.skipped_by)
    if not heeded.rows:
        raise NothingToSend(_unsent(chunk, checked_rows.refusals, skipped_by))
    going = replace(checked_rows, rows=heeded.rows, numbers=heeded.numbers)
    if operation.called_back:
        brief = replace(brief, callback=called_back(process, account, chunk, going.numbers))
    alone = rows.alone is not None and len(going.rows) == 1
    wire = alone_on_wire(operation, going, brief) if alone else together(operation, going, brief)
    access = access_of(process, operation, account)
    return Consignment(
        job.id,
        operation,
        account,
        access,
        chunk,
        of(chunk),
        repeat_of(operation, brief.around),
        tuple(checked_rows.refusals),
        functools.partial(process.client.pack, operation, account.platform, access, wire),
        skipped_by=skipped_by,
        numbers=heeded.numbers,
        prints=_of_those(heeded.whole, left.prints),
        later=None if alone else operation.later,
        noted=heeded.noted,
        seen=heeded.seen,
        sorted_by={rows.key: going.rows} if operation.sort else None,
    )


def own_rows(source: Source, chunk: Row[Any], only: str | None) -> Taken:
    """The rows of a chunk's stretch, or only some of them."""
    taken = rows_of(source, chunk, read_piece(source, chunk))
    return taken if only is None else taken.only(numbers.read(only))


def _of_those(going: Sequence[int], prints: Sequence[Print]) -> list[Print]:
    numbers_going = frozenset(going) if prints else ()
    return [one for one in prints if one.number in numbers_going]


def _unsent(chunk: Row[Any], refusals: Sequence[Refusal], skipped_by: Mapping[str, int]) -> Outcome:
    return refused(int(chunk.rows) - sum(skipped_by.values()), refusals, skipped_by)


def brief_of(process: Process, job: Row[Any], account: Account, source: Source) -> Brief:
    """What all rows of a job have in common."""
    return Brief(
        options=json.loads(job.options),
        settings=account.told,
        asked_at=datetime.fromtimestamp(job.created_at, UTC),
        around={} if job.around is None else process.seal.open(job.around),
        columns=source.columns,
    )


def repeat_of(operation: Operation, payload: dict[str, Any]) -> Repeat:
    return operation.repeat if isinstance(operation.repeat, Repeat) else operation.repeat(payload)


def source_of(process: Process, job: Row[Any], chunk: Row[Any]) -> Source:
    """The job's file, kept open while lanes of this process read from it; or the rows that the chunk was given."""
    if chunk.payload is not None:
        return given_source(process.seal.open(chunk.payload).encode(), chunk.offset)
    return _opened(process, job.rows_of or job.id, job.source, job.options, job.operation)


@functools.lru_cache(maxsize=64)
def _opened(process: Process, job_id: str, source: str, options: str, operation: str) -> Source:
    return open_rows(_named(job_id, source, options, operation), process.settings)


def named(job: Row[Any]) -> Named:
    """What the job says of its file."""
    return _named(job.rows_of or job.id, job.source, job.options, job.operation)


def _named(job_id: str, source: str, options: str, operation: str) -> Named:
    rows = platforms.operation(operation).rows
    assert rows is not None  # noqa: S101 - a file is recorded only for operations with rows
    return Named(source, json.loads(options), rows, copy=job_id)
