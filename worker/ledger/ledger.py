"""Opens the ledger and hands out its transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine

from worker.ledger import sqlite
from worker.ledger.desk import Desk

T = TypeVar("T")


class Ledger:
    """One process's door to the ledger. Open it after a fork, never before.

    `write` comes back when the work is on disk; `read` sees one consistent moment.
    """

    def __init__(self, url: str) -> None:
        self._turnstile: Callable[[], AbstractContextManager[None]] = nullcontext
        if url.startswith("sqlite"):
            self.engine, self._turnstile = sqlite.open_engine(url)
        else:
            self.engine = create_engine(url, pool_size=64, max_overflow=0, pool_pre_ping=True, hide_parameters=True)
        self._desk = Desk(self.begin)
        self._reader = self.engine.execution_options(**{sqlite.READING: True})
        self.write = self._desk.write
        self.later = self._desk.later

    def read(self, work: Callable[[Connection], T]) -> T:
        with self._reader.begin() as tx:
            return work(tx)

    def flush(self) -> None:
        """Everything handed to `later` is on disk when this comes back."""
        self.write(_nothing)

    def close(self) -> None:
        with self._turnstile():
            self.engine.dispose()
        if isinstance(self._turnstile, sqlite.Turnstile):
            self._turnstile.close()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction of one's own, not shared with others."""
        with self._turnstile(), self.engine.begin() as tx:
            yield tx


def _nothing(_tx: Connection) -> Any:
    return None
