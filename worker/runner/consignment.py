"""A chunk made ready: its claim, its request, and what is known of its rows. Nothing has left yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.client import Parcel
from worker.facts.wire import Later
from worker.ledger.claims import Claim
from worker.ledger.types import Row
from worker.operation import JSON, Access, Operation, Repeat
from worker.outcome import Outcome, Refusal
from worker.platforms import Account
from worker.runner.opted_out import Seen
from worker.runner.unchanged import Print


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
    pack: Callable[[], Parcel] = field(repr=False)
    repeat: Repeat
    left_out: tuple[Refusal, ...] = ()
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
    """A safe request that no chunk asks for. `bulk` names the long work that it is a part of, which shares the budget
    of the account like a file."""

    operation: Operation
    account: Account
    access: Access = field(repr=False)
    repeat: Repeat
    pack: Callable[[], Parcel] = field(repr=False)
    bulk: str | None = None

    @property
    def if_lost(self) -> Repeat:
        return self.repeat


class NothingToSend(Exception):
    """No row of the chunk goes: each was refused by our own check, or stays behind."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("no row is left to send")
        self.outcome = outcome


def repeat_of(operation: Operation, payload: JSON) -> Repeat:
    return operation.repeat if isinstance(operation.repeat, Repeat) else operation.repeat(payload)
