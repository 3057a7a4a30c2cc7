"""The end of claims whose holder is gone."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection, and_, case, or_, select, update

from worker.ledger.refusing import not_over, skip_in_stopped, still
from worker.ledger.tables import chunks, is_held, jobs


def end_leases(tx: Connection, gone: Sequence[str], looked_up: Sequence[str] = ()) -> list[str]:
    """Claims whose lease ended, or whose owner is known to be dead: the job ids they belong to.

    Marked ones are unsure: the request may have left; where the platform can be asked (`looked_up`, by operation), it
    will be. The others never left; they are suspects, because whatever killed their process may be in them.
    """
    ended = and_(is_held, or_(chunks.c.lease_until < time.time(), chunks.c.owner.in_(gone)))
    still(tx, ended)
    why = "the process ended while the request was on the wire"
    can_ask = chunks.c.job_id.in_(select(jobs.c.id).where(jobs.c.operation.in_(looked_up)))
    asked = and_(can_ask, not_over(chunks.c.job_id))
    lost = tx.execute(
        update(chunks)
        .where(chunks.c.state == "sending", ended)
        .values(state=case((asked, "awaiting"), else_="unsure"), why=why, lease_until=None, owner=None)
        .returning(chunks.c.job_id)
    ).scalars()
    affected = set(lost)
    back = tx.execute(
        update(chunks)
        .where(chunks.c.state == "claimed", ended)
        .values(state="waiting", suspect=True, lease_until=None, owner=None, fence=chunks.c.fence + 1)
        .returning(chunks.c.job_id)
    ).scalars()
    affected.update(back)
    asking = (chunks.c.state == "awaiting", ended)
    tx.execute(update(chunks).where(*asking).values(lease_until=None, owner=None, fence=chunks.c.fence + 1))
    skip_in_stopped(tx, chunks.c.job_id.in_(affected))
    return sorted(affected)


def owners(tx: Connection) -> list[str]:
    """Whoever holds a chunk now."""
    held = select(chunks.c.owner).distinct().where(is_held, chunks.c.owner.is_not(None))
    return list(tx.execute(held).scalars())
