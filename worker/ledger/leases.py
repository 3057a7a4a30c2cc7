"""The end of claims whose holder is gone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, or_, select, update

from worker.ledger.refusing import not_over, skip_in_stopped, still
from worker.ledger.tables import chunks, is_held, jobs


def end_leases(tx: Connection, gone: Sequence[str], looked_up: Sequence[str] = ()) -> list[str]:
    """Claims whose lease ended, or whose owner is known to be dead: the job ids they belong to.

    Marked ones are unsure: the request may have left; where the platform can be asked (`looked_up`, by operation), it
    will be. The others never left; they are suspects, because whatever killed their process may be in them.
    """
    ended = and_(is_held, or_(chunks.c.lease_until < time.time(), chunks.c.owner.in_(gone)))
    still(tx, ended)
    can_ask = chunks.c.job_id.in_(select(jobs.c.id).where(jobs.c.operation.in_(looked_up)))
    lost = case((and_(can_ask, not_over(chunks.c.job_id)), "awaiting"), else_="unsure")
    why = "the process ended while the request was on the wire"
    affected = _freed(tx, ended, "sending", state=lost, why=why)
    affected |= _freed(tx, ended, "claimed", state="waiting", suspect=True, fence=chunks.c.fence + 1)
    _freed(tx, ended, "awaiting", fence=chunks.c.fence + 1)
    skip_in_stopped(tx, chunks.c.job_id.in_(affected))
    return sorted(affected)


def _freed(tx: Connection, ended: ColumnElement[bool], was: str, **values: Any) -> set[str]:
    """Those of a state are held no more; the jobs they belong to."""
    freed = update(chunks).where(chunks.c.state == was, ended).values(lease_until=None, owner=None, **values)
    return set(tx.execute(freed.returning(chunks.c.job_id)).scalars())


def owners(tx: Connection) -> list[str]:
    """Whoever holds a chunk now."""
    held = select(chunks.c.owner).distinct().where(is_held, chunks.c.owner.is_not(None))
    return list(tx.execute(held).scalars())
