"""Brings a ledger to this version's schema, under a lock, from the installed package."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from worker.ledger.ledger import Ledger

LOCK = 4_711_001  # of PostgreSQL's advisory locks; any number, the same in every version


class OldSchema(Exception):
    """This process and the ledger are of different versions."""


def migrate(database_url: str) -> str:
    """Upgrade to the newest revision; returns it. Two at once: the second finds nothing to do.

    Raises `OldSchema` for a ledger that is newer than this program.
    """
    ledger = Ledger(database_url)
    try:
        with ledger.begin() as tx, _alone(tx):
            _refuse_newer(_revision(tx))
            upgrade(tx, "head")
        return _newest()
    finally:
        ledger.close()


def upgrade(tx: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = tx
    command.upgrade(config, revision)


def check_schema(ledger: Ledger) -> None:
    """Raises `OldSchema` with the sentence that says which side is behind."""
    found = ledger.read(_revision)
    _refuse_newer(found)
    if found != _newest():
        raise OldSchema(
            f"The ledger's schema ({found or 'none'}) is older than this program's ({_newest()}). "
            "Run `omniworker migrate`, then start again."
        )


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise OldSchema(
            f"The ledger's schema ({found}) is newer than this program's ({_newest()}). Install the newer omniworker."
        )


def _revision(tx: Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


def _newest() -> str:
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextlib.contextmanager
def _alone(tx: Connection) -> Iterator[None]:
    """SQLite's transaction has the turnstile already; PostgreSQL needs to be told that nobody else migrates."""
    if tx.dialect.name == "postgresql":
        for limit in ("lock_timeout", "statement_timeout"):  # a migration takes as long as it takes
            tx.execute(text(f"SET LOCAL {limit} = 0"))
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    yield
