"""What was last accepted of whom, as two keyed hashes and nothing else: so that an unchanged row need not go again."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger.prepared import Prepared
from worker.ledger.schema import metadata
from worker.ledger.tables import jobs

DIALECTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),  # who, at which account, by which operation
    Column("content", LargeBinary(16), nullable=False),  # the row itself, with all of that
    sqlite_with_rowid=False,  # one tree instead of two: their order is chance, and each row costs a page
)

STEP = 100


@functools.cache
def _of(many: int) -> Prepared:
    """Asks for so many at once, spelled out: a prepared statement takes no lists."""
    return Prepared(select(fingerprints).where(fingerprints.c.id.in_([bindparam(f"who_{n}") for n in range(many)])))


def _remembering(dialect: str) -> Prepared:
    new = DIALECTS[dialect](fingerprints).values(id=bindparam("who"), content=bindparam("said"))
    return Prepared(new.on_conflict_do_update(index_elements=["id"], set_={"content": new.excluded.content}))


REMEMBER = {dialect: _remembering(dialect) for dialect in DIALECTS}


def known(tx: Connection, whose: Sequence[bytes]) -> dict[bytes, bytes]:
    """What was last accepted of each of these, as far as anything was."""
    if not whose:
        return {}
    size = -(-len(whose) // STEP) * STEP  # few statements serve all numbers of rows
    asked = {f"who_{n}": whose[min(n, len(whose) - 1)] for n in range(size)}
    return {bytes(row.id): bytes(row.content) for row in _of(size)(tx, **asked).rows}


def kept_of(tx: Connection, operation: str, account: str) -> bool:
    """Whether any job of this operation and account ever left out what was unchanged: only such a one begins to keep
    fingerprints."""
    said = jobs.c.options.contains('"changed_only": true')
    wanted = select(jobs.c.id).where(jobs.c.operation == operation, jobs.c.account == account, said).limit(1)
    return tx.execute(wanted).first() is not None


def forget(tx: Connection, whose: Collection[bytes]) -> None:
    """Nobody knows any more what the platform has of these persons."""
    if whose:
        gone = delete(fingerprints).where(fingerprints.c.id == bindparam("who"))
        tx.execute(gone, [{"who": who} for who in sorted(whose)])


def remember(tx: Connection, accepted: Mapping[bytes, bytes]) -> None:
    """From now on these contents are the last ones of these persons."""
    # In one order everywhere, so that two who write the same ones don't wait for each other.
    REMEMBER[tx.dialect.name].many(tx, [{"who": who, "said": accepted[who]} for who in sorted(accepted)])
