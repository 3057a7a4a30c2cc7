"""Statements built and compiled once, and run on the driver's own cursor.

A chunk needs four statements. Building, compiling and unpacking them through all layers each time costs more
processor time than checking and encoding its five hundred rows.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable

# The text, the values that are always the same, and the order of names where the driver takes values by place.
_Compiled = tuple[str, dict[str, Any], list[str] | None]


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
        self._compiled: dict[str, _Compiled] = {}
        self._row: Any = None

    def __call__(self, tx: Connection, **values: Any) -> Found:
        string, fixed, positions = self._compiled.get(tx.dialect.name) or self._compile(tx)
        given = fixed | values
        cursor = tx.connection.cursor()
        try:
            cursor.execute(string, tuple([given[name] for name in positions]) if positions else given)
            rows = self._named(cursor) if cursor.description else []
            return Found(rows, cursor.rowcount)
        except tx.dialect.loaded_dbapi.Error as error:
            raise _told(tx, cursor, error) from error
        finally:
            cursor.close()

    def many(self, tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """The same for many, of which nothing comes back."""
        if not rows:
            return
        string, fixed, positions = self._compiled.get(tx.dialect.name) or self._compile(tx)
        given = [fixed | values for values in rows]
        cursor = tx.connection.cursor()
        try:
            cursor.executemany(string, [[one[name] for name in positions] for one in given] if positions else given)
        except tx.dialect.loaded_dbapi.Error as error:
            raise _told(tx, cursor, error) from error
        finally:
            cursor.close()

    def _named(self, cursor: Any) -> list[Any]:
        if self._row is None:
            names = [column[0] for column in cursor.description]
            self._row = namedtuple("Row", names, rename=True)  # type: ignore[misc] # its columns are known only now
        return list(map(self._row._make, cursor.fetchall()))

    def _compile(self, tx: Connection) -> _Compiled:
        compiled: Any = self._statement.compile(dialect=tx.dialect)  # type: ignore[attr-defined]
        made = (compiled.string, compiled.params, compiled.positiontup)
        self._compiled[tx.dialect.name] = made
        return made


def _told(tx: Connection, cursor: Any, error: Exception) -> DBAPIError:
    """The error as SQLAlchemy itself would raise it, without the values; a lost connection is put away."""
    lost = tx.dialect.is_disconnect(error, tx.connection.dbapi_connection, cursor)  # type: ignore[arg-type]
    if lost:
        tx.invalidate(error)
    wrapped = DBAPIError.instance(None, None, error, tx.dialect.loaded_dbapi.Error, connection_invalidated=lost)
    assert isinstance(wrapped, DBAPIError)  # noqa: S101 - it is made from a driver's error
    return wrapped
