"""What many processes do to the same rows at the same moment: nothing waits for ever, nothing is numbered twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, func, select

from tests.last_two import ACCOUNT, at_once, job_of_two, processes, settling, states
from worker.ledger import chunks, claims, jobs, orders, planning
from worker.ledger.ledger import Ledger
from worker.ledger.orders import Asked
from worker.ledger.tables import chunks as chunks_table
from worker.sources.cut import Piece

ROUNDS = 200


@pytest.fixture
def lanes(database_url: str) -> Iterator[list[Ledger]]:
    """Lanes of three processes."""
    with processes(database_url, 3) as ledgers:
        yield ledgers


@pytest.mark.timeout(300)
def test_two_lanes_settle_the_last_two_chunks_and_the_job_ends_each_time(lanes: list[Ledger]) -> None:
    for n in range(ROUNDS):
        job_id, held = job_of_two(lanes[0], n)
        at_once(lanes, *(settling(job_id, one) for one in held))
        assert states(lanes[0], job_id) == ("finished", ["done", "done"]), f"round {n}"


@pytest.mark.timeout(300)
def test_what_is_given_back_while_its_job_is_cancelled_does_not_wait_for_ever(lanes: list[Ledger]) -> None:
    for n in range(ROUNDS):
        job_id, held = job_of_two(lanes[0], n)
        at_once(
            lanes,
            lambda tx, one=held[0]: chunks.put_back(tx, one, 0),
            lambda tx, job_id=job_id: jobs.stop(tx, job_id, "cancelled", "cancelled"),
            lambda tx, one=held[1]: chunks.put_back(tx, one, 0),
        )
        assert states(lanes[0], job_id) == ("cancelled", ["done", "done"]), f"round {n}"


def test_two_who_cut_chunks_of_one_job_number_them_apart(lanes: list[Ledger]) -> None:
    job_id, _ = job_of_two(lanes[0], 0)

    def cut(tx: Connection) -> None:
        planning.plan(tx, job_id, ACCOUNT, planning.next_number(tx, job_id), [Piece(0, 1, 1, 1, 1, "")])

    for _ in range(20):
        at_once(lanes, cut, cut, cut)
    count = select(func.count(chunks_table.c.n.distinct())).where(chunks_table.c.job_id == job_id)
    assert lanes[0].read(lambda tx: tx.execute(count).scalar()) == 62


def test_a_row_comes_back_from_either_database_as_it_went_in(ledger: Ledger) -> None:
    moment = 1795386488.4457562
    secret = bytes(range(256))

    def work(tx: Connection) -> str:
        asked = Asked("p.op", ACCOUNT, "call", "ключ – key", "k", "c", options={"ü": [1, None]}, verified=False)
        job_id, _ = orders.record(tx, asked)
        held = claims.of(planning.add_call(tx, planning.Load(job_id, ACCOUNT, secret), "me", 60))
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
