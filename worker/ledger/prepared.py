"""Statements built and compiled once. A chunk needs four; building them each time costs more than the disk does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.sql.base import Executable


class Prepared:
    """A statement whose `bindparam`s are given at each call, by name; compiled once for each database.

    Values go to the driver as they are: give numbers, texts, bytes and booleans only. No list for `in_`.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, Any] = {}

    def __call__(self, tx: Connection, **values: Any) -> CursorResult[Any]:
        compiled = self._compiled.get(tx.dialect.name) or self._compile(tx)
        given = compiled.params | values
        positions = compiled.positiontup
        return tx.exec_driver_sql(compiled.string, tuple(given[name] for name in positions) if positions else given)

    def _compile(self, tx: Connection) -> Any:
        compiled: Any = self._statement.compile(dialect=tx.dialect)  # type: ignore[attr-defined]
        self._compiled[tx.dialect.name] = compiled
        return compiled
