"""Inserts that two processes may make at the same moment."""

from __future__ import annotations

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


def insert_new(tx: Connection, table: Table, values: dict[str, Any]) -> bool:
    """The same, made once, where nobody waits for it; True when the row was new."""
    statement = DIALECTS[tx.dialect.name](table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return tx.execute(statement).first() is not None
