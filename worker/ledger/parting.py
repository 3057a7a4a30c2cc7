"""Parts a chunk: of some of its rows it is known what came of them, others go again in chunks of their own.

What goes again keeps the stretch of its file, and the numbers of its rows in it (`only`). One transaction writes both,
so the counts meet at every moment.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from worker import numbers
from worker.ledger import chunks, claims, planning, refusing
from worker.ledger.tables import chunks as chunks_table
from worker.ledger.tables import jobs
from worker.outcome import Outcome

STRETCH = ("job_id", "account", "offset", "length", "first_row", "lines", "checksum", "payload", "repeated")


@dataclass(frozen=True)
class Again:
    """Rows that go again, by number, a group a request: in `wait` seconds, after so many tries."""

    groups: Sequence[Sequence[int]]
    wait: float = 0.0
    tries: int = 0
    why: str | None = None

    @property
    def rows(self) -> int:
        return sum(map(len, self.groups))


def part(tx: Connection, chunk: Row[Any], came: Outcome, again: Again) -> bool:
    """Settle the chunk with what came of its other rows; False when it is in other hands."""
    held = claims.of(chunk)
    first = planning.next_number(tx, chunk.job_id)  # locks the job before the chunk, as whoever stops it does
    if not chunks.settle(tx, held, came):
        return False
    if again.rows:
        left = {"rows": chunks_table.c.rows - again.rows, "only": numbers.written(_left(chunk, again))}
        claims.change(tx, chunks_table, held, **left)
        tx.execute(insert(chunks_table), [_chunk(chunk, n, some, again) for n, some in _counted(first, again)])
        refusing.skip_added(tx, chunk.job_id, first)
    return True


def _left(chunk: Row[Any], again: Again) -> list[int]:
    """The numbers in its stretch that are not among those that go again: whoever reads it back takes no other's row."""
    gone = frozenset(itertools.chain(*again.groups))
    own = numbers.read(chunk.only) if chunk.only else range(chunk.first_row, chunk.first_row + chunk.lines)
    return [number for number in own if number not in gone]


def narrow(tx: Connection, job_id: str, why: str) -> bool:
    """From now on the rows of this job go one by one; False when that was known."""
    said = update(jobs).where(jobs.c.id == job_id, jobs.c.narrow.is_(None)).values(narrow=why)
    return tx.execute(said).rowcount == 1


def _counted(first: int, again: Again) -> list[tuple[int, Sequence[int]]]:
    return list(zip(itertools.count(first), again.groups))


def _chunk(chunk: Row[Any], n: int, some: Sequence[int], again: Again) -> dict[str, Any]:
    return {name: getattr(chunk, name) for name in STRETCH} | {
        "n": n,
        "state": "waiting",
        "rows": len(some),
        "only": numbers.written(some),
        "tries": again.tries,
        "not_before": time.time() + again.wait if again.wait else 0,
        "why": again.why,
    }
