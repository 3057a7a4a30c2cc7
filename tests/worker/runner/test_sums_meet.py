"""Sums that meet, and jobs that end, at corners where several things come together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, update

from sandbox.server import Sandbox
from tests.worker.runner.conftest import event, report
from tests.worker.runner.test_awaited import all_chunks, at_once, contact, put, step, to_the_end
from worker.housekeeping import sweeper
from worker.ledger import chunks, claims, decisions, guarding, jobs, refusing
from worker.ledger.tables import chunks as chunks_table
from worker.ledger.tables import jobs as jobs_table
from worker.orders import replay
from worker.orders.replayable import NothingToReplay
from worker.outcome import Refusal
from worker.processes import process as process_module
from worker.processes.process import Process
from worker.runner import awaited, books, files, lane, planner, suspects
from worker.runner.planner import plan
from worker.runner.threshold import Threshold
from worker.settings import settings
from worker.sources.refused import SourceAway

__all__ = ["at_once", "put", "step", "to_the_end"]
Imported = Callable[..., str]
LONG_AGO = 1.0


def job_of(house: Process, job: str) -> Any:
    return house.ledger.read(lambda tx: jobs.get(tx, job))


def meets(found: dict[str, Any]) -> bool:
    rows = found["rows"]
    parts = ("accepted", "refused", "unsure", "skipped", "pending")
    return bool(rows["total"] == sum(rows[part] for part in parts))


def due_now(house: Process, **of_job: Any) -> None:
    """Nothing waits for a moment, nobody holds anything."""

    def work(tx: Connection) -> None:
        tx.execute(update(chunks_table).values(not_before=0, lease_until=None))
        tx.execute(update(jobs_table).values(not_before=0, lease_until=None, wake_at=0, **of_job))

    house.ledger.write(work)


def away(*_: Any) -> Any:
    raise SourceAway("The bucket can't be reached.")


def marked(house: Process, job: str) -> Any:
    """The job's chunk, marked, with one row refused and two left behind."""
    plan(house, job_of(house, job), lambda: None)

    def work(tx: Connection) -> Any:
        held = chunks.claim(tx, job, "somebody", 60)[0]
        assert chunks.mark(tx, claims.of(held), [Refusal(1, "a.b", "No.")], {"opted_out": 2})
        return held

    return house.ledger.write(work)


@pytest.mark.parametrize("how", ["cancelled", "given up"])
def test_what_was_not_taken_is_counted_anew(put: Any, step: Any, house: Process, played: Sandbox, how: str) -> None:
    played.fault("reset", times=1)
    job = put(*(contact(n) for n in range(4)), contact(9, status="what"))
    step(job)
    while all_chunks(house, job)[0].state != "waiting":
        due_now(house)
        awaited.run(house, job_of(house, job))
    if how == "cancelled":
        house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    else:
        due_now(house, give_up_at=LONG_AGO)
        house.ledger.write(lambda tx: refusing.give_up(tx, time.time(), books.GAVE_UP))
    found = report(house, job)
    assert (meets(found), found["rows"]["pending"]) == (True, 0)


def test_the_last_try_of_a_marked_chunk_refuses_each_row_once(imported: Imported, house: Process) -> None:
    job = imported(*(event(n) for n in range(10)))
    held = marked(house, job)
    house.ledger.write(lambda tx: books._try_again(tx, job, held._replace(tries=5), "down", None))
    found = report(house, job)
    assert (meets(found), found["rows"]["refused"], found["rows"]["skipped"]) == (True, 10, 0)


def test_a_replay_takes_only_the_rows_of_a_parted_chunk_that_were_refused(
    put: Any, to_the_end: Any, house: Process, played: Sandbox
) -> None:
    slow = {f"c{n}@shop.example.com": [503] for n in range(2, 7)}
    played.play("omnisend", seconds=0, answers={"c1@shop.example.com": [409], **slow})
    job = put(*(contact(n) for n in range(1, 7)))
    assert meets(to_the_end(job))
    played.play("omnisend", seconds=0, answers={})
    child = replay.same_rows(house, job, ())
    found = to_the_end(child.job.id)
    assert (child.rows, found["rows"]["total"], found["rows"]["accepted"], meets(found)) == (1, 1, 1, True)


