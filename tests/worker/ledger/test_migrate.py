"""Migrations lead to exactly the tables that the code declares, and a process on another schema says so."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from worker.ledger.ledger import Ledger
from worker.ledger.migrate import OldSchema, check_schema, migrate
from worker.ledger.tables import metadata


@pytest.fixture
def url(empty_url: str) -> str:
    return empty_url


def test_migrated_it_has_the_tables_of_the_code(url: str) -> None:
    migrate(url)
    ledger = Ledger(url)
    difference = ledger.read(lambda tx: compare_metadata(MigrationContext.configure(tx), metadata))
    ledger.close()
    assert difference == []


def test_two_migrations_at_once_both_end_well(url: str) -> None:
    done: list[str] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
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
