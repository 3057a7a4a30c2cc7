"""What is on its way to an account, and what went there in a time, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from worker.ledger import under_way
from worker.ledger.ledger import Ledger
from worker.ledger.tables import chunks, jobs

HERE, THERE = "a/default", "b/default"


def sent(ledger: Ledger, state: str, *, account: str = HERE, at: float = 50.0, **job: Any) -> int:
    """A chunk in this state, of a job of its own."""

    def work(tx: Any) -> int:
        name = f"job{len(tx.execute(jobs.select()).all())}"
        values = {"id": name, "operation": "a.save", "account": account, "kind": "call", "key_hash": name}
        values |= {"content_hash": "", "state": "running", "created_at": 0, "give_up_at": 0}
        tx.execute(insert(jobs).values(values | job))
        part = {"job_id": name, "account": account, "n": 1, "state": state, "length": 1, "sent_at": at, "fence": 3}
        part["lease_until"] = 99.0 if state in ("claimed", "sending") else None
        return int(tx.execute(insert(chunks).values(part).returning(chunks.c.id)).scalar_one())

    return ledger.write(work)


def went(ledger: Ledger, since: float, until: float, *operations: str) -> bool:
    return ledger.read(lambda tx: under_way.rows_went(tx, HERE, since, until, operations))


def test_what_is_made_ready_sent_or_awaited_is_on_its_way(ledger: Ledger) -> None:
    expected = {(sent(ledger, state), 3) for state in under_way.ON_THE_WIRE}
    for state in ("waiting", "done", "unsure"):
        sent(ledger, state)
    for state in under_way.ON_THE_WIRE:
        sent(ledger, state, account=THERE)
        sent(ledger, state, urgent=True)
    found = ledger.read(lambda tx: under_way.to(tx, HERE))
    assert (set(found), len(found)) == (expected, 3)
    assert ledger.read(lambda tx: under_way.any_of(tx, found))


@pytest.mark.parametrize("finished_at", [None, 60.0, 49.0])
def test_rows_of_a_file_that_runs_or_ended_since_went(ledger: Ledger, finished_at: float | None) -> None:
    """A stopped one may have ended before its last request was settled."""
    sent(ledger, "done", kind="file", finished_at=finished_at)
    assert went(ledger, 50, 70)
    assert not went(ledger, 51, 70)
    assert not went(ledger, 40, 49)


def test_a_file_elsewhere_or_an_opt_out_is_no_row_that_went(ledger: Ledger) -> None:
    sent(ledger, "done", kind="file", account=THERE)
    sent(ledger, "done", kind="file", urgent=True)
    assert not went(ledger, 0, 100, "a.save")


def test_calls_count_where_their_operation_is_named(ledger: Ledger) -> None:
    sent(ledger, "done")
    assert went(ledger, 0, 100, "a.save", "a.other")
    assert not went(ledger, 0, 100, "a.other")
    assert not went(ledger, 0, 100)
    assert not went(ledger, 51, 100, "a.save")
