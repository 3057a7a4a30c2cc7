"""A job whose last two chunks are settled at the same moment, by two transactions that can't see each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, select

from worker.ledger import chunks, claims, jobs, orders, planning
from worker.ledger.ledger import Ledger
from worker.ledger.orders import Asked
from worker.ledger.tables import chunks as chunks_table
from worker.outcome import accepted
from worker.sources.cut import Piece

ACCOUNT = "p/default"


def job_of_two(ledger: Ledger, n: int) -> tuple[str, list[claims.Claim]]:
    """A planned job whose two chunks are on the wire."""

    def work(tx: Connection) -> tuple[str, list[claims.Claim]]:
        job_id, _ = orders.record(tx, Asked("p.op", ACCOUNT, "file", None, f"key {n}", ""))
        planning.plan(tx, job_id, ACCOUNT, 1, [Piece(n * 10, 10, n + 1, 1, 1, "") for n in range(2)])
        planned = jobs.claim_planning(tx, job_id, "me", 60)
        assert planned is not None
        jobs.planned(tx, claims.of(planned))
        return job_id, [claims.of(row) for row in chunks.claim(tx, job_id, "me", 60, most=2)]

    return ledger.write(work)


@contextmanager
def processes(url: str, count: int) -> Iterator[list[Ledger]]:
    """The ledger as that many processes have it open."""
    ledgers = [Ledger(url) for _ in range(count)]
    yield ledgers
    for ledger in ledgers:
        ledger.close()


def at_once(ledgers: Sequence[Ledger], *works: Callable[[Connection], Any]) -> None:
    """Each in a process of its own. All have to end well."""
    start = threading.Barrier(len(works))
    failed: list[BaseException] = []

    def run(ledger: Ledger, work: Callable[[Connection], Any]) -> None:
        start.wait()
        try:
            ledger.write(work)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(ledgers, works, strict=False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def settling(job_id: str, held: claims.Claim) -> Callable[[Connection], Any]:
    def work(tx: Connection) -> None:
        assert chunks.settle(tx, held, accepted(1))
        jobs.end_if_done(tx, job_id)

    return work


def states(ledger: Ledger, job_id: str) -> tuple[str, list[str]]:
    def look(tx: Connection) -> tuple[str, list[str]]:
        job = jobs.get(tx, job_id)
        assert job is not None
        found = select(chunks_table.c.state).where(chunks_table.c.job_id == job_id)
        return job.state, list(tx.execute(found).scalars())

    return ledger.read(look)
