"""Rows that are as they were when they were last accepted, known by keyed hashes: no call is made for them again."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from worker.ledger import fingerprints, jobs
from worker.ledger.ledger import Ledger
from worker.ledger.types import Connection, Row
from worker.operation import Operation
from worker.processes.process import Process
from worker.sources.chosen import Chosen, chosen
from worker.sources.identity import Identity


class Print(NamedTuple):
    """One row: its number, who it is about, and what it says."""

    number: int
    who: bytes
    content: bytes


class Prints:
    """Makes the prints of the rows of an account's job, with the key of hashes. A row that does not say who it is about
    has none."""

    def __init__(self, ledger: Ledger, secret: bytes, account: str, operation: Operation, wanted: Chosen) -> None:
        rows = operation.file_rows
        self._identity = Identity(wanted.unique or rows.identity, rows)
        self._ledger = ledger
        scope = hashlib.blake2b(f"{account}\0{operation.name}".encode(), digest_size=16).digest()
        keyed = partial(hashlib.blake2b, digest_size=16, key=secret, salt=scope)
        self._who, self._content = partial(keyed, person=b"who"), partial(keyed, person=b"row")

    def of(self, numbers: Sequence[int], lines: Sequence[bytes]) -> list[Print]:
        hash_who, hash_row = self._who, self._content
        named = zip(numbers, lines, map(self._identity.of, lines), strict=True)
        return [
            Print(number, hash_who(who.encode("utf-8", "surrogatepass")).digest(), hash_row(line).digest())
            for number, line, who in named
            if who is not None
        ]

    def unchanged(self, found: Sequence[Print]) -> set[int]:
        """The numbers of those rows that were accepted as they are, and nothing else of the same person since, nor
        anywhere in these rows: they go one after the other, and the last of them counts."""
        known = self._known(found)
        changed = {one.who for one in found if known.get(one.who) != one.content}
        return {one.number for one in found if one.who not in changed}

    def forget(self, going: Sequence[Print]) -> None:
        """Rows that go with something else than what was last accepted: whatever becomes of their request, be it that
        nobody learns it, what was known is so no more."""
        known = self._known(going)
        stale = {one.who for one in going if known.get(one.who, one.content) != one.content}
        if stale:
            self._ledger.write(lambda tx: fingerprints.forget(tx, stale))

    def _known(self, found: Sequence[Print]) -> dict[bytes, bytes]:
        return self._ledger.read(lambda tx: fingerprints.known(tx, [one.who for one in found]))


def prints_for(process: Process, job: Row[Any], operation: Operation) -> Prints | None:
    """None where nobody ever wants to know what is unchanged, or can't know whom a row is about. Else those of a job
    that sends all rows too: what it sends is what the platform has afterwards."""
    wanted = chosen(json.loads(job.options))
    if not (wanted.unique or operation.file_rows.identity):
        return None
    if not (wanted.changed_only or _are_kept(process, job.id)):
        return None
    return Prints(process.ledger, process.secret, job.account, operation, wanted)


@functools.lru_cache(maxsize=256)
def _are_kept(process: Process, job_id: str) -> bool:
    """One look a job."""

    def look(tx: Connection) -> bool:
        job = jobs.get(tx, job_id)
        return job is not None and fingerprints.kept_of(tx, job.operation, job.account)

    return process.ledger.read(look)


def remembered(found: Iterable[Print], refused: set[int]) -> dict[bytes, bytes]:
    """What is remembered once the request was accepted but for some rows; of one person, the last row."""
    return {one.who: one.content for one in found if one.number not in refused}
