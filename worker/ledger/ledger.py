"""Opens the ledger and hands out its transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.ledger.desk import Desk, pauses
from worker.ledger.postgresql import PostgreSQL
from worker.ledger.sqlite import SQLite

T = TypeVar("T")


class Database(Protocol):
    """What the ledger needs of either database. `reader` sees one consistent moment a transaction."""

    engine: Engine

    @property
    def reader(self) -> Engine: ...
    def transaction(self) -> AbstractContextManager[Connection]: ...
    def passes(self, error: BaseException, /) -> bool: ...
    def close(self) -> None: ...


class Ledger:
    """One process's door to the ledger. Open it after a fork, never before.

    `write` comes back when the work is on disk; `read` sees one consistent moment.
    """

    def __init__(self, url: str) -> None:
        self._database: Database = SQLite(url) if url.startswith("sqlite") else PostgreSQL(url)
        self._desk = Desk(self.begin, self._database.passes)
        self.write = self._desk.write
        self.join = self._desk.join
        self.later = self._desk.later
        self.close = self._database.close

    @property
    def engine(self) -> Engine:
        return self._database.engine

    def read(self, work: Callable[[Connection], T]) -> T:
        for pause in pauses():
            try:
                return self._read(work)
            except SQLAlchemyError as error:
                if not self._database.passes(error):
                    raise
            time.sleep(pause)
        return self._read(work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._database.reader.begin() as tx:
            return work(tx)

    def flush(self) -> None:
        """Everything handed to `later` is on disk when this comes back."""
        self.write(_nothing)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction of one's own, not shared with others."""
        with self._database.transaction() as tx:
            yield tx


def _nothing(_tx: Connection) -> Any:
    return None
