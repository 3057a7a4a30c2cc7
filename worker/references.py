"""What a platform is told of a request of ours so that its callbacks refer to it: a job, a chunk, a row, and a proof
that it was us who said so. Nothing of a person.

Devino signs nothing, so whoever learns the address of a door could say what became of other people's messages; without
the key of this ledger nobody can say of which of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from worker.facts.wire import CalledBack
from worker.ledger.types import Row
from worker.platforms import Account
from worker.processes.process import Process

REFERENCE = re.compile(r"([A-Za-z0-9_-]{1,20})\.(\d{1,9})\.(\d{1,12})\.([0-9a-f]{32})")


class Forged(Exception):
    """It looks like a reference of ours, and is none."""


@dataclass(frozen=True)
class Reference:
    """A row of a chunk: `row` counts from 1 in what the chunk carries."""

    job: str
    chunk: int
    row: int

    def __str__(self) -> str:
        return f"{self.job}.{self.chunk}.{self.row}"


def called_back(process: Process, account: Account, chunk: Row, numbers: Sequence[int]) -> CalledBack | None:  # type: ignore[type-arg]
    """Where the platform is told to call, and how it refers to the rows of a chunk; None where we can't be called.

    `numbers` are those of the rows that go, if others stay behind.
    """
    url = process.settings.receiver_url
    if url is None or not account.callback_secrets:
        return None
    refer = referring(process, account.id, chunk.job_id, chunk.n, numbers)
    return CalledBack(f"{url}{account.callback_path}?secret_key={quote(account.callback_secrets[0], safe='')}", refer)


def referring(
    process: Process, account: str, job: str, chunk: int, numbers: Sequence[int] = ()
) -> Callable[[int], str]:
    key = _key(process)

    def refer(row: int) -> str:
        reference = Reference(job, chunk, numbers[row - 1] if numbers else row)
        return f"{reference}.{_proof(key, account, reference)}"

    return refer


def read(process: Process, account: str, text: str) -> Reference:
    """Raises `Forged` for what this account was not given by us."""
    found = REFERENCE.fullmatch(text)
    if found is None:
        raise Forged
    reference = Reference(found[1], int(found[2]), int(found[3]))
    if not hmac.compare_digest(_proof(_key(process), account, reference), found[4]):
        raise Forged
    return reference


def _proof(key: bytes, account: str, reference: Reference) -> str:
    return hmac.new(key, f"reference\0{account}\0{reference}".encode(), hashlib.sha256).hexdigest()[:32]


def _key(process: Process) -> bytes:
    return process.people.known_key or process.ledger.write(process.people.key)
