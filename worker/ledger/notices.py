"""Notices: what happened and others may follow. Written with the fact itself, handed out at least once.

One that is not understood, or that proves nothing, is quarantined: kept with the reason, and followed by nobody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    Row,
    SmallInteger,
    String,
    Table,
    Text,
    delete,
    func,
    literal_column,
    select,
)

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.inserting import Inserting, InsertingMany
from worker.ledger.schema import ROW_ID, claim_columns, metadata

notices = Table(
    "notices",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("kind", String(80), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("account", String(80)),  # whose, where a platform told it
    Column("mark", String(64), unique=True),  # a keyed hash of what makes it the same notice, told twice
    Column("content", LargeBinary),  # sealed
    Column("state", String(12), nullable=False),  # waiting | handed | quarantined | released | dismissed
    Column("rank", SmallInteger, nullable=False, server_default="1"),  # 0 goes first, 2 apart
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("stumbles", Integer, nullable=False, server_default="0"),  # tries in a row at which a follower failed
    Column("taken", Text, nullable=False, server_default="[]"),  # the followers that need it no more
    Column("why", Text),
    Column("happened_at", Float),  # by the clock of whoever told it
    Column("created_at", Float, nullable=False),
    *claim_columns(),
    Index(None, "state", "not_before"),
)
is_waiting = notices.c.state == literal_column("'waiting'")
Index("ix_notices_next", notices.c.rank, notices.c.id, sqlite_where=is_waiting, postgresql_where=is_waiting)

is_over, is_owned = notices.c.state != literal_column("'waiting'"), notices.c.owner.is_not(None)
Index("ix_notices_over", notices.c.state, notices.c.created_at, sqlite_where=is_over, postgresql_where=is_over)
Index("ix_notices_owner", notices.c.owner, sqlite_where=is_owned, postgresql_where=is_owned)

URGENT, USUAL, APART = 0, 1, 2
NEXT = claims.Taking(notices, is_waiting, notices.c.rank < APART, order=(notices.c.rank, notices.c.id))
NEXT_APART = claims.Taking(notices, is_waiting, notices.c.rank == APART, order=(notices.c.rank, notices.c.id))
WRITTEN = ("kind", "subject", "account", "mark", "content", "state", "rank", "why", "happened_at", "created_at")
NEW, MANY_NEW = Inserting(notices, *WRITTEN), InsertingMany(notices, *WRITTEN)
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
STUCK_AFTER = 6


def worded(
    kind: str,
    subject: str,
    *,
    account: str | None = None,
    mark: str | None = None,
    content: bytes | None = None,
    happened_at: float | None = None,
    urgent: bool = False,
    apart: bool = False,
    quarantined: str | None = None,
) -> dict[str, Any]:
    """A notice as it is written. `kind` is what happened (`job.ended`), `subject` the id of what it happened to.

    `mark` is the same for the same notice told twice; without one every notice is new. `content` is sealed.
    `apart`: who follows it may take long, so a thread of its own hands it out. `quarantined` is the reason why nobody
    may follow it.
    """
    now = time.time()
    values: dict[str, Any] = {"kind": kind, "subject": subject, "account": account, "mark": mark, "content": content}
    values |= {"state": "quarantined" if quarantined else "waiting", "why": quarantined}
    values |= {"rank": URGENT if urgent else APART if apart else USUAL}
    values |= {"happened_at": now if happened_at is None else happened_at}
    return values | {"created_at": now}


def announce(tx: Connection, kind: str, subject: str, **words: Any) -> bool:
    """Write one down, in the words of `worded`; True when it was not known."""
    return NEW(tx, **worded(kind, subject, **words)) is not None


def announce_all(tx: Connection, told: Sequence[Sequence[dict[str, Any]]]) -> None:
    """Write down what several callers were told, each of them several notices as `worded` gives them."""
    MANY_NEW(tx, [one for some in told for one in some])


def claim_waiting(tx: Connection, owner: str, lease: float, most: int) -> list[Row[Any]]:
    """The next ones, the urgent first."""
    return sorted(NEXT(tx, owner, lease, most), key=lambda row: (row.rank, row.id))


def claim_apart(tx: Connection, owner: str, lease: float) -> list[Row[Any]]:
    """The next one of those that are handed out apart."""
    return NEXT_APART(tx, owner, lease)


def put_back(tx: Connection, claim: Claim) -> bool:
    """Its turn did not come."""
    return claims.release(tx, notices, claim)


def any_waiting(tx: Connection, apart: bool = False) -> bool:
    which = notices.c.rank == APART if apart else notices.c.rank < APART
    due = select(notices.c.id).where(is_waiting, which, notices.c.not_before <= time.time())
    return tx.execute(due.limit(1)).first() is not None


def handed_out(tx: Connection, claim: Claim) -> bool:
    return claims.release(tx, notices, claim, state="handed", why=None)


def wait(tx: Connection, row: Row[Any], taken: Sequence[str], stumbles: int, why: str | None = None) -> bool:
    """Somebody could not take it: for those who have not, it is due again, later each time. `why` somebody else found
    that it belongs into quarantine."""
    pause = min(FIRST_WAIT * 2 ** min(row.tries, 30), LONGEST_WAIT)
    values = {"tries": row.tries + 1, "stumbles": stumbles, "taken": json.dumps(list(taken))}
    return claims.release(tx, notices, claims.of(row), why=why, not_before=time.time() + pause, **values)


def quarantine(tx: Connection, claim: Claim, why: str) -> bool:
    """Whoever followed it found that it proves nothing, or can't be understood. Without its mark: should the same be
    told once more, and be proven, it is new."""
    return claims.release(tx, notices, claim, state="quarantined", why=why, mark=None)


def stuck(tx: Connection) -> list[Row[Any]]:
    """Of which `kind` notices wait because a follower fails on them again and again: `many`."""
    many = func.count().label("many")
    wanted = select(notices.c.kind, many).where(is_waiting, notices.c.stumbles >= STUCK_AFTER)
    return list(tx.execute(wanted.group_by(notices.c.kind).order_by(notices.c.kind)))


def set_aside(tx: Connection, since: float) -> list[Row[Any]]:
    """What came into quarantine since then: how `many`, of which `kind` and `account`."""
    many = func.count().label("many")
    wanted = select(notices.c.kind, notices.c.account, many).where(is_over, notices.c.state == "quarantined")
    return list(tx.execute(wanted.where(notices.c.created_at > since).group_by(notices.c.kind, notices.c.account)))


def let_go(tx: Connection, before: float, most: int) -> int:
    """Forget those that everybody has taken, or a person has dealt with, and that were written before this moment; how
    many. Their marks go with them: should a platform tell the same so much later, it is new."""
    gone = notices.c.state.in_(("handed", "released", "dismissed"))
    some = select(notices.c.id).where(is_over, gone, notices.c.created_at < before)
    some = some.order_by(notices.c.created_at).limit(most)
    return tx.execute(delete(notices).where(notices.c.id.in_(some))).rowcount


def counts(tx: Connection) -> dict[str, int]:
    """How many there are in each state."""
    return {row[0]: row[1] for row in tx.execute(select(notices.c.state, func.count()).group_by(notices.c.state))}
