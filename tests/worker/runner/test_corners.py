"""Corners where a row could be lost, sent twice or left waiting: each was found by breaking it once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from sandbox.server import Sandbox
from worker import notices, platforms
from worker.housekeeping.sweeper import Sweeper
from worker.ledger import chunks as moves
from worker.ledger import claims, decisions, doors, jobs, planning, posts, refusing, reports, tickets
from worker.ledger.decisions import JobEnded
from worker.ledger.notices import announce
from worker.ledger.tables import chunks
from worker.notices import Notice
from worker.orders import intake
from worker.orders.order import read_order
from worker.outcome import Refusal, accepted, refused
from worker.processes.process import Process
from worker.runner import suspects
from worker.runner.lane import Lane
from worker.runner.planner import plan
from worker.runner.results import Refused
from worker.runner.slots import Slots

Report = dict[str, Any]
Record = Callable[..., str]
Move = Callable[[str], Report]
CALL = "omnisense.record_user_event"
EVENT = {"email": "p@b.co", "date": "2026-11-01 10:00:00Z", "identifier": "x"}


def many(count: int) -> list[dict[str, Any]]:
    return [EVENT | {"segments": {"n": n}} for n in range(count)]


def job_of(house: Process, job_id: str) -> Any:
    return house.ledger.read(lambda tx: jobs.get(tx, job_id))


def report_of(house: Process, job_id: str) -> Report:
    found = house.ledger.read(lambda tx: reports.of(tx, job_id))
    assert found is not None
    return found


def rows_of(house: Process, job_id: str) -> list[Any]:
    wanted = select(chunks).where(chunks.c.job_id == job_id).order_by(chunks.c.n)
    return house.ledger.read(lambda tx: list(tx.execute(wanted)))


def claim(house: Process, job_id: str) -> Any:
    return house.ledger.write(lambda tx: moves.claim(tx, job_id, "somebody", 50))[0]


@pytest.fixture
def planned(imported: Record, house: Process) -> Callable[[int], str]:
    def make(count: int) -> str:
        job_id = imported(*many(count))
        plan(house, job_of(house, job_id), lambda: None)
        return job_id

    return make


@pytest.mark.parametrize(
    "then", [[{"task": "x", "queue": "q", "kwargs": None}], [{"task": 5, "queue": "q"}], [{"task": "x"}], ["x"], [{}]]
)
def test_a_then_that_could_not_be_sent_is_refused_at_the_door(imported: Record, then: Any) -> None:
    with pytest.raises(Refused, match=r"then\.invalid"):
        imported(EVENT, then=then)


@pytest.mark.parametrize("key", ["", "a\0b", "\ud800", 5, "line\nbreak"])
def test_a_key_that_no_database_takes_is_refused(imported: Record, key: Any) -> None:
    with pytest.raises(Refused, match=r"key\.invalid"):
        imported(EVENT, key=key)


def test_a_half_surrogate_in_a_payload_is_refused_and_not_an_accident(house: Process) -> None:
    payload = {"email": "a@b.co", "user_event": {"identifier": "\ud800"}}
    order = read_order(platforms.operation(CALL), {"payload": payload})
    job = intake.put(house, order)
    from worker.runner import call

    call.move(house, job)
    assert report_of(house, job.id)["refused_by"] == {"row.surrogate": 1}


def test_a_follower_that_stumbles_stops_neither_the_others_nor_the_sweeper(
    house: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def stumbles(_process: Process, _notice: Notice) -> bool:
        raise ValueError("no")

    monkeypatch.setitem(notices._followers, "test.bad", [stumbles])
    monkeypatch.setitem(notices._followers, "test.good", [lambda _process, one: told.append(one.subject) or True])
    house.ledger.write(lambda tx: (announce(tx, "test.bad", "a"), announce(tx, "test.good", "b")))
    notices.hand_out(house)
    assert told == ["b"]


def test_unsure_sent_again_by_rule_goes_on_from_undecided(
    imported: Record, move: Move, house: Process, played: Sandbox
) -> None:
    played.fault("cut", times=1)
    job = imported(*many(3), options={"on_unsure": "again"})
    assert move(job)["state"] == "undecided"
    Sweeper(house, "test").sweep()
    report = move(job)
    assert (report["state"], report["rows"]["accepted"], report["rows"]["repeated"]) == ("finished", 3, 3)


def test_a_suspect_is_the_probe_of_a_closed_door_when_it_is_due(
    planned: Callable[[int], str], house: Process, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = planned(3)
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(suspect=True)))
    house.ledger.write(lambda tx: doors.ensure(tx, "omnisense/default"))
    house.ledger.write(lambda tx: doors.put(tx, "omnisense/default", state="closed", not_before=1.0))
    taken = house.ledger.write(lambda tx: suspects._claim(tx, job))
    assert taken is not None
    chunk, probe = taken
    assert probe is not None
    Lane(house, job_of(house, job), 0, lambda _share: None, probe).carry_one(chunk)
    assert report_of(house, job)["rows"]["accepted"] == 3
    door = house.ledger.read(lambda tx: doors.get(tx, "omnisense/default"))
    assert door is not None
    assert door.state == "open"


def test_a_suspect_that_is_not_due_takes_no_probe(planned: Callable[[int], str], house: Process) -> None:
    job = planned(3)
    later = time.time() + 60
    house.ledger.write(lambda tx: tx.execute(update(chunks).values(suspect=True, not_before=later)))
    house.ledger.write(lambda tx: doors.ensure(tx, "omnisense/default"))
    house.ledger.write(lambda tx: doors.put(tx, "omnisense/default", state="closed", not_before=1.0))
    assert house.ledger.write(lambda tx: suspects._claim(tx, job)) is None
    door = house.ledger.read(lambda tx: doors.get(tx, "omnisense/default"))
    assert door is not None
    assert door.state == "closed"


def test_a_probe_that_finds_nothing_to_send_is_given_back(
    imported: Record, move: Move, house: Process, played: Sandbox
) -> None:
    job = imported(b"[]", b"nonsense")
    house.ledger.write(lambda tx: doors.ensure(tx, "omnisense/default"))
    house.ledger.write(lambda tx: doors.put(tx, "omnisense/default", state="closed", not_before=1.0))
    assert move(job)["state"] == "finished"
    door = house.ledger.read(lambda tx: doors.get(tx, "omnisense/default"))
    assert door is not None
    assert (door.state, door.owner) == ("closed", None)


def test_refusing_a_chunk_that_has_moved_on_changes_nothing(planned: Callable[[int], str], house: Process) -> None:
    job = planned(5)
    stale = claim(house, job)
    assert house.ledger.write(lambda tx: moves.settle(tx, claims.of(stale), accepted(5)))
    assert not house.ledger.write(lambda tx: refusing.refuse_whole(tx, stale, Refusal(1, "gave_up", "late")))
    rows = report_of(house, job)["rows"]
    assert (rows["accepted"], rows["refused"]) == (5, 0)


def test_a_stale_holder_cuts_nothing_in_two(planned: Callable[[int], str], house: Process) -> None:
    job = planned(6)
    stale = claim(house, job)
    house.ledger.write(lambda tx: moves.put_back(tx, claims.of(stale), 0))
    claim(house, job)
    assert not house.ledger.write(lambda tx: planning.shrink(tx, stale, stale))


def test_the_lease_starts_anew_at_the_mark(planned: Callable[[int], str], house: Process) -> None:
    job = planned(1)
    row = claim(house, job)
    with time_machine.travel(time.time() + 45):
        assert house.ledger.write(lambda tx: moves.mark(tx, claims.of(row), lease=50))
        Sweeper(house, "test").sweep()
    with time_machine.travel(time.time() + 80):
        Sweeper(house, "test").sweep()
    assert rows_of(house, job)[0].state == "sending"


def test_a_cancelled_job_can_be_settled_but_not_sent(
    imported: Record, move: Move, house: Process, played: Sandbox
) -> None:
    played.fault("cut", times=1)
    job = imported(*many(3))
    move(job)
    house.ledger.write(lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"))
    with pytest.raises(JobEnded, match="--was-sent or --drop"):
        house.ledger.write(lambda tx: decisions.decide(tx, job, "send", "me"))
    assert house.ledger.write(lambda tx: decisions.decide(tx, job, "drop", "me")) == 1
    assert report_of(house, job)["rows"]["pending"] == 0


def test_after_a_person_said_send_a_second_loss_can_still_be_settled_by_a_late_answer(
    imported: Record, move: Move, house: Process, played: Sandbox
) -> None:
    played.fault("cut", times=2)
    job = imported(*many(3))
    move(job)
    house.ledger.write(lambda tx: decisions.decide(tx, job, "send", "me"))
    move(job)
    row = rows_of(house, job)[0]
    assert row.state == "unsure"
    assert house.ledger.write(lambda tx: moves.settle(tx, claims.of(row), accepted(3)))


def test_asked_to_leave_before_the_mark_it_sends_nothing(
    planned: Callable[[int], str], house: Process, played: Sandbox
) -> None:
    job = planned(3)
    row = claim(house, job)
    house.stopping.set()
    Lane(house, job_of(house, job), 0, lambda _share: None).carry_one(row)
    assert (rows_of(house, job)[0].state, played.counts()["requests"]) == ("waiting", 0)


def test_one_row_with_three_reasons_is_refused_once() -> None:
    reasons = [Refusal(1, code, "no") for code in ("a", "b", "c")]
    assert refused(1, reasons).refused_by == {"a": 1}
    assert refused(4, reasons[:2]).refused_by == {"a": 1, "b": 3}


def test_a_wrong_secret_key_makes_a_call_wait_and_counts_no_try(house: Process) -> None:
    from cryptography.fernet import Fernet

    from worker.runner import call
    from worker.seal import Seal

    payload = {"email": "a@b.co", "user_event": {"identifier": "x"}}
    job = intake.put(house, read_order(platforms.operation(CALL), {"payload": payload}))
    house.seal = Seal(Fernet.generate_key().decode())
    call.move(house, job)
    (row,) = rows_of(house, job.id)
    assert (row.state, row.tries) == ("waiting", 0)


def test_two_copies_of_a_message_open_one_ticket(house: Process) -> None:
    payload = {"email": "a@b.co", "user_event": {"identifier": "x"}}
    job = intake.put(house, read_order(platforms.operation(CALL), {"payload": payload}))
    first = house.ledger.write(lambda tx: tickets.open_held(tx, "t", job.id, b"", "a", 50))
    second = house.ledger.write(lambda tx: tickets.open_held(tx, "t", job.id, b"", "b", 50))
    assert (first is not None, second) == (True, None)


def test_a_post_left_by_its_holder_can_be_taken(house: Process) -> None:
    held = house.ledger.write(lambda tx: posts.claim(tx, "p", "a", 600))
    assert held is not None
    assert house.ledger.write(lambda tx: posts.claim(tx, "p", "b", 600)) is None
    house.ledger.write(lambda tx: posts.leave(tx, held))
    assert house.ledger.write(lambda tx: posts.claim(tx, "p", "b", 600)) is not None


def test_a_job_without_a_slot_is_called_back_and_makes_others_brief() -> None:
    class Job:
        def __init__(self, name: str) -> None:
            self.id, self.account = name, "p/default"

    slots, one, two = Slots(1), Job("one"), Job("two")
    with slots.lane(one) as free:  # type: ignore[arg-type]
        assert free
        assert not slots.crowded(one)  # type: ignore[arg-type]
        with slots.lane(two) as second:  # type: ignore[arg-type]
            assert not second
        assert slots.crowded(one)  # type: ignore[arg-type]
    assert slots.call_back(one) is two  # type: ignore[arg-type]
    assert not slots.crowded(one)  # type: ignore[arg-type]


def test_a_call_waits_for_a_slot_and_lanes_see_it() -> None:
    slots = Slots(1)
    with slots.call("p/default") as first:
        assert first
        with slots.call("p/default", patience=0.01) as second:
            assert not second


def test_a_process_without_the_accounts_keys_leaves_its_job_waiting(
    house: Process, imported: Record, move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = imported(EVENT)
    monkeypatch.delenv("OMNISENSE_API_KEY")
    platforms.account.cache_clear()
    found = move(job)
    assert (found["state"], found["rows"]["pending"]) == ("running", 1)
    with house.ledger.begin() as tx:
        assert "OMNISENSE_API_KEY" in tx.execute(select(chunks.c.why)).scalar_one()
        tx.execute(update(chunks).values(not_before=0))
    monkeypatch.setenv("OMNISENSE_API_KEY", "sandbox-api-key")
    platforms.account.cache_clear()
    assert move(job)["rows"]["accepted"] == 1
