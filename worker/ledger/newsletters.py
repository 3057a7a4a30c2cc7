"""Newsletters: what was planned, who approved it, and which job sends it. Each move is one function.

planned ─approve─► approved ─start─► started ─► sent        stopped by a person, missed when its time passed
                     ▲  └─pause─► paused
                     └─resume──────┘
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    false,
    select,
    update,
)

from worker.ledger import claims, keepsakes
from worker.ledger.claims import Claim
from worker.ledger.ids import new_id
from worker.ledger.inserting import insert_new
from worker.ledger.schema import claim_columns, metadata

newsletters = Table(
    "newsletters",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("key", String(255), unique=True),  # of the slot that planned it; a person's plan has none
    Column("name", String(80), nullable=False),
    Column("operation", String(80), nullable=False),
    Column("account", String(80), nullable=False),
    Column("state", String(8), nullable=False),
    Column("document", LargeBinary, nullable=False),  # sealed, as its content
    Column("content", LargeBinary, nullable=False),
    Column("letter", String(64), nullable=False),  # a hash of all but its people
    Column("people", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("dropped", Text, nullable=False),
    Column("notes", Text, nullable=False, server_default="{}"),  # what else is said of it, by what it is about
    Column("seconds", Float, nullable=False),
    Column("deliver_at", Float),
    Column("expires_at", Float),
    Column("planned_at", Float, nullable=False),
    Column("planned_by", String(80), nullable=False),
    Column("approved_at", Float),
    Column("approved_by", String(80)),
    Column("recurs", Boolean, nullable=False, server_default=false()),  # later ones of its name need no approval
    Column("job_id", String(20)),
    Column("why", Text),
    *claim_columns(),  # not_before: when its first request leaves
    Index(None, "state", "not_before"),
    Index(None, "name", "planned_at"),
)

HALTED = "newsletters/halted"
APPROVED = newsletters.c.state == "approved"
DUE = claims.Taking(newsletters, APPROVED)
OPEN = ("planned", "approved", "paused")
WAITING = (*OPEN, "started")


@dataclass(frozen=True)
class Planned:
    """A plan as it is kept; `document` and `content` are sealed."""

    name: str
    operation: str
    account: str
    document: bytes = field(repr=False)
    content: bytes = field(repr=False)
    letter: str
    people: int
    requests: int
    dropped: Mapping[str, int]
    notes: Mapping[str, str]
    seconds: float
    not_before: float
    deliver_at: float | None
    expires_at: float | None
    planned_by: str
    key: str | None = None


@dataclass(frozen=True)
class Approved:
    """What goes, without those who opted out since it was planned; whether later ones of its name need nobody; and the
    moment from which on nothing of it leaves."""

    content: bytes = field(repr=False)
    people: int
    dropped: str
    notes: str
    recurs: bool
    expires_at: float


def add(tx: Connection, planned: Planned, why: str | None = None) -> str:
    """Its id; where its key was planned before, that one's."""
    said = {"dropped": json.dumps(planned.dropped), "notes": json.dumps(planned.notes)}
    values = vars(planned) | said | {"id": new_id(), "planned_at": time.time()}
    if insert_new(tx, newsletters, {**values, "state": "planned", "why": why}):
        return str(values["id"])
    return str(tx.execute(select(newsletters.c.id).where(newsletters.c.key == planned.key)).scalar_one())


def get(tx: Connection, name: str) -> Row[Any] | None:
    """By its id, or the youngest of a name."""
    named = select(newsletters).where((newsletters.c.id == name) | (newsletters.c.name == name))
    return tx.execute(named.order_by(newsletters.c.planned_at.desc(), newsletters.c.id.desc()).limit(1)).first()


def by_key(tx: Connection, key: str) -> Row[Any] | None:
    """The one that this slot planned."""
    return tx.execute(select(newsletters).where(newsletters.c.key == key)).first()


def newest(tx: Connection, most: int) -> list[Row[Any]]:
    return list(tx.execute(select(newsletters).order_by(newsletters.c.planned_at.desc()).limit(most)))


def approved_before(tx: Connection, name: str) -> Row[Any] | None:
    """The youngest of this name that a person, or its guards, let go."""
    which = (newsletters.c.name == name, newsletters.c.approved_at.is_not(None), newsletters.c.recurs)
    return tx.execute(select(newsletters).where(*which).order_by(newsletters.c.approved_at.desc()).limit(1)).first()


