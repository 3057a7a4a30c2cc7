"""Slots: the moments at which a schedule was due, each once, and what became of it; and what is known of a schedule.

A slot is `due` until it is `started`, which is written with its job in one transaction, or `missed`, with the reason.
That of a list is `reading` from its first page to its last, and `started` then, without a job.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    exists,
    literal_column,
    null,
    or_,
    select,
    update,
)

from worker.ledger import claims
from worker.ledger.claims import Claim
from worker.ledger.inserting import insert_new
from worker.ledger.schema import ROW_ID, claim_columns, metadata
from worker.ledger.tables import jobs

slots = Table(
    "slots",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("schedule", String(80), nullable=False),
    Column("slot", BigInteger, nullable=False),  # when it was due
    Column("state", String(8), nullable=False),  # due | reading | started | missed
    Column("asked_by", String(80)),  # a person; without one it was the clock
    Column("job_id", String(20)),
    Column("reason", String(20)),
    Column("why", Text),
    Column("stamp", String(80)),  # of its file when that was last looked at
    Column("size", BigInteger),  # of its file when it was started
    Column("settled_at", Float),
    Column("place", LargeBinary),  # sealed: how far its list was read
    *claim_columns(),
    UniqueConstraint("schedule", "slot"),
    Index(None, "schedule", "state", "slot"),
)
has_job, is_settled = slots.c.job_id.is_not(None), slots.c.settled_at.is_not(None)
is_owned = slots.c.owner.is_not(None)
Index("ix_slots_job_id", slots.c.job_id, slots.c.schedule, sqlite_where=has_job, postgresql_where=has_job)
Index("ix_slots_settled", slots.c.settled_at, sqlite_where=is_settled, postgresql_where=is_settled)
Index("ix_slots_owner", slots.c.owner, sqlite_where=is_owned, postgresql_where=is_owned)
MISS, MISS_READ = (
    claims.Taking(
        slots,
        slots.c.id == bindparam("number"),
        slots.c.state == literal_column(f"'{state}'"),
        early=True,
        state=literal_column("'missed'"),
        place=null(),
        reason=bindparam("reason", type_=String),
        why=bindparam("why", type_=Text),
        settled_at=bindparam("at", type_=Float),
    )
    for state in ("due", "reading")
)
# A job in one of these states is not over. One that is undecided waits for a decision, and keeps nobody waiting.
RUNS = ("planning", "running", "paused")
KNOWN_GOOD = ("planning", "running", "undecided", "finished")


def record(tx: Connection, schedule: str, found: Iterable[int]) -> None:
    """These slots are due now, but for those that are known already."""
    for slot in found:
        insert_new(tx, slots, {"schedule": schedule, "slot": slot, "state": "due"})


def record_missed(tx: Connection, schedule: str, found: Iterable[int], reason: str, why: str) -> list[int]:
    """These slots did not run, and were never due; those of them that were not known."""
    values = {"schedule": schedule, "state": "missed", "reason": reason, "why": why, "settled_at": time.time()}
    return [slot for slot in found if insert_new(tx, slots, {**values, "slot": slot})]


def ask(tx: Connection, schedule: str, slot: int, who: str) -> Row[Any]:
    """The slot that a person wants to run now: a new one, one that waits, or one that was missed.

    One that was started, or is being read, stays as it is.
    """
    which = (slots.c.schedule == schedule, slots.c.slot == slot)
    if not insert_new(tx, slots, {"schedule": schedule, "slot": slot, "state": "due", "asked_by": who}):
        again = {"state": "due", "asked_by": who, "reason": None, "why": None, "settled_at": None, "not_before": 0}
        tx.execute(update(slots).where(*which, slots.c.state.in_(("due", "missed"))).values(**again))
    return tx.execute(select(slots).where(*which)).one()


def waiting(tx: Connection, schedule: str) -> list[Row[Any]]:
    """The slots that are due: those a person asked for first, then the oldest."""
    order = (slots.c.asked_by.is_(None), slots.c.slot)
    return list(tx.execute(select(slots).where(slots.c.schedule == schedule, _due()).order_by(*order)))


def being_read(tx: Connection, schedule: str) -> list[Row[Any]]:
    """The slot whose list is being read: one at most."""
    return list(tx.execute(select(slots).where(slots.c.schedule == schedule, slots.c.state == "reading")))


def free(tx: Connection, row: Row[Any]) -> bool:
    """Its holder is known to be dead."""
    return claims.release(tx, slots, claims.of(row), _open())


def get(tx: Connection, number: int) -> Row[Any]:
    """The slot, with the state of its job."""
    return tx.execute(_with_job().where(slots.c.id == number)).one()


def claim(tx: Connection, number: int, owner: str, lease: float) -> Row[Any] | None:
    taken = claims.take(tx, slots, owner, lease, slots.c.id == number, _open())
    return taken[0] if taken else None


def put_back(tx: Connection, held: Claim, seconds: float, **values: Any) -> bool:
    """Look at it again in `seconds`."""
    return claims.release(tx, slots, held, not_before=time.time() + seconds, **values)


def started(tx: Connection, held: Claim, job_id: str | None, size: int | None, why: str | None) -> bool:
    values = {"job_id": job_id, "size": size, "why": why, "settled_at": time.time()}
    return claims.release(tx, slots, held, _due(), state="started", **values)


def go_on_at(tx: Connection, held: Claim, place: bytes | None, why: str) -> bool:
    """Its list was read up to here, None for its beginning; it is held on."""
    return claims.change(tx, slots, held, _open(), state="reading", place=place, why=why)


def read_through(tx: Connection, held: Claim, why: str) -> bool:
    """Its list was read to its end."""
    values = {"state": "started", "place": None, "why": why, "settled_at": time.time()}
    return claims.release(tx, slots, held, _open(), **values)


def missed(tx: Connection, held: Claim, reason: str, why: str) -> bool:
    return claims.release(
        tx, slots, held, _open(), place=None, state="missed", reason=reason, why=why, settled_at=time.time()
    )


def miss(tx: Connection, numbers: Sequence[int], owner: str, reason: str, why: str, take: claims.Taking = MISS) -> int:
    """Those of these slots that nobody holds and nobody started are missed; how many. `MISS_READ` takes those whose
    list is read no further."""
    missed = 0
    for number in numbers:
        taken = take(tx, owner, 0, number=number, reason=reason, why=why, at=time.time())
        missed += len(taken)
        for row in taken:
            claims.release(tx, slots, claims.of(row))
    return missed


def still_runs(tx: Connection, schedule: str) -> str | None:
    """The job of a slot of this schedule that is not over."""
    its = exists(select(slots.c.id).where(has_job, slots.c.job_id == jobs.c.id, slots.c.schedule == schedule))
    found = tx.execute(select(jobs.c.id).where(jobs.c.state.in_(RUNS), its).limit(1)).scalar()
    return None if found is None else str(found)


def last_size(tx: Connection, schedule: str) -> int | None:
    """The size of the file that this schedule delivered last; one that was stopped, or waits paused, is no measure."""
    sized = select(slots.c.size).join(jobs, slots.c.job_id == jobs.c.id)
    of_it = (slots.c.schedule == schedule, slots.c.size.is_not(None), jobs.c.state.in_(KNOWN_GOOD))
    found = tx.execute(sized.where(*of_it).order_by(slots.c.slot.desc()).limit(1)).scalar()
    return None if found is None else int(found)


def newest(tx: Connection, schedule: str | None, most: int) -> list[Row[Any]]:
    """What became of the last slots, the youngest first."""
    found = _with_job()
    if schedule is not None:
        found = found.where(slots.c.schedule == schedule)
    return list(tx.execute(found.order_by(slots.c.slot.desc(), slots.c.id.desc()).limit(most)))


def let_go(tx: Connection, before: float, most: int) -> int:
    """Forget those that were settled before this moment; how many. What stays of a schedule is its youngest, the one
    whose size the next is compared with, and those whose job is not over."""
    younger, delivered = slots.alias(), slots.alias()
    opened = exists(select(jobs.c.id).where(jobs.c.id == slots.c.job_id, jobs.c.finished_at.is_(None)))
    after = exists(select(younger.c.id).where(younger.c.schedule == slots.c.schedule, younger.c.slot > slots.c.slot))
    of_it = (delivered.c.schedule == slots.c.schedule, delivered.c.slot > slots.c.slot, delivered.c.size.is_not(None))
    sized = select(delivered.c.id).join(jobs, jobs.c.id == delivered.c.job_id)
    measured = exists(sized.where(*of_it, jobs.c.state.in_(KNOWN_GOOD)))
    old = (is_settled, slots.c.settled_at < before, ~opened, after, or_(slots.c.size.is_(None), measured))
    some = select(slots.c.id).where(*old).order_by(slots.c.settled_at).limit(most)
    return tx.execute(delete(slots).where(slots.c.id.in_(some))).rowcount


def _with_job() -> Select[Any]:
    return select(slots, jobs.c.state.label("job_state")).outerjoin(jobs, jobs.c.id == slots.c.job_id)


def _due() -> Any:
    return slots.c.state == "due"


def _open() -> Any:
    return claims.one_of(slots.c.state, ("due", "reading"))
