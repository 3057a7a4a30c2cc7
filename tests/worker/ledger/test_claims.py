"""One suite for the one claim, over every table that can be claimed."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import Table, insert, select, update

from worker.ledger import claims
from worker.ledger.ledger import Ledger
from worker.ledger.notices import notices
from worker.ledger.tables import chunks, doors, jobs, posts, tickets

JOB = {
    "id": "j1",
    "operation": "p.op",
    "account": "p/default",
    "kind": "file",
    "key_hash": "k",
    "content_hash": "c",
    "state": "planning",
    "created_at": 0,
    "give_up_at": 9e9,
}
ROWS: dict[str, tuple[Table, dict[str, Any]]] = {
    "chunks": (chunks, {"id": 1, "job_id": "j1", "account": "p/default", "n": 1, "state": "waiting", "length": 1}),
    "jobs": (jobs, JOB | {"id": "j2", "key_hash": "k2"}),
    "tickets": (tickets, {"id": "t1", "job_id": "j1", "state": "waiting", "signature": b""}),
    "notices": (notices, {"id": 1, "kind": "x", "subject": "y", "state": "waiting", "created_at": 0}),
    "doors": (doors, {"id": "p/default", "state": "closed"}),
    "posts": (posts, {"id": "sweep"}),
}


@pytest.fixture(params=sorted(ROWS))
def table(request: pytest.FixtureRequest, ledger: Ledger) -> Table:
    claimed, row = ROWS[request.param]
    ledger.write(lambda tx: tx.execute(insert(jobs).values(JOB)))
    ledger.write(lambda tx: tx.execute(insert(claimed).values(row)))
    return claimed


def take(ledger: Ledger, table: Table, owner: str = "a", lease: float = 60) -> list[Any]:
    row = ROWS[table.name][1]
    return ledger.write(lambda tx: claims.take(tx, table, owner, lease, table.c.id == row["id"]))


def test_a_second_taker_finds_nothing(ledger: Ledger, table: Table) -> None:
    first = take(ledger, table)
    assert [row.owner for row in first] == ["a"]
    assert take(ledger, table, "b") == []


def test_of_twenty_at_once_one_gets_it(ledger: Ledger, table: Table) -> None:
    won: list[Any] = []
    start = threading.Barrier(20)

    def race(name: str) -> None:
        start.wait()
        won.extend(take(ledger, table, name))

    threads = [threading.Thread(target=race, args=(str(n),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_what_is_not_due_is_not_taken(ledger: Ledger, table: Table) -> None:
    ledger.write(lambda tx: tx.execute(update(table).values(not_before=time.time() + 60)))
    assert take(ledger, table) == []


def test_a_lease_that_ended_gives_it_to_the_next_with_a_higher_fence(ledger: Ledger, table: Table) -> None:
    first = claims.of(take(ledger, table, lease=-1)[0])
    second = claims.of(take(ledger, table, "b")[0])
    assert second.fence > first.fence


def test_a_stale_fence_changes_nothing(ledger: Ledger, table: Table) -> None:
    stale = claims.of(take(ledger, table, lease=-1)[0])
    take(ledger, table, "b")
    assert not ledger.write(lambda tx: claims.release(tx, table, stale, not_before=5.0))
    row = ledger.read(lambda tx: tx.execute(select(table).where(table.c.id == stale.id)).one())
    assert (row.owner, row.not_before) == ("b", 0)


def test_what_is_released_can_be_taken_again(ledger: Ledger, table: Table) -> None:
    held = claims.of(take(ledger, table)[0])
    assert ledger.write(lambda tx: claims.release(tx, table, held))
    assert [row.owner for row in take(ledger, table, "b")] == ["b"]