def approve(tx: Connection, row: Row[Any], by: str, now: Approved) -> bool:
    """False when it is no longer planned."""
    values = vars(now) | {"approved_at": time.time(), "approved_by": by, "why": None}
    return _move(tx, row.id, ("planned",), "approved", **values)


def stop(tx: Connection, newsletter_id: str, by: str) -> bool:
    return _move(tx, newsletter_id, OPEN, "stopped", why=f"stopped by {by}")


def pause(tx: Connection, newsletter_id: str) -> bool:
    return _move(tx, newsletter_id, ("approved",), "paused")


def resume(tx: Connection, newsletter_id: str) -> bool:
    return _move(tx, newsletter_id, ("paused",), "approved")


def take_due(tx: Connection, owner: str, lease: float) -> Row[Any] | None:
    """The next approved one whose time has come; none while all are halted."""
    if halted(tx):
        return None
    taken = DUE(tx, owner, lease)
    return taken[0] if taken else None


def any_open(tx: Connection) -> bool:
    """Whether one is due, on its way, or paused beyond its time."""
    due = (newsletters.c.state == "approved") & (newsletters.c.not_before <= time.time())
    which = due | (newsletters.c.state == "started") | _paused_late(time.time())
    return tx.execute(select(newsletters.c.id).where(which).limit(1)).first() is not None


def paused_late(tx: Connection, now: float) -> list[Row[Any]]:
    """Those whose time passed while they were paused."""
    return list(tx.execute(select(newsletters).where(_paused_late(now))))


def missed_paused(tx: Connection, newsletter_id: str, why: str) -> bool:
    """One that somebody resumed, or stopped, meanwhile stays as it is."""
    return _move(tx, newsletter_id, ("paused",), "missed", why=why)


def _paused_late(now: float) -> ColumnElement[bool]:
    return (newsletters.c.state == "paused") & (newsletters.c.expires_at < now)


def may_start(tx: Connection, held: Claim) -> bool:
    """Whether it still may, which holds until the transaction ends; it is given back.

    Its row is locked before the switch is looked at, and `halt` does both the other way round: so one of the two sees
    the other.
    """
    return claims.release(tx, newsletters, held, APPROVED) and halted(tx) is None


def started(tx: Connection, held: Claim, job_id: str) -> bool:
    """In the transaction that records its job, after `may_start`."""
    return claims.change(tx, newsletters, held, APPROVED, state="started", job_id=job_id)


def missed(tx: Connection, held: Claim, why: str) -> bool:
    """Its time has passed, and not one request of it left. One that was stopped meanwhile stays stopped."""
    return claims.release(tx, newsletters, held, APPROVED, state="missed", why=why)


def let_go(tx: Connection, before: float, most: int) -> int:
    """Take the people and the text of those that nothing can become of any more; how many."""
    over = newsletters.c.state.in_(("planned", "sent", "missed", "stopped"))
    some = select(newsletters.c.id).where(over, newsletters.c.planned_at < before, newsletters.c.content != b"")
    gone = update(newsletters).where(newsletters.c.id.in_(some.limit(most))).values(content=b"", document=b"")
    return tx.execute(gone).rowcount


def halt(tx: Connection, by: str) -> list[str]:
    """Nothing of any newsletter leaves from here on; the jobs that send one now. Those that start in this moment are
    waited for, and are among them."""
    keepsakes.keep(tx, HALTED, by.encode())
    which = newsletters.c.state.in_(("approved", "started"))
    locked = tx.execute(select(newsletters.c.job_id).where(which).order_by(newsletters.c.id).with_for_update())
    return [str(job_id) for job_id in locked.scalars() if job_id is not None]


def halted(tx: Connection) -> str | None:
    """By whom."""
    found = keepsakes.get(tx, HALTED)
    return found.decode() if found else None


def stands(tx: Connection, row: Row[Any]) -> str:
    """Where it is, in words: its state, why, and who halted it."""
    by = halted(tx) if row.state in WAITING else None
    said = [f"halted by {by}"] if by else []
    return "; ".join([f"{row.state}: {row.why}" if row.why else row.state, *said])


def go_on(tx: Connection) -> None:
    keepsakes.keep(tx, HALTED, b"")


def _move(tx: Connection, newsletter_id: str, before: tuple[str, ...], state: str, **values: Any) -> bool:
    which = (newsletters.c.id == newsletter_id, newsletters.c.state.in_(before))
    return tx.execute(update(newsletters).where(*which).values(state=state, **values)).rowcount == 1
