"""What waits for a person is found, each kind once, on both databases; what is fresh or fine is not."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, insert

from worker.ledger import jobs as job_moves
from worker.ledger import troubles
from worker.ledger.ledger import Ledger
from worker.ledger.tables import chunks, doors, jobs

NOW = time.time()


def job(
    tx: Connection, name: str, *, rows: int = 100, refused: int = 0, chunk: dict[str, Any] | None = None, **more: Any
) -> None:
    values = {"id": name, "operation": "a.b", "account": "a/default", "kind": "file", "key_hash": name}
    values |= {"content_hash": "", "state": "finished", "created_at": NOW - 7200, "give_up_at": NOW}
    tx.execute(insert(jobs).values(values | {"finished_at": NOW - 60} | more))
    part = {"job_id": name, "account": "a/default", "n": 1, "state": "done", "length": 1, "rows": rows}
    tx.execute(insert(chunks).values(part | {"refused": refused, "settled_at": NOW - 60} | (chunk or {})))


def found(ledger: Ledger) -> list[tuple[str, str]]:
    return [one[:2] for one in ledger.read(lambda tx: troubles.all_of(tx, NOW, 0.1))]


def test_nothing_is_wrong_with_what_went_well(ledger: Ledger) -> None:
    ledger.write(lambda tx: job(tx, "good", refused=10))
    ledger.write(lambda tx: tx.execute(insert(doors).values(id="a/default", state="open")))
    assert found(ledger) == []


def test_too_many_refused_rows_of_the_last_file(ledger: Ledger) -> None:
    ledger.write(lambda tx: job(tx, "bad", refused=11))
    assert found(ledger) == [("rows.refused", "a.b a/default")]
    assert "11 of 100 rows of job bad" in ledger.read(lambda tx: troubles.all_of(tx, NOW, 0.1))[0].sentence
    ledger.write(lambda tx: job(tx, "better", finished_at=NOW - 30))
    assert found(ledger) == []


def test_requests_that_wait_for_a_decision_for_long(ledger: Ledger) -> None:
    ledger.write(lambda tx: job(tx, "new", state="undecided", chunk={"state": "unsure", "sent_at": NOW - 3500}))
    ledger.write(lambda tx: job(tx, "old", state="undecided", chunk={"state": "unsure", "sent_at": NOW - 3700}))
    assert found(ledger) == [("job.undecided", "old")]


def test_jobs_that_are_paused_for_long(ledger: Ledger) -> None:
    """By when they were paused, not by their age."""
    ledger.write(lambda tx: job(tx, "new", state="paused", paused_at=NOW - 3500))
    ledger.write(lambda tx: job(tx, "old", state="paused", paused_at=NOW - 3700))
    assert found(ledger) == [("job.paused", "old")]


def test_since_when_a_job_is_paused_is_kept(ledger: Ledger) -> None:
    def since() -> float | None:
        row = ledger.read(lambda tx: job_moves.get(tx, "one"))
        assert row is not None
        return None if row.paused_at is None else float(row.paused_at)

    ledger.write(lambda tx: job(tx, "one", state="running"))
    assert ledger.write(lambda tx: job_moves.pause(tx, "one", "why"))
    first = since()
    assert first is not None and first >= NOW
    assert not ledger.write(lambda tx: job_moves.pause(tx, "one", "again"))
    assert since() == first
    assert ledger.write(lambda tx: job_moves.resume(tx, "one"))
    assert since() is None


def test_poison_is_told_for_a_day(ledger: Ledger) -> None:
    refused = {"refused_by": '{"poison": 5}', "deaths": 2}
    ledger.write(lambda tx: job(tx, "new", chunk=refused))
    ledger.write(lambda tx: job(tx, "old", chunk=refused | {"settled_at": NOW - 90_000}))
    assert found(ledger) == [("chunk.poison", "new")]


def test_accounts_that_are_shut(ledger: Ledger) -> None:
    for name, state in (("a/default", "open"), ("b/default", "closed"), ("c/default", "forbidden")):
        ledger.write(lambda tx, n=name, s=state: tx.execute(insert(doors).values(id=n, state=s, why="no balance")))
    assert found(ledger) == [("account.closed", "b/default"), ("account.closed", "c/default")]
