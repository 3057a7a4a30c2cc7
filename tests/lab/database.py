"""The ledger of an experiment: a file, or a PostgreSQL of its own that syncs as it does in earnest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.own_postgresql import OwnPostgreSQL, binaries

DATABASES = ("sqlite", "postgresql")


@contextmanager
def ledger_at(database: str, folder: Path) -> Iterator[str]:
    """Its address. The server ends with the block."""
    if database == "sqlite":
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    found = binaries()
    assert found is not None, "PostgreSQL (initdb and postgres) is not installed"
    server = OwnPostgreSQL(found, durable=True)
    try:
        yield server.database()
    finally:
        server.stop()
