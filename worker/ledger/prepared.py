"""Statements built and compiled once, and run on the driver's own cursor.

A chunk needs four statements. Building, compiling and unpacking them through all layers each time costs more
processor time than checking and encoding its five hundred rows.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.base import Executable


class Found:
    """What a statement gave: rows with named columns, and how many it touched."""

    __slots__ = ("rowcount", "rows")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self.rows = rows
        self.rowcount = rowcount

    def first(self) -> Any:
        return self.rows[0] if self.rows else None


class Prepared:
    """A statement whose `bindparam`s are given at each call, by name; compiled once for each database.

    Values go to the driver as they are: give numbers, texts, bytes and booleans only. No list for `in_`.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, Any] = {}
        self._row: Any = None

    def __call__(self, tx: Connection, **values: Any) -> Found:
        text, constants, positions = self._compiled.get(tx.dialect.name) or self._compile(tx)
        given = constants | values
        cursor = tx.connection.cursor()
        try:
            cursor.execute(text, tuple([given[name] for name in positions]) if positions else given)
            rows = self._named(cursor) if cursor.description else []
            return Found(rows, cursor.rowcount)
        except tx.dialect.loaded_dbapi.Error as error:
            raise SQLAlchemyError(str(error)) from error
        finally:
            cursor.close()

    def _named(self, cursor: Any) -> list[Any]:
        if self._row is None:
            names = [column[0] for column in cursor.description]
            self._row = namedtuple("Row", names, rename=True)  # type: ignore[misc] # its columns are known only now
        return list(map(self._row._make, cursor.fetchall()))

    def _compile(self, tx: Connection) -> Any:
        """Its text, the values that are part of it, and the order of all values where the driver wants one."""
        compiled: Any = self._statement.compile(dialect=tx.dialect)  # type: ignore[attr-defined]
        ready = compiled.string, dict(compiled.params), compiled.positiontup
        self._compiled[tx.dialect.name] = ready
        return ready
