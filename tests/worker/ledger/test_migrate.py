"""Migrations lead to exactly the tables that the code declares, and a process on another schema says so."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, MetaData, insert, select, text

from worker.ledger.ledger import Ledger
from worker.ledger.migrate import OldSchema, check_schema, migrate, upgrade
from worker.ledger.schema import declared


@pytest.fixture
def url(empty_url: str) -> str:
    return empty_url


def test_migrated_it_has_the_tables_of_the_code(url: str) -> None:
    migrate(url)
    ledger = Ledger(url)
    difference = ledger.read(lambda tx: compare_metadata(MigrationContext.configure(tx), declared()))
    ledger.close()
    assert difference == []


def test_two_migrations_at_once_both_end_well(url: str) -> None:
    done: list[str] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 3


def test_an_empty_ledger_is_told_to_migrate(url: str) -> None:
    ledger = Ledger(url)
    with pytest.raises(OldSchema, match="omniworker migrate"):
        check_schema(ledger)
    ledger.close()


def test_a_newer_schema_asks_for_a_newer_program(url: str) -> None:
    migrate(url)
    ledger = Ledger(url)
    ledger.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(OldSchema, match="newer"):
        check_schema(ledger)
    ledger.close()


def test_a_ledger_of_the_first_version_keeps_its_rows(url: str) -> None:
    """0001 with a row in every table, then everything that came after it."""
    first = Ledger(url)
    with first.begin() as tx:
        upgrade(tx, "0001")
        tables = MetaData()
        tables.reflect(tx)
        kept = [table for table in tables.sorted_tables if table.name != "alembic_version"]
        for table in kept:
            tx.execute(insert(table).values({column.name: _some(column) for column in table.columns}))
        held = {table.name: dict(tx.execute(select(table)).mappings().one()) for table in kept}
    first.close()
    migrate(url)
    ledger = Ledger(url)
    check_schema(ledger)
    for table in kept:
        found = ledger.read(lambda tx, table=table: dict(tx.execute(select(table)).mappings().one()))  # type: ignore[misc]
        assert found == held[table.name]
    assert {"jobs", "chunks", "refusals", "tickets", "notices", "doors", "posts", "processes"} == set(held)
    ledger.close()


def _some(column: Column[Any]) -> Any:
    kind = column.type.python_type
    return {str: "1", int: 1, float: 1.5, bool: True, bytes: b"\x00\xff"}[kind]
