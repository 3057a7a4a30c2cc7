"""Who may not be written to stays behind: looked at when a request is made ready, and once more in the transaction of
its mark. So whatever leaves after an opt-out was stored has seen it.

An operation says which addresses its rows depend on (`worker.people.consent.Addressed`), the rule is found by
`platforms.consent()`: here nothing is known but how to ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from worker import platforms
from worker.ledger import consents
from worker.ledger.types import Connection
from worker.operation import JSON, Operation
from worker.orders.words import MARKETING, TRANSACTIONAL
from worker.outcome import Refusal
from worker.people.consent import Addressed, Way
from worker.processes.process import Process

OPTED_OUT = "opted_out"
WENT_WITHOUT = "opted_out.part"
UNCHECKED = Refusal(
    1, "unchecked", "Whom it goes to is known to the platform alone, so nobody's opt-out was looked at."
)
Reasons = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Seen:
    """What was known when a request was made ready: the number of the last change, and whom the request depends on."""

    change: int
    purpose: str
    ways: tuple[Way, ...] = field(repr=False)

    def holds(self, process: Process, tx: Connection) -> bool:
        """Whether nobody of them opted out since. In the mark's transaction: no opt-out is stored before that ends."""
        consents.begin_mark(tx)
        later = {(row.who, row.channel) for row in consents.out_since(tx, self.change) if row.purpose == self.purpose}
        if not later:
            return True
        hashes = _hashes(process, tx, self.ways)
        return not any((hashes.get(way.address), one) in later for way in self.ways for one in way.channels)


@dataclass(frozen=True)
class Heeded:
    """The rows that go, with their places among all; how many stay behind; and what has to be said of those that go."""

    rows: Sequence[Any] = field(repr=False)
    places: Sequence[int]
    skipped: int
    noted: tuple[Refusal, ...]
    seen: Seen | None
    numbers: Sequence[int] = field(default=(), repr=False)

    @property
    def skipped_by(self) -> Mapping[str, int]:
        return {OPTED_OUT: self.skipped} if self.skipped else {}

    @property
    def changed(self) -> bool:
        return bool(self.skipped or self.noted)

    @property
    def whole(self) -> list[int]:
        """The numbers of the rows that go as they are."""
        if not self.noted:
            return list(self.numbers)
        without = {one.row for one in self.noted}
        return [number for number in self.numbers if number not in without]

    def numbered(self, numbers: Sequence[int]) -> Heeded:
        """With the numbers that the rows have in their file."""
        if not self.changed:
            return replace(self, numbers=numbers)
        noted = tuple(replace(one, row=numbers[one.row - 1]) for one in self.noted)
        return replace(self, noted=noted, numbers=[numbers[place] for place in self.places])


def heed(process: Process, addressed: Addressed | None, rows: Sequence[Any], purpose: str) -> Heeded:
    """Rows without those, and without the addresses, that may not be written to."""
    if addressed is None:
        return Heeded(rows, range(len(rows)), 0, (), None)
    ways = [addressed.ways(row) for row in rows]
    every = tuple(way for some in ways for way in some)
    seen, dropped = process.ledger.read(lambda tx: _look(process, tx, every, purpose))
    if not dropped:
        return Heeded(rows, range(len(rows)), 0, (), seen)
    kept: list[Any] = []
    places: list[int] = []
    noted: list[Refusal] = []
    for place, (row, some) in enumerate(zip(rows, ways, strict=True)):
        off = {way.address for way in some if way in dropped}
        left = addressed.without(row, off) if off else row
        if left is None:
            continue
        if off:
            noted.append(Refusal(place + 1, WENT_WITHOUT, addressed.note))
        kept.append(left)
        places.append(place)
    return Heeded(kept, places, len(rows) - len(kept), tuple(noted), seen)


def heed_call(process: Process, operation: Operation, payload: JSON, purpose: str) -> tuple[JSON, Heeded]:
    """The payload of a call without them; as it was where none of its rows is left."""
    key = operation.addressed.key if operation.addressed else None
    rows = [payload] if key is None else payload.get(key, [])
    heeded = heed(process, operation.addressed if key is None or key in payload else None, rows, purpose)
    if not heeded.changed or not heeded.rows:
        return payload, heeded
    return (heeded.rows[0] if key is None else {**payload, key: heeded.rows}), heeded


def purpose_of(operation: Operation, options: Mapping[str, Any], payload: JSON) -> str:
    """What a request is for: marketing, unless it was asked for as something else."""
    said = operation.transactional is not None and operation.transactional.said(payload)
    return TRANSACTIONAL if said else str(options.get("purpose", MARKETING))


def _look(process: Process, tx: Connection, ways: tuple[Way, ...], purpose: str) -> tuple[Seen, set[Way]]:
    seen = Seen(consents.last_change(tx), purpose, ways)
    if not seen.change:
        return seen, set()
    hashes = _hashes(process, tx, ways)
    rows = consents.out(tx, set(hashes.values()), purpose)
    reasons: Reasons = {(row.who, row.channel): row.reason for row in rows}
    return seen, set(_stopped(ways, hashes, reasons)) if reasons else set()


def _stopped(ways: Iterable[Way], hashes: Mapping[str, str], reasons: Reasons) -> Iterable[Way]:
    stops = platforms.consent().stops
    return (way for way in ways if stops([reasons.get((hashes.get(way.address, ""), one)) for one in way.channels]))


def _hashes(process: Process, tx: Connection, ways: Iterable[Way]) -> dict[str, str]:
    same = platforms.consent().same
    known = {way.address: same(way.address) for way in ways}
    return {address: process.people.everywhere(tx, text) for address, text in known.items() if text is not None}
