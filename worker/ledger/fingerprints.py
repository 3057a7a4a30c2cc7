"""What was last accepted of whom, as two keyed hashes and nothing else: so that an unchanged row need not go again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Index, LargeBinary, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger.schema import metadata

DIALECTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),  # who, at which account, by which operation
    Column("content", LargeBinary(16), nullable=False),  # the row itself, with all of that
    Index(None, "content"),
)


def known(tx: Connection, contents: Sequence[bytes]) -> set[bytes]:
    """Those of `contents` that are what was last accepted of somebody."""
    found = tx.execute(select(fingerprints.c.content).where(fingerprints.c.content.in_(contents)))
    return set(map(bytes, found.scalars()))


def remember(tx: Connection, accepted: Mapping[bytes, bytes]) -> None:
    """From now on these contents are the last ones of these persons."""
    if not accepted:
        return
    new = DIALECTS[tx.dialect.name](fingerprints)
    statement = new.on_conflict_do_update(index_elements=["id"], set_={"content": new.excluded.content})
    # In one order everywhere, so that two who write the same ones don't wait for each other.
    tx.execute(statement, [{"id": who, "content": accepted[who]} for who in sorted(accepted)])
