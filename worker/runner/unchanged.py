"""Rows that are as they were when they were last accepted, known by keyed hashes: no call is made for them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from worker.ledger import fingerprints
from worker.ledger.types import Row
from worker.operation import Operation
from worker.process import Process
from worker.sources.chosen import Chosen
from worker.sources.identity import Identity


class Print(NamedTuple):
    """One row: its number, who it is about, and what it says."""

    number: int
    who: bytes
    content: bytes


class Prints:
    """Makes the prints of a job's rows. One that does not say who it is about has none."""

    def __init__(self, process: Process, job: Row[Any], operation: Operation, wanted: Chosen) -> None:
        assert operation.rows is not None  # noqa: S101 - a file is recorded only for operations with rows
        self._identity = Identity(wanted.unique or operation.rows.identity, operation.rows)
        self._ledger = process.ledger
        scope = hashlib.blake2b(f"{job.account}\0{job.operation}".encode(), digest_size=16).digest()
        keyed = partial(hashlib.blake2b, digest_size=16, key=process.secret, salt=scope)
        self._who, self._content = partial(keyed, person=b"who"), partial(keyed, person=b"row")

    def of(self, numbers: Sequence[int], lines: Sequence[bytes]) -> list[Print]:
        hash_who, hash_row = self._who, self._content
        named = zip(numbers, lines, map(self._identity.of, lines), strict=True)
        return [
            Print(number, hash_who(who.encode("utf-8", "surrogatepass")).digest(), hash_row(line).digest())
            for number, line, who in named
            if who is not None
        ]

    def unchanged(self, found: Iterable[Print]) -> set[int]:
        """The numbers of those rows that were accepted as they are, and nothing else of the same person since."""
        known = self._ledger.read(lambda tx: fingerprints.known(tx, [one.who for one in found]))
        return {one.number for one in found if known.get(one.who) == one.content}


def remembered(found: Iterable[Print], refused: set[int]) -> dict[bytes, bytes]:
    """What is remembered once the request was accepted but for some rows; of one person, the last row."""
    return {one.who: one.content for one in found if one.number not in refused}
