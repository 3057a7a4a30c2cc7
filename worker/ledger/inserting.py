"""Inserts that two processes may make at the same moment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(tx: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row unless it is there already, by any of the table's unique keys; True when it was new."""
    upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = upsert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return tx.execute(statement).first() is not None
