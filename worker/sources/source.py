"""An open file whose rows lie where they can be read by offset: lines of JSON, or CSV, in UTF-8."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO

from worker.sources.cells import Reader
from worker.sources.columns import LONGEST, names_in
from worker.sources.refused import changed


@dataclass(frozen=True)
class Source:
    """`start` is where its rows begin (after a byte order mark, and a header), in line `row`; without a `reader` they
    are lines of JSON.

    `stamp` changes when the file does, and `stamp_now` looks. `read_at` gives the bytes from an offset, fewer only at
    the end; threads may share it, unlike `stream`.
    """

    path: str
    size: int
    stamp: str
    stream: BinaryIO = field(repr=False)
    read_at: Callable[[int, int], bytes] = field(repr=False)
    stamp_now: Callable[[], str] = field(repr=False)
    start: int = 0
    row: int = 1
    remote: bool = False
    reader: Reader | None = field(default=None, repr=False)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.stream.close()

    @property
    def head(self) -> bytes:
        """What the checksum of every piece begins with: the header, without which cells mean nothing."""
        return self.reader.sheet.head if self.reader else b""

    @functools.cached_property
    def columns(self) -> tuple[str, ...]:
        """What the values of a row are called: by the header of CSV, or by the first row of JSON."""
        if self.reader and not self.reader.holds_json:
            return self.reader.columns
        begin = self.read_at(self.start, LONGEST)
        return names_in(self.reader.lines(begin) if self.reader else begin.split(b"\n"))

    @property
    def delimiter(self) -> str:
        """Of CSV."""
        return self.reader.sheet.delimiter if self.reader else ""

    def check_unchanged(self) -> None:
        """Raise `SourceRefused` when the file is no longer the one that was opened."""
        if self.stamp_now() != self.stamp:
            raise changed(self.path)
