"""What is done again and again costs the same however many chunks wait: counted in steps of SQLite's own machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from worker.ledger import agenda, chunks, givings, jobs, orders, outlook, parting, planning, replays
from worker.ledger.ledger import Ledger
from worker.ledger.migrate import migrate
from worker.ledger.orders import Asked
from worker.ledger.parting import Again
from worker.outcome import accepted
from worker.sources.piece import Piece

FEW, MANY = 300, 6000
STEPS = 100  # counted in hundreds


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    migrate(url)
    ledger = Ledger(url)
    yield ledger
    ledger.close()


def _recorded(tx: Connection, waiting: int) -> str:
    asked = Asked("p.import", "p/default", "file", None, f"key{waiting}", "c", source="/in/x.ndjson", planned=True)
    job_id, _ = orders.record(tx, asked)
    pieces = [Piece(n * 100, 100 + n % 7, n * 5 + 1, 5, 5, "") for n in range(waiting)]
    planning.plan(tx, job_id, "p/default", 1, pieces)
    jobs.look_at(tx, job_id)
    return job_id


def _part(tx: Connection, job_id: str) -> None:
    chunk = chunks.claim(tx, job_id, "me", 60)[0]
    again = Again([[chunk.first_row], [chunk.first_row + 1]])
    assert parting.part(tx, chunk, accepted(3), again)


DONE: dict[str, Callable[[Connection, str], Any]] = {
    "the next": lambda tx, job: chunks.claim(tx, job, "me", 60, most=4),
    "a small one, to probe with": lambda tx, job: chunks.claim(tx, job, "me", 60, smallest=True),
    "suspects": lambda tx, job: chunks.claim(tx, job, "me", 60, suspect=True),
    "any suspects": outlook.any_suspects,
    "any that wait": outlook.any_waiting,
    "rows that go again": _part,
    "what is due next": lambda tx, _job: agenda.next_due(tx, 1e9),
    "whom to wake": lambda tx, _job: agenda.to_wake(tx, 2e9, 5.0),
    "an account is back": lambda tx, _job: agenda.bring_forward(tx, "p/default"),
}


def _given_again(tx: Connection, job_id: str) -> str:
    """A replay that has all rows of the job, which was cancelled."""
    jobs.stop(tx, job_id, "cancelled", "cancelled")
    words: dict[str, Any] = {"source": "/in/x.ndjson", "replay_of": job_id, "rows_of": job_id}
    later, _ = orders.record(tx, Asked("p.import", "p/default", "file", None, f"again {job_id}", "c", **words))
    givings.begin(tx, later, job_id, {("cancelled", False)})
    while givings.give_some(tx, later, 250):
        pass
    return later


def _first_page(tx: Connection, later: str) -> None:
    job = jobs.get(tx, later)
    assert job is not None
    page = replays.given_chunks(tx, job, 0, 50)
    assert [codes for _, codes in page] == [{"cancelled"}] * 50


def test_a_page_of_a_replay_costs_the_same_however_many_rows_it_was_given(migrated: Ledger) -> None:
    counted = []
    for waiting in (FEW, MANY):
        job_id = migrated.write(lambda tx, waiting=waiting: _recorded(tx, waiting))  # type: ignore[misc]
        later = migrated.write(lambda tx, job_id=job_id: _given_again(tx, job_id))  # type: ignore[misc]
        counted.append(_steps(migrated, lambda tx, later=later: _first_page(tx, later)))  # type: ignore[misc]
    assert counted[1] <= 2 * counted[0] + 10, counted


def _steps(ledger: Ledger, work: Callable[[Connection], Any]) -> int:
    counted = [0]

    def step() -> int:
        counted[0] += 1
        return 0

    def watched(tx: Connection) -> None:
        own: Any = tx.connection.driver_connection
        own.set_progress_handler(step, STEPS)
        try:
            work(tx)
        finally:
            own.set_progress_handler(None, 0)

    ledger.write(watched)
    return counted[0]


@pytest.mark.parametrize("what", DONE)
def test_it_costs_the_same_however_many_chunks_wait(migrated: Ledger, what: str) -> None:
    counted = []
    for waiting in (FEW, MANY):
        job_id = migrated.write(lambda tx, waiting=waiting: _recorded(tx, waiting))  # type: ignore[misc]
        counted.append(_steps(migrated, lambda tx, job_id=job_id: DONE[what](tx, job_id)))  # type: ignore[misc]
        migrated.write(lambda tx, job_id=job_id: jobs.pause(tx, job_id, "it was looked at"))  # type: ignore[misc]
    assert counted[1] <= 2 * counted[0] + 10, counted
