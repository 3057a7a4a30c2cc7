"""Who may be written to: a row for each address, channel and purpose; a keyed hash, the address sealed beside it.

Changes are numbered in the order in which they were committed. Whoever is about to send reads the last number with
what it checks, and looks at the later ones once more in the transaction of its mark: so a send that is marked after an
opt-out was stored has seen it. For that, changes are made one at a time, and none while a mark looks.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    select,
    text,
    update,
)

from worker.ledger.inserting import Inserting
from worker.ledger.prepared import Prepared
from worker.ledger.schema import ROW_ID, metadata
from worker.people.consent import Known, Standing

consents = Table(
    "consents",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("who", String(64), nullable=False),
    Column("address", LargeBinary, nullable=False),
    Column("channel", String(8), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("state", String(4), nullable=False),  # in | out
    Column("reason", String(20), nullable=False),
    Column("at", Float, nullable=False),  # the event's own time
    Column("source", String(200), nullable=False),
    Column("known", Text, nullable=False),  # the latest of each reason: what the state follows from
    Column("change", BigInteger, nullable=False),
    Column("changed_at", Float, nullable=False),
    UniqueConstraint("who", "channel", "purpose"),
    Index(None, "change"),
)

CHANGES = 4_711_002  # of PostgreSQL's advisory locks; any number, the same in every version
MOST_AT_ONCE = 500  # hashes in one question
LAST = Prepared(select(func.max(consents.c.change).label("last")))
OUT_SINCE = Prepared(
    select(consents.c.who, consents.c.channel, consents.c.purpose, consents.c.reason).where(
        consents.c.change > bindparam("seen"), consents.c.state == "out"
    )
)

HERE = tuple(consents.c[name] == bindparam(f"its_{name}") for name in ("who", "channel", "purpose"))
AT = Prepared(select(consents).where(*HERE))
PUT = Prepared(
    update(consents)
    .where(*HERE)
    .values({name: bindparam(f"new_{name}") for name in ("state", "reason", "at", "source", "known", "address")})
    .values(change=bindparam("new_change"), changed_at=bindparam("new_changed_at"))
)
NEW = Inserting(consents, *(column.name for column in consents.c if column.name != "id"))


@dataclass(frozen=True)
class Place:
    """Whom, on which channel, and what for."""

    who: str
    channel: str
    purpose: str


@dataclass(frozen=True)
class Entry:
    """What is written of a place."""

    place: Place
    address: bytes = field(repr=False)
    known: Known = field(repr=False)
    standing: Standing


def begin_change(tx: Connection) -> None:
    """One change at a time, and none while a mark looks. SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHANGES})


def begin_mark(tx: Connection) -> None:
    """From here to the end of the transaction no opt-out is stored."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": CHANGES})


def last_change(tx: Connection) -> int:
    """0: nobody ever said anything."""
    found = LAST(tx).first()
    return int(found.last or 0)


def at(tx: Connection, place: Place) -> Row[Any] | None:
    found: Row[Any] | None = AT(tx, **_here(place)).first()
    return found


def put(tx: Connection, entry: Entry) -> None:
    """Write where somebody stands now; `begin_change` came before."""
    said = entry.standing
    values: dict[str, Any] = {
        **{"state": said.state, "reason": said.reason, "at": said.at, "source": said.source[:200]},
        **{"known": json.dumps(entry.known), "address": entry.address},
        **{"change": last_change(tx) + 1, "changed_at": time.time()},
    }
    new = {f"new_{name}": value for name, value in values.items()}
    if not PUT(tx, **_here(entry.place), **new).rowcount:
        NEW(tx, **vars(entry.place), **values)


def of(tx: Connection, who: str) -> list[Row[Any]]:
    """All that is known of an address."""
    found = select(consents).where(consents.c.who == who).order_by(consents.c.channel, consents.c.purpose)
    return list(tx.execute(found))


def out(tx: Connection, whose: Iterable[str], purpose: str) -> Iterator[Row[Any]]:
    """The opt-outs of these addresses, on whatever channel."""
    return standings(tx, whose, purpose, consents.c.state == "out")


def standings(tx: Connection, whose: Iterable[str], purpose: str, *more: ColumnElement[bool]) -> Iterator[Row[Any]]:
    """Where these addresses stand, on whatever channel."""
    wanted = iter(whose)
    while some := list(itertools.islice(wanted, MOST_AT_ONCE)):
        which = (consents.c.who.in_(some), consents.c.purpose == purpose, *more)
        yield from tx.execute(select(consents).where(*which)).all()


def out_since(tx: Connection, seen: int) -> list[Row[Any]]:
    """The opt-outs that were stored after this number was read."""
    return OUT_SINCE(tx, seen=seen).rows


def following(tx: Connection, row_id: int, most: int) -> list[Row[Any]]:
    """The next rows after this one, in the order in which people came to be known."""
    return list(tx.execute(select(consents).where(consents.c.id > row_id).order_by(consents.c.id).limit(most)))


def _here(place: Place) -> dict[str, str]:
    return {f"its_{name}": value for name, value in vars(place).items()}
