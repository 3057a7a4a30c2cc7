"""A file that somebody else keeps locked is a ledger that is away, whoever asks it for a transaction."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from worker.ledger.ledger import Ledger
from worker.ledger.types import LedgerError


def test_a_file_that_somebody_locked_is_the_ledgers_own_error_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger, other = Ledger(f"sqlite:///{path}"), sqlite3.connect(path, isolation_level=None)
    with ledger.begin() as tx:
        tx.exec_driver_sql("PRAGMA busy_timeout = 1")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="locked"):  # a task gives its message back for this one alone
        ledger.flush()
    other.execute("ROLLBACK")
    ledger.flush()
    other.close()
    ledger.close()
