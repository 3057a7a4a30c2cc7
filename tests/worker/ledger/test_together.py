"""What many processes do to the same rows at the same moment: nothing waits for ever, nothing is numbered twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from worker.ledger import chunks, claims, jobs, planning
from worker.ledger.jobs import Asked
from worker.ledger.ledger import Ledger
from worker.ledger.tables import chunks as chunks_table
from worker.outcome import accepted
from worker.sources.cut import Piece

ACCOUNT = "p/default"
ROUNDS = 200


def job_of_two(ledger: Ledger, n: int) -> tuple[str, list[claims.Claim]]:
    """A planned job whose two chunks are on the wire."""

    def work(tx: Connection) -> tuple[str, list[claims.Claim]]:
        job_id, _ = jobs.record(tx, Asked("p.op", ACCOUNT, "file", None, f"key {n}", ""))
        planning.plan(tx, job_id, ACCOUNT, 1, [Piece(n * 10, 10, n + 1, 1, 1, "") for n in range(2)])
        planned = jobs.claim_planning(tx, job_id, "me", 60)
        assert planned is not None
        jobs.planned(tx, claims.of(planned))
        return job_id, [claims.of(row) for row in chunks.claim(tx, job_id, "me", 60, most=2)]

    return ledger.write(work)


def at_once(ledger: Ledger, *works: Callable[[Connection], Any]) -> None:
    """Each in a transaction of its own, as in processes of their own. All have to end well."""
    start = threading.Barrier(len(works))
    failed: list[BaseException] = []

    def run(work: Callable[[Connection], Any]) -> None:
        start.wait()
        try:
            with ledger.begin() as tx:
                work(tx)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
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


@pytest.mark.timeout(120)
def test_two_lanes_settle_the_last_two_chunks_and_the_job_ends_each_time(ledger: Ledger) -> None:
    for n in range(ROUNDS):
        job_id, held = job_of_two(ledger, n)
        at_once(ledger, *(settling(job_id, one) for one in held))
        assert states(ledger, job_id) == ("finished", ["done", "done"]), f"round {n}"


@pytest.mark.timeout(120)
def test_what_is_given_back_while_its_job_is_cancelled_does_not_wait_for_ever(ledger: Ledger) -> None:
    for n in range(ROUNDS):
        job_id, held = job_of_two(ledger, n)
        at_once(
            ledger,
            lambda tx, one=held[0]: chunks.put_back(tx, one, 0),
            lambda tx, job_id=job_id: jobs.stop(tx, job_id, "cancelled", "cancelled"),
            lambda tx, one=held[1]: chunks.put_back(tx, one, 0),
        )
        assert states(ledger, job_id) == ("cancelled", ["done", "done"]), f"round {n}"


def test_two_who_cut_chunks_of_one_job_number_them_apart(ledger: Ledger) -> None:
    job_id, _ = job_of_two(ledger, 0)

    def cut(tx: Connection) -> None:
        planning.plan(tx, job_id, ACCOUNT, planning.next_number(tx, job_id), [Piece(0, 1, 1, 1, 1, "")])

    for _ in range(20):
        at_once(ledger, cut, cut, cut)
    count = select(func.count(chunks_table.c.n.distinct())).where(chunks_table.c.job_id == job_id)
    assert ledger.read(lambda tx: tx.execute(count).scalar()) == 62


def test_a_row_comes_back_from_either_database_as_it_went_in(ledger: Ledger) -> None:
    moment = 1795386488.4457562
    secret = bytes(range(256))

    def work(tx: Connection) -> str:
        asked = Asked("p.op", ACCOUNT, "call", "ключ – key", "k", "c", options={"ü": [1, None]}, verified=False)
        job_id, _ = jobs.record(tx, asked)
        held = planning.add_call(tx, job_id, ACCOUNT, secret, "me", 60)
        claims.change(tx, chunks_table, held, not_before=moment, offset=2**40)
        return job_id

    job_id = ledger.write(work)
    job = ledger.read(lambda tx: jobs.get(tx, job_id))
    chunk = ledger.read(lambda tx: planning.of_call(tx, job_id))
    assert job is not None
    assert (job.key, bool(job.verified), bool(job.planned)) == ("ключ – key", False, True)
    assert job.options == '{"\\u00fc": [1, null]}'
    assert (chunk.payload, chunk.not_before, chunk.offset) == (secret, moment, 2**40)
    assert (type(chunk.payload), type(chunk.not_before), chunk.answer) == (bytes, float, None)