def test_a_mistake_after_the_mark_sends_nothing_twice(
    imported: Imported, house: Process, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of a suspect is lost, and its loss can't be booked: it is unsure, not due again."""
    job = imported(*(event(n) for n in range(10)))
    plan(house, job_of(house, job), lambda: None)
    house.ledger.write(lambda tx: tx.execute(update(chunks_table).values(suspect=True)))
    played.fault("cut", times=1)

    def stumbles(*_: Any) -> None:
        raise RuntimeError("the ledger was away")

    with monkeypatch.context() as then:
        then.setattr(Threshold, "book_failure", stumbles)
        then.setattr(process_module, "process", lambda: Process(settings()))
        taken = suspects._with_ledger(lambda tx: suspects._claim(tx, job))
        assert suspects._survives(job, *taken)
    assert (all_chunks(house, job)[0].state, played.counts()["requests"]) == ("unsure", 1)


def test_rows_whose_file_can_not_be_reached_wait(
    imported: Imported, house: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = imported(*(event(n) for n in range(10)))
    monkeypatch.setattr(lane, "prepare", away)
    for _ in range(books.TRIES + 2):
        due_now(house)
        files.move(house, job_of(house, job))
    assert report(house, job)["rows"]["pending"] == 10


def test_a_file_that_never_comes_back_ends_its_job_in_time(
    imported: Imported, house: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = imported(event(1))
    monkeypatch.setattr(planner, "_opened", away)
    files.move(house, job_of(house, job))
    assert (job_of(house, job).state, job_of(house, job).why) == ("planning", "The bucket can't be reached.")
    due_now(house, give_up_at=LONG_AGO)
    files.move(house, job_of(house, job))
    assert job_of(house, job).state == "failed"


def test_rows_that_are_awaited_by_an_account_that_is_gone_are_left_to_a_person(
    put: Any, step: Any, house: Process, played: Sandbox
) -> None:
    played.play("omnisend", seconds=1000)
    job = put(*(contact(n) for n in range(10)))
    step(job)
    house.ledger.write(lambda tx: tx.execute(update(jobs_table).values(account="omnisend/gone")))
    due_now(house, give_up_at=LONG_AGO)
    awaited.run(house, job_of(house, job))
    sweeper.Sweeper(house, "test").sweep()
    assert (job_of(house, job).state, report(house, job)["rows"]["unsure"]) == ("undecided", 10)


def test_a_job_that_is_still_being_planned_is_guarded_too(imported: Imported, house: Process) -> None:
    rows: list[Any] = [b"{broken" for _ in range(1000)]
    job = imported(*rows, options={"max_refused": "20%"})
    plan(house, job_of(house, job), lambda: None)
    house.ledger.write(lambda tx: tx.execute(update(jobs_table).values(planned=False, state="planning")))
    done = {"state": "done", "refused": chunks_table.c.rows}
    house.ledger.write(lambda tx: tx.execute(update(chunks_table).values(**done)))
    house.ledger.write(lambda tx: guarding.look(tx, job, 0.2))
    assert job_of(house, job).state == "paused"


def test_a_planner_that_lost_its_job_leaves_it_to_its_successor(imported: Imported, house: Process) -> None:
    job = imported(event(1))
    stale = house.ledger.write(lambda tx: jobs.claim_planning(tx, job, "first", -1))
    house.ledger.write(lambda tx: jobs.claim_planning(tx, job, "second", 60))
    assert not house.ledger.write(lambda tx: jobs.planned(tx, claims.of(stale)))
    assert (job_of(house, job).state, job_of(house, job).planned) == ("planning", False)


def test_what_somebody_gave_up_is_replayed_by_its_own_name_alone(imported: Imported, house: Process) -> None:
    job = imported(*(event(n) for n in range(3)))
    held = marked(house, job)
    house.ledger.write(lambda tx: chunks.lose(tx, claims.of(held), "lost"))
    house.ledger.write(lambda tx: decisions.decide(tx, job, "drop", "anna"))
    with pytest.raises(NothingToReplay):
        replay.same_rows(house, job, ("skipped",))
