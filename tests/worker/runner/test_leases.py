"""What becomes of the claims of a process that died."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from worker.housekeeping.sweeper import Sweeper
from worker.ledger import chunks as moves
from worker.ledger import claims, jobs, owners, reports
from worker.ledger.tables import chunks
from worker.outcome import accepted
from worker.processes.process import Process
from worker.runner import suspects
from worker.runner.planner import plan

Record = Callable[..., str]


@pytest.fixture
def job(imported: Record, house: Process) -> str:
    """A planned job of two chunks."""
    job_id = imported(*({"email": f"p{n}@b.co", "date": "2026-11-01 10:00:00Z", "identifier": "x"} for n in range(600)))
    plan(house, house.ledger.read(lambda tx: jobs.get(tx, job_id)), lambda: None)
    return job_id


def claim(house: Process, job: str, owner: str = "somebody") -> Any:
    return house.ledger.write(lambda tx: moves.claim(tx, job, owner, 50))[0]


def states(house: Process) -> list[tuple[str, bool]]:
    rows = house.ledger.read(lambda tx: list(tx.execute(select(chunks).order_by(chunks.c.n))))
    return [(row.state, row.suspect) for row in rows]


def sweep(house: Process) -> None:
    Sweeper(house, "test").sweep()


def test_claimed_by_a_dead_process_it_waits_again_as_a_suspect(house: Process, job: str) -> None:
    claim(house, job)
    with time_machine.travel(time.time() + 51):
        sweep(house)
    assert states(house) == [("waiting", True), ("waiting", False)]


def test_marked_by_a_dead_process_it_is_unsure(house: Process, job: str) -> None:
    row = claim(house, job)
    assert house.ledger.write(lambda tx: moves.mark(tx, claims.of(row)))
    with time_machine.travel(time.time() + 51):
        sweep(house)
    assert states(house)[0] == ("unsure", False)


def test_a_late_answer_with_the_same_fence_settles_an_unsure_chunk(house: Process, job: str) -> None:
    row = claim(house, job)
    house.ledger.write(lambda tx: moves.mark(tx, claims.of(row)))
    with time_machine.travel(time.time() + 51):
        sweep(house)
    assert house.ledger.write(lambda tx: moves.settle(tx, claims.of(row), accepted(500)))
    assert states(house)[0] == ("done", False)


def test_a_decided_chunk_is_not_settled_by_a_late_answer(house: Process, job: str) -> None:
    from worker.ledger import decisions

    row = claim(house, job)
    house.ledger.write(lambda tx: moves.mark(tx, claims.of(row)))
    with time_machine.travel(time.time() + 51):
        sweep(house)
    house.ledger.write(lambda tx: decisions.decide(tx, job, "drop", "me"))
    assert not house.ledger.write(lambda tx: moves.settle(tx, claims.of(row), accepted(500)))


def test_a_lease_that_runs_is_left_alone(house: Process, job: str) -> None:
    claim(house, job)
    sweep(house)
    assert states(house)[0] == ("claimed", False)


def test_a_process_of_this_machine_that_is_gone_loses_its_claims_at_once(house: Process, job: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    owner = f"{owners.machine()}:{gone.pid}:{owners.started(gone.pid)}/1"
    gone.wait()
    claim(house, job, owner)
    sweep(house)
    assert states(house)[0] == ("waiting", True)


def test_a_recycled_pid_is_not_the_owner(house: Process) -> None:
    assert owners.dead(f"{owners.machine()}:{os.getpid()}:1/1")
    assert not owners.dead(f"{owners.me()}/1")
    assert not owners.dead(f"elsewhere/0/0:{os.getpid()}:1/1")


def test_suspects_run_alone_and_innocent_ones_are_delivered(
    house: Process, job: str, played: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(house, job)
    with time_machine.travel(time.time() + 51):
        sweep(house)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    suspects.run(house, house.ledger.read(lambda tx: jobs.get(tx, job)))
    assert states(house) == [("done", True), ("waiting", False)]
    assert played.counts()["distinct"] == 500


def test_a_suspect_that_kills_its_child_twice_is_poison_and_named(
    house: Process, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = "import os\nfrom worker.checking import check\ncheck.check_lines = lambda *_: os.kill(os.getpid(), 9)\n"
    (tmp_path / "sitecustomize.py").write_text(deadly)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).resolve().parents[3]}")
    house.ledger.write(lambda tx: tx.execute(update(chunks).where(chunks.c.n == 1).values(suspect=True)))
    suspects.run(house, house.ledger.read(lambda tx: jobs.get(tx, job)))
    report = house.ledger.read(lambda tx: reports.of(tx, job))
    assert report is not None
    assert report["refused_by"] == {"poison": 500}
    named = house.ledger.read(lambda tx: reports.refused_rows(tx, job))
    assert [(row.row, row.last, row.code) for row in named] == [(1, 500, "poison")]


def test_what_is_not_through_in_time_is_refused_as_never_sent(house: Process, job: str) -> None:
    with time_machine.travel(time.time() + 86_401):
        sweep(house)
    report = house.ledger.read(lambda tx: reports.of(tx, job))
    assert report is not None
    assert (report["state"], report["refused_by"]) == ("finished", {"gave_up": 600})


def test_a_job_whose_last_lane_died_before_ending_it_is_ended(house: Process, job: str) -> None:
    for _ in range(2):
        row = claim(house, job)
        house.ledger.write(lambda tx, row=row: moves.settle(tx, claims.of(row), accepted(row.rows)))
    sweep(house)
    report = house.ledger.read(lambda tx: reports.of(tx, job))
    assert report is not None
    assert report["state"] == "finished"


def test_work_that_nobody_moves_is_woken_again_after_a_while(house: Process, job: str, woken: list[str]) -> None:
    with time_machine.travel(time.time() + 6) as clock:
        sweep(house)
        sweep(house)
        assert woken == [job, job]
        clock.shift(6)
        sweep(house)
    assert woken == [job] * 4
