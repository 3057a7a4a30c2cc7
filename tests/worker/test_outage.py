"""The door of an account: two failures in a row close it, one probe at a time tries it, a success opens it."""

from __future__ import annotations

import time

import pytest
import time_machine

from worker import outage
from worker.errors import Busy, Forbidden
from worker.ledger import doors
from worker.ledger.claims import Claim
from worker.ledger.ledger import Ledger
from worker.ledger.types import Connection

ACCOUNT = "p/default"


def admit(ledger: Ledger, owner: str = "a", *, braked: bool = True) -> Claim | None:
    return ledger.write(lambda tx: outage.admit(tx, ACCOUNT, owner, 50, braked=braked))


def fail(ledger: Ledger) -> float | None:
    return ledger.write(lambda tx: outage.failed(tx, ACCOUNT, "the platform answered 502"))


def answer(ledger: Ledger) -> None:
    ledger.write(lambda tx: outage.answered(tx, ACCOUNT))


def test_an_account_nothing_happened_to_is_open(ledger: Ledger) -> None:
    assert admit(ledger) is None


def test_one_failure_leaves_it_open_two_in_a_row_close_it(ledger: Ledger) -> None:
    assert fail(ledger) is None
    assert admit(ledger) is None
    assert fail(ledger) == outage.FIRST_STEP
    with pytest.raises(Busy):
        admit(ledger)


def test_a_success_in_between_keeps_it_open(ledger: Ledger) -> None:
    fail(ledger)
    answer(ledger)
    fail(ledger)
    assert admit(ledger) is None


def test_a_safe_call_is_not_braked(ledger: Ledger) -> None:
    fail(ledger), fail(ledger)
    assert admit(ledger, braked=False) is None


def test_when_it_is_time_exactly_one_may_probe(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        clock.shift(outage.FIRST_STEP + 0.1)
        assert admit(ledger, "a") is not None
        with pytest.raises(Busy):
            admit(ledger, "b")


def test_probes_come_at_growing_distances_up_to_five_minutes(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        steps = []
        for _ in range(8):
            clock.shift(outage.LONGEST_STEP + 1)
            assert admit(ledger) is not None
            steps.append(fail(ledger))
    assert steps == [10, 20, 40, 80, 160, 300, 300, 300]


def test_late_failures_of_what_was_on_the_wire_do_not_move_the_next_probe(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        clock.shift(3)
        assert fail(ledger) == pytest.approx(outage.FIRST_STEP - 3)


def test_a_probe_whose_process_died_is_taken_over_after_its_lease(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        clock.shift(6)
        assert admit(ledger, "dies") is not None
        clock.shift(51)
        assert admit(ledger, "b") is not None


def test_a_successful_probe_opens_it(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        clock.shift(6)
        admit(ledger)
        answer(ledger)
        assert admit(ledger, "b") is None


def test_429_makes_the_whole_account_wait_and_counts_as_no_failure(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        ledger.write(lambda tx: outage.busy(tx, ACCOUNT, 7))
        with pytest.raises(Busy) as caught:
            admit(ledger)
        assert caught.value.wait == pytest.approx(7)
        clock.shift(7.1)
        assert admit(ledger) is None


def test_wrong_keys_close_it_until_a_person_opens_it(ledger: Ledger) -> None:
    ledger.write(lambda tx: outage.forbid(tx, ACCOUNT, "the keys are not accepted"))
    answer(ledger)
    with pytest.raises(Forbidden, match="accounts resume"):
        admit(ledger)
    ledger.write(lambda tx: outage.resume(tx, ACCOUNT))
    assert admit(ledger) is None


def test_a_probe_that_was_not_sent_is_given_back_and_due_at_once(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        clock.shift(6)
        probe = admit(ledger, "a")
        assert probe is not None
        ledger.write(lambda tx: doors.give_back(tx, probe))
        assert admit(ledger, "b") is not None


def test_giving_back_a_probe_that_was_answered_changes_nothing(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        clock.shift(6)
        probe = admit(ledger, "a")
        assert probe is not None
        answer(ledger)
        ledger.write(lambda tx: doors.give_back(tx, probe))
        assert admit(ledger, "b") is None


def test_looking_at_a_closed_door_takes_no_probe(ledger: Ledger) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        fail(ledger), fail(ledger)
        clock.shift(6)
        assert not ledger.read(lambda tx: outage.is_open(tx, ACCOUNT))
        assert admit(ledger, "a") is not None


def test_a_door_that_closes_in_a_shared_commit_stops_who_comes_after_in_it(ledger: Ledger) -> None:
    def work(tx: Connection) -> None:
        assert outage.admit(tx, ACCOUNT, "a", 50) is None
        for _ in range(outage.IN_A_ROW):
            outage.failed(tx, ACCOUNT, "the platform answered 502")
        with pytest.raises(Busy):
            outage.admit(tx, ACCOUNT, "b", 50)
        outage.answered(tx, ACCOUNT)
        assert outage.admit(tx, ACCOUNT, "c", 50) is None

    ledger.write(work)
