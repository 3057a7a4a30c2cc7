"""A job whose first rows are mostly refused stops by itself: the file is wrong, or the wrong one."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from worker.ledger import jobs
from worker.ledger.outlook import any_waiting
from worker.ledger.tables import chunks
from worker.ledger.tables import jobs as jobs_table

ROWS = 1000


def look(tx: Connection, job_id: str, most: float) -> bool:
    """Pause the job if more than the share `most` of its first rows was refused; decided once, when so many have ended.

    True when there is nothing more to look at.
    """
    job = jobs.get(tx, job_id)
    if job is None or job.guarded:
        return True
    ended = (chunks.c.job_id == job_id, chunks.c.state == "done")
    rows, refused = tx.execute(select(func.sum(chunks.c.rows), func.sum(chunks.c.refused)).where(*ended)).one()
    if (rows or 0) < ROWS:
        return False
    tx.execute(update(jobs_table).where(jobs_table.c.id == job_id).values(guarded=True))
    if refused > most * rows and (not job.planned or any_waiting(tx, job_id)):
        jobs.pause(
            tx,
            job_id,
            f"{int(refused):,} of the first {int(rows):,} rows were refused, more than the {most:.0%} that max_refused "
            f"allows: `omniworker jobs refused {job_id}` names them. Mend the file and import it again, or go on with "
            f"`omniworker jobs resume {job_id}`.",
        )
    return True
