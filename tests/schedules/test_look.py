"""Each slot runs once, or is recorded missed with the reason, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select, update

from schedules.look import look, look_at, note
from schedules.schedule import Schedule
from schedules.start import start
from tests.schedules.conftest import call, file, finish, history, states
from worker.ledger import alarms, jobs, schedules, slots
from worker.ledger.tables import jobs as jobs_table
from worker.processes.process import Process
from worker.settings import settings

After = Callable[..., list[str]]
Clock = time_machine.Traveller


def alarmed(own: Process) -> list[str]:
    return [row.kind for row in own.ledger.read(alarms.raised)]


def test_a_schedule_counts_from_when_it_was_first_seen(own: Process, after: After) -> None:
    assert after(call()) == []
    assert after(call(), 30) == ["started"]
    assert after(call(), 59) == ["started"]
    assert after(call(), 1) == ["started", "started"]
    assert [row.slot % 60 for row in history(own, call())] == [0, 0]


def test_a_slot_is_its_jobs_key(own: Process, after: After) -> None:
    after(call())
    after(call(), 30)
    row = history(own, call())[0]
    job = own.ledger.read(lambda tx: jobs.get(tx, row.job_id))
    assert job is not None
    assert job.key == "schedule:minutely:2026-11-26T12:01:00Z"


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ("skip", {"late": 103, "started": 1}),
        ("once", {"stood_in": 103, "started": 1}),
        ("each", {"started": 104}),
    ],
)
def test_after_an_outage_of_26_hours(own: Process, after: After, late: str, expected: dict[str, int]) -> None:
    """Of a schedule for every quarter of an hour; the last slot is within the grace."""
    one = call(cron="*/15 * * * *", late=late)
    after(one)
    after(one, 26 * 3600)
    while "due" in states(own, one):
        after(one)
    found = states(own, one)
    assert {name: found.count(name) for name in set(found)} == expected


def test_after_an_outage_a_nightly_one_runs_the_youngest_alone(own: Process, after: After) -> None:
    one = call("nightly", "0 2 * * *")
    after(one)
    assert after(one, 3 * 86400) == ["stood_in", "stood_in", "started"]
    assert after(one, 86400 - 12 * 3600) == ["stood_in", "stood_in", "started"]


def test_a_late_one_is_alarmed_until_one_runs_again(own: Process, after: After) -> None:
    one = call(late="skip", grace=0)
    after(one)
    assert after(one, 80) == ["late"]
    assert alarmed(own) == ["slot.missed"]
    assert after(one, 10)[-1] == "started"
    assert alarmed(own) == []


def test_a_slot_waits_for_the_job_before_it(own: Process, after: After) -> None:
    one = call()
    after(one)
    after(one, 30)
    assert after(one, 60, ended=False) == ["started", "due"]
    assert after(one, 5, ended=False) == ["started", "due"]
    assert after(one) == ["started", "started"]


def test_or_is_skipped(own: Process, after: After) -> None:
    one = call(overlap="skip")
    after(one)
    after(one, 30)
    assert after(one, 60, ended=False) == ["started", "overlap"]


def test_a_job_that_waits_for_a_decision_keeps_nobody_waiting(own: Process, after: After) -> None:
    one = call()
    after(one)
    after(one, 30)
    own.ledger.write(lambda tx: tx.execute(update(jobs_table).values(state="undecided")))
    assert after(one, 60, ended=False) == ["started", "started"]


def test_what_is_paused_is_missed_without_an_alarm(own: Process, after: After) -> None:
    one = call()
    after(one)
    own.ledger.write(lambda tx: schedules.pause(tx, one.name, "anna"))
    assert after(one, 90) == ["paused", "paused"]
    assert history(own, one)[0].why == "The schedule was paused by anna."
    own.ledger.write(lambda tx: schedules.resume(tx, one.name))
    assert after(one, 60) == ["paused", "paused", "started"]
    assert alarmed(own) == []


def test_another_rule_counts_from_when_it_was_seen_and_what_lies_before_is_missed(own: Process, after: After) -> None:
    """Of the hour before, what is within the grace runs."""
    one = call(cron="*/10 * * * *", late="each")
    after(call(cron="0 0 1 1 *"))
    assert after(one, 3600) == ["rule_changed"] * 5 + ["started"]
    assert alarmed(own) == []  # it was raised, and one has run since
    assert history(own, one)[0].why == "Its rule was another then, or the schedule was away."
    assert after(one, 600) == ["rule_changed"] * 5 + ["started"] * 2


def test_what_the_rule_before_had_is_missed_too(own: Process, after: After) -> None:
    after(call(cron="*/10 * * * *"))
    assert after(call(cron="0 0 1 1 *"), 3600) == ["rule_changed"] * 6
    assert alarmed(own) == ["slot.missed"]


def test_one_that_nobody_declared_for_a_while_has_missed_what_is_late(own: Process, clock: Clock) -> None:
    one = call(cron="*/10 * * * *", late="each", grace=0)
    look(own, [one])
    look(own, [])
    clock.shift(3600)
    look(own, [one])
    assert states(own, one) == ["rule_changed"] * 6
    assert alarmed(own) == ["slot.missed"]
    clock.shift(570)
    look(own, [one])
    assert states(own, one)[6:] == ["started"]


@pytest.mark.parametrize("other", [[], [call(cron="*/2 * * * *")]])
def test_two_processes_whose_schedules_differ_lose_no_slot(own: Process, clock: Clock, other: list[Schedule]) -> None:
    one = call()
    look(own, [one])
    for turn in range(24):
        clock.shift(5)
        finish(own, one)
        look(own, other if turn % 2 else [one])
    found = states(own, one)
    assert len(found) == 2
    assert set(found) <= {"started", "due", "rule_changed"}
    assert other or found == ["started"] * 2


def test_what_was_due_of_one_that_was_removed_is_missed_after_a_while(own: Process, clock: Clock) -> None:
    one = file(cron="0 13 * * *", wait=7200)
    look(own, [one])
    clock.shift(3600)
    look(own, [one])
    clock.shift(300)
    look(own, [])
    assert states(own, one) == ["due"]
    clock.shift(400)
    look(own, [])
    assert (states(own, one), alarmed(own)) == (["removed"], ["slot.missed"])
    clock.shift(86400)
    look(own, [])
    assert alarmed(own) == []


def test_a_file_is_waited_for_until_it_has_stopped_growing(own: Process, after: After, tmp_path: Path) -> None:
    one = file(cron="0 13 * * *", source="rows-{date:%Y-%m-%d}.ndjson", wait=600)
    after(one)
    assert after(one, 3570) == ["due"]
    path = tmp_path / "rows-2026-11-26.ndjson"
    path.write_text("{}\n")
    assert after(one, 5) == ["due"]
    path.write_text("{}\n{}\n")
    assert after(one, 5) == ["due"]
    assert after(one, 4) == ["due"]
    assert after(one, 1) == ["started"]
    job = own.ledger.read(lambda tx: tx.execute(select(jobs_table)).one())
    assert job.source == str(path)


def test_the_date_is_the_slots_own_in_its_time_zone(own: Process, after: After, tmp_path: Path) -> None:
    """Noon in London is the next day in Kiritimati; looked at a day late, it is still that day."""
    (tmp_path / "rows-2026-11-27.ndjson").write_text("{}\n")
    one = file(cron="1 2 * * *", time_zone="Pacific/Kiritimati", source="rows-{date:%Y-%m-%d}.ndjson")
    after(one)
    assert after(one, 80000) == ["started"]


def test_a_file_that_does_not_come_is_missed(own: Process, after: After) -> None:
    one = file(cron="0 13 * * *", wait=600)
    after(one)
    assert after(one, 3570) == ["due"]
    assert after(one, 601) == ["no_file"]
    assert "does not exist" in history(own, one)[0].why
    assert alarmed(own) == ["slot.missed"]


def test_one_that_grows_too_long_is_missed(own: Process, after: After, tmp_path: Path) -> None:
    one = file(cron="0 13 * * *", wait=20)
    path = tmp_path / "rows.ndjson"
    after(one)
    clock = 3570
    for rows in range(1, 7):
        path.write_text("{}\n" * rows)
        found = after(one, clock)
        clock = 5
    assert found == ["growing"]


def test_a_file_of_another_size_pauses_its_job(own: Process, after: After, tmp_path: Path) -> None:
    one = file(size_within=30)
    path = tmp_path / "rows.ndjson"
    for rows, kept in ((100, True), (120, True), (60, False), (120, True)):
        path.write_text("{}\n" * rows)
        after(one, 60)
        last = own.ledger.read(lambda tx: slots.newest(tx, one.name, 1))
        if last:
            assert (last[0].job_state == "planning") is kept
            own.ledger.write(lambda tx, kept=kept: kept and tx.execute(update(jobs_table).values(state="finished")))
    assert "180 bytes and the last one had 360" in history(own, one)[-2].why


def test_a_schedule_whose_call_is_refused_is_missed_with_the_reasons(own: Process, after: After) -> None:
    one = Schedule("minutely", "* * * * *", "omnisense.record_user_event", payload={"email": 5})
    after(one)
    assert after(one, 30) == ["refused"]
    assert "email" in history(own, one)[0].why


def test_a_person_may_run_what_was_missed_and_nothing_twice(own: Process, after: After) -> None:
    one = call(late="skip", grace=0)
    after(one)
    after(one, 80)
    missed = history(own, one)[0]
    for _ in range(2):
        asked = own.ledger.write(lambda tx: slots.ask(tx, one.name, missed.slot, "anna"))
        start(own, one, asked.id)
    assert states(own, one) == ["started"]
    assert history(own, one)[0].asked_by == "anna"


def test_many_lookers_at_once_start_each_slot_once(own: Process, clock: Clock) -> None:
    others = [Process(settings()) for _ in range(4)]
    for number, other in enumerate(others):
        other.owner = f"somebody:{number}"
    one = call()
    note(own, one)
    for _ in range(5):
        clock.shift(60)
        finish(own, one)
        threads = [threading.Thread(target=look_at, args=(other, one)) for other in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert states(own, one) == ["started"] * 5
    assert len(own.ledger.read(lambda tx: tx.execute(select(jobs_table.c.id)).all())) == 5
    for other in others:
        other.ledger.close()
