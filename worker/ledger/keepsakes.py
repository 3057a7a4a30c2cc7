"""Small things that are kept sealed, by name: written by whoever comes first, or anew each time."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from worker.ledger.inserting import insert_new
from worker.ledger.prepared import Prepared
from worker.ledger.tables import keepsakes

ONE = Prepared(select(keepsakes.c.value).where(keepsakes.c.id == bindparam("name")))


def get(tx: Connection, name: str) -> bytes | None:
    found = ONE(tx, name=name).first()
    return bytes(found.value) if found else None


def first(tx: Connection, name: str, value: bytes) -> bytes:
    """`value`, or what somebody kept under this name before."""
    insert_new(tx, keepsakes, {"id": name, "value": value})
    kept = get(tx, name)
    assert kept is not None  # noqa: S101 - inserted in the line before, or there already
    return kept


def exchange(tx: Connection, name: str, before: bytes, value: bytes) -> bool:
    """`value` in place of what was read `before`; False when somebody was faster."""
    same = (keepsakes.c.id == name) & (keepsakes.c.value == before)
    return tx.execute(update(keepsakes).where(same).values(value=value)).rowcount == 1


def keep(tx: Connection, name: str, value: bytes) -> None:
    """`value` from now on."""
    if not insert_new(tx, keepsakes, {"id": name, "value": value}):
        tx.execute(update(keepsakes).where(keepsakes.c.id == name).values(value=value))
