"""Where the rows of a chunk lie in their file, and how much of it one request may carry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from worker.operation import Limits

# What a request's body holds besides its rows: the key they go under, and credentials added at send time.
ENVELOPE = 4096


class Stretch(Protocol):
    """Where the rows of a chunk lie: a `Piece`, or the ledger's record of one."""

    @property
    def offset(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def first_row(self) -> int: ...
    @property
    def lines(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def checksum(self) -> str: ...
    @property
    def too_long(self) -> bool: ...


@dataclass(frozen=True)
class Piece:
    """Whole lines of a file: bytes `offset` to `offset + length`, of which `checksum` is the SHA-256 in hexadecimal.

    `too_long` marks a single line that no request can carry: never read back, so without a checksum. `stays` are the
    numbers of rows that stay behind.
    """

    offset: int
    length: int
    first_row: int
    lines: int
    rows: int
    checksum: str
    too_long: bool = False
    stays: tuple[int, ...] = ()


def line_limit(limits: Limits) -> int:
    """The most bytes that a line, or all lines of a piece, may have, line ends included."""
    return limits.bytes - ENVELOPE


def piece_of(head: bytes, offset: int, first_row: int, lines: int, rows: int, parts: Iterable[bytes]) -> Piece:
    """The piece that consists of `parts`; its checksum begins with `head`, without which they mean nothing."""
    data = b"".join(parts)
    return Piece(offset, len(data), first_row, lines, rows, checksum(head, data))


def checksum(head: bytes, data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    whole = hashlib.sha256(head)
    whole.update(data)
    return whole.hexdigest()
