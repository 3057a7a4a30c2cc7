"""Rows that are as they were when they were last accepted, known by keyed hashes: no call is made for them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.ledger import fingerprints
from worker.ledger.types import Row
from worker.operation import Operation
from worker.process import Process
from worker.sources.chosen import Chosen
from worker.sources.identity import Identity


@dataclass(frozen=True)
class Print:
    """One row that goes: its number, who it is about, and what it says."""

    number: int
    who: bytes
    content: bytes


def unchanged(process: Process, job: Row[Any], lines: Sequence[bytes]) -> set[int]:
    """The places of those lines that were accepted as they are, and nothing else of the same person since."""
    contents = [_hash(process, job, b"row", line) for line in lines]
    found = process.ledger.read(lambda tx: fingerprints.known(tx, contents))
    return {at for at, content in enumerate(contents) if content in found}


def prints(
    process: Process, job: Row[Any], operation: Operation, wanted: Chosen, going: Mapping[int, bytes]
) -> tuple[Print, ...]:
    """Of each row that goes, by number; one that does not say who it is about has none."""
    assert operation.rows is not None  # noqa: S101 - a file is recorded only for operations with rows
    identity = Identity(wanted.unique or operation.rows.identity, operation.rows)
    said = ((number, line, identity.of(line)) for number, line in going.items())
    return tuple(
        Print(number, _hash(process, job, b"who", who.encode()), _hash(process, job, b"row", line))
        for number, line, who in said
        if who is not None
    )


def remembered(found: Iterable[Print], refused: set[int]) -> dict[bytes, bytes]:
    """What is remembered once the request was accepted but for some rows; of one person, the last row."""
    return {one.who: one.content for one in found if one.number not in refused}


def _hash(process: Process, job: Row[Any], kind: bytes, text: bytes) -> bytes:
    scope = f"{job.account}\0{job.operation}\0".encode() + kind
    return hashlib.blake2b(b"%b\0%b" % (scope, text), key=process.secret, digest_size=16).digest()
