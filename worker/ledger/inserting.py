"""Inserts that two processes may make at the same moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger.prepared import Prepared

DIALECTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


class Inserting:
    """An insert made ready, of these columns of a table; calling it gives the new row, or None when it was there
    already, by any of the table's unique keys."""

    def __init__(self, table: Table, *columns: str) -> None:
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}
        self._statements = {
            dialect: Prepared(insert(table).values(values).on_conflict_do_nothing().returning(table))
            for dialect, insert in DIALECTS.items()
        }

    def __call__(self, tx: Connection, **values: Any) -> Any:
        return self._statements[tx.dialect.name](tx, **{f"new_{name}": value for name, value in values.items()}).first()


class InsertingMany:
    """The same for many rows, of which nothing comes back: in statements of 128 rows, 64, 32, and so on, each made
    ready when it is first needed, so that there are few to make and few to run."""

    SIZES = (128, 64, 32, 16, 8, 4, 2, 1)

    def __init__(self, table: Table, *columns: str) -> None:
        self._table, self._columns = table, columns
        self._statements: dict[tuple[str, int], Prepared] = {}

    def __call__(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        for some in _parted(rows, self.SIZES):
            kind = tx.dialect.name, len(some)
            statement = self._statements.get(kind) or self._statements.setdefault(kind, self._made(*kind))
            statement(tx, **{f"{name}_{place}": row[name] for place, row in enumerate(some) for name in self._columns})

    def _made(self, dialect: str, size: int) -> Prepared:
        types = {name: self._table.c[name].type for name in self._columns}
        rows = [{name: bindparam(f"{name}_{n}", type_=kind) for name, kind in types.items()} for n in range(size)]
        return Prepared(DIALECTS[dialect](self._table).values(rows).on_conflict_do_nothing())


def _parted(rows: Sequence[Any], sizes: Sequence[int]) -> Iterator[Sequence[Any]]:
    """All of them, in parts of these sizes, the largest first."""
    at = 0
    for size in sizes:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size


def insert_new(tx: Connection, table: Table, values: dict[str, Any]) -> bool:
    """The same, made once, where nobody waits for it; True when the row was new."""
    statement = DIALECTS[tx.dialect.name](table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return tx.execute(statement).first() is not None
