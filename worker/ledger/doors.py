"""An account's door as the ledger keeps it; `worker/outage.py` says when it closes and opens."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Row, bindparam, select, update

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.inserting import insert_new
from worker.ledger.prepared import Prepared
from worker.ledger.tables import chunks, doors

ONE = Prepared(select(doors).where(doors.c.id == bindparam("account")))
OPENED = Prepared(
    update(doors)
    .where(
        doors.c.id == bindparam("account"),
        doors.c.state != "forbidden",
        (doors.c.in_a_row > 0) | (doors.c.state != "open"),
    )
    .values(state="open", in_a_row=0, step=0, why=None, lease_until=None, owner=None, not_before=0)
)
# Accounts that were asked before their doors said so.
_SENT = select(chunks.c.id).where(chunks.c.account == bindparam("account"), chunks.c.sent_at > 0).limit(1)

# Many lanes share a transaction, and each looks at the same door twice: it is read once.
_read: WeakKeyDictionary[Connection, dict[str, Row[Any] | None]] = WeakKeyDictionary()


def get(tx: Connection, account: str) -> Row[Any] | None:
    """None: nothing was ever asked of this account, or nothing was ever wrong with it."""
    known = _read.setdefault(tx, {})
    if account not in known:
        known[account] = ONE(tx, account=account).first()
    return known[account]


def first_asked(tx: Connection, account: str) -> bool:
    """Note that the account is asked from now on; whether it never was before."""
    _changes(tx, account)
    new = insert_new(tx, doors, {"id": account, "state": "open"})
    return new and tx.execute(_SENT, {"account": account}).first() is None


def _changes(tx: Connection, account: str) -> None:
    """What was read of this door in this transaction is no longer so."""
    _read.get(tx, {}).pop(account, None)


def all_of(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(doors).order_by(doors.c.id)))


def ensure(tx: Connection, account: str) -> Row[Any]:
    """The account's row, locked until the transaction ends."""
    _changes(tx, account)
    wanted = select(doors).where(doors.c.id == account).with_for_update()
    row = tx.execute(wanted).one_or_none()
    if row is None:
        insert_new(tx, doors, {"id": account, "state": "open"})
        row = tx.execute(wanted).one()
    return row


def put(tx: Connection, account: str, **values: Any) -> None:
    _changes(tx, account)
    tx.execute(update(doors).where(doors.c.id == account).values(**values))


def opened(tx: Connection, account: str) -> None:
    """A success: open, and nothing in a row. Mostly there is nothing to change."""
    door = get(tx, account)
    if door is not None and (door.in_a_row or door.state != "open"):
        _changes(tx, account)
        OPENED(tx, account=account)


def claim_probe(tx: Connection, account: str, owner: str, lease: float) -> Claim | None:
    """The right to send the one probe that is due."""
    _changes(tx, account)
    shut = claims.one_of(doors.c.state, ("closed", "probing"))
    taken = claims.take(tx, doors, owner, lease, doors.c.id == account, shut, state="probing")
    return claims.of(taken[0]) if taken else None


def give_back(tx: Connection, probe: Claim) -> None:
    """The probe was not sent: it is due at once, for anybody."""
    _changes(tx, probe.id)
    claims.release(tx, doors, probe, doors.c.state == "probing", state="closed", not_before=time.time())
