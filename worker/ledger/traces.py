"""By what a row is found again: keyed hashes of the addresses it speaks to, and of the ids that its answer named.

Of calls and of rows that came with an order; a file has its own rows. They go with the content of their job.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Row, String, Table, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger.prepared import Prepared
from worker.ledger.schema import metadata

WHOLE = 0  # in place of a row's number: it is said of the job as a whole
DIALECTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

traces = Table(
    "traces",
    metadata,
    Column("job_id", String(20), primary_key=True),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("who", String(64), primary_key=True),
    Index(None, "who", "job_id"),
    sqlite_with_rowid=False,  # one tree less: a call pays for each
)


def _leaving(dialect: str) -> Prepared:
    new = DIALECTS[dialect](traces).values({name: bindparam(f"new_{name}") for name in ("job_id", "row", "who")})
    return Prepared(new.on_conflict_do_nothing())


LEAVE = {dialect: _leaving(dialect) for dialect in DIALECTS}
HAS = Prepared(
    select(traces.c.row).where(traces.c.job_id == bindparam("job"), traces.c.row == bindparam("number")).limit(1)
)


def leave(tx: Connection, job_id: str, found: Iterable[tuple[int, str]]) -> None:
    """Rows with a hash each; what is known already stays."""
    new = [{"new_job_id": job_id, "new_row": row, "new_who": who} for row, who in found]
    LEAVE[tx.dialect.name].many(tx, new)


def has(tx: Connection, job_id: str, row: int) -> bool:
    return HAS(tx, job=job_id, number=row).first() is not None


def of(tx: Connection, who: str, most: int) -> list[Row[Any]]:
    """`job_id` and `row` of what has this hash, the latest jobs first."""
    found = select(traces.c.job_id, traces.c.row).where(traces.c.who == who)
    return list(tx.execute(found.order_by(traces.c.job_id.desc(), traces.c.row).limit(most)))


def let_go(tx: Connection, job_id: str, most: int) -> int:
    """Forget up to about so many of a job, the first rows first; how many."""
    rows = select(traces.c.row).where(traces.c.job_id == job_id).order_by(traces.c.row).limit(most)
    numbers = list(tx.execute(rows).scalars())
    gone = delete(traces).where(traces.c.job_id == job_id, traces.c.row <= max(numbers, default=WHOLE))
    return tx.execute(gone).rowcount if numbers else 0
