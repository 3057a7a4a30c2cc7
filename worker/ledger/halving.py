"""How often a job may cut a refused request in two, until the row that is refused stands alone (design §6)."""

from __future__ import annotations

from sqlalchemy import Connection, update

from worker.ledger import jobs
from worker.ledger.tables import jobs as jobs_table

MOST_EXTRA = 64  # requests
SINGLES = 8
ONE_WAS_TAKEN = -1


def take(tx: Connection, job_id: str) -> bool:
    """The right to send two requests in place of one that was refused; False when the job has used up what it has."""
    room = (jobs_table.c.id == job_id, jobs_table.c.extra + 2 <= MOST_EXTRA)
    return tx.execute(update(jobs_table).where(*room).values(extra=jobs_table.c.extra + 2)).rowcount == 1


def single_accepted(tx: Connection, job_id: str) -> None:
    """A row that stood alone was taken: so it is about rows, not about the request."""
    halved = (jobs_table.c.id == job_id, jobs_table.c.extra > 0)
    tx.execute(update(jobs_table).where(*halved).values(singles=ONE_WAS_TAKEN))


def single_refused(tx: Connection, job_id: str, reason: str) -> None:
    """Where the first ones that stand alone are all refused, nothing is wrong with the rows, and the job pauses."""
    halved = (jobs_table.c.id == job_id, jobs_table.c.extra > 0, jobs_table.c.singles >= 0)
    counted = update(jobs_table).where(*halved).values(singles=jobs_table.c.singles + 1).returning(jobs_table.c.singles)
    if tx.execute(counted).scalar() == SINGLES:
        jobs.pause(
            tx,
            job_id,
            f"The first {SINGLES} rows that went alone were each refused ({reason.rstrip('.')}), so it is hardly about "
            f"the rows: look at the account and the file, then go on with `omniworker jobs resume {job_id}`.",
        )
