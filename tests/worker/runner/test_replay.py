"""Rows that go once more: each in one later job, with the number it had, and what is unsure in none."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.worker.runner.conftest import event, report
from worker import platforms
from worker.ledger import chunks, claims, decisions, givings, jobs, replays, retention
from worker.ledger.types import Row
from worker.orders import intake, replay
from worker.orders.order import read_order
from worker.orders.replay import Replayed
from worker.orders.replayable import NothingToReplay
from worker.outcome import Refusal, accepted
from worker.processes.process import Process
from worker.runner import giving
from worker.runner.planner import plan

EVENTS = "omnisense.import_user_events"
CALL = "omnisense.record_user_event"
GAVE_UP = Refusal(1, "gave_up", "It was not sent.", "")


@pytest.fixture
def again(house: Process) -> Callable[..., Replayed]:
    return lambda job, *only, **words: replay.same_rows(house, job, only, **words)


@pytest.fixture
def planned(imported: Any, house: Process) -> Callable[..., str]:
    """A job that was planned and not carried."""

    def make(*rows: Any) -> str:
        job_id: str = imported(*rows)
        plan(house, _job(house, job_id), lambda: None)
        return job_id

    return make


def _job(house: Process, job_id: str) -> Row[Any]:
    found = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert found is not None
    return found


def settle(house: Process, job_id: str, *named: Refusal) -> None:
    """The next chunk is settled: these rows were refused, the others accepted."""

    def work(tx: Any) -> None:
        held = chunks.claim(tx, job_id, "somebody", 60)[0]
        chunks.settle(tx, claims.of(held), accepted(held.rows - len(named), named))
        jobs.end_if_done(tx, job_id)

    house.ledger.write(work)


def taken(platform: Sandbox) -> int:
    return int(platform.counts()["distinct"])


def test_what_was_cancelled_goes_once_more_and_the_sums_meet(
    planned: Any, again: Any, move: Any, house: Process, played: Sandbox
) -> None:
    parent = planned(*(event(n) for n in range(1, 1201)))
    settle(house, parent)
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    child = again(parent)
    assert (child.new, child.rows) == (True, 700)
    rows = move(child.job.id)["rows"]
    assert (rows["total"], rows["accepted"], taken(played)) == (700, 700, 700)
    before = report(house, parent)["rows"]
    assert before["accepted"] + rows["accepted"] == before["total"] == 1200


def test_the_same_replay_is_the_same_job(planned: Any, again: Any, move: Any, house: Process) -> None:
    parent = planned(*(event(n) for n in range(1, 4)))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    first = again(parent)
    move(first.job.id)
    for only in ((), ("cancelled",), ("skipped",)):
        second = again(parent, *only)
        assert (second.new, second.job.id) == (False, first.job.id)


def test_rows_keep_their_numbers_and_neighbours_share_a_request(
    planned: Any, again: Any, move: Any, house: Process, played: Sandbox
) -> None:
    parent = planned(*(event(n) for n in range(1, 10)))
    named = [Refusal(n, "omnisense.422", "No.", "") for n in (2, 3, 7)]
    settle(house, parent, *named, Refusal(9, "email.missing", "No.", ""))
    child = again(parent).job.id
    found = move(child)
    assert (found["rows"]["accepted"], found["chunks"]["total"]) == (3, 2)
    assert played.counts()["distinct"] == 3
    first = house.ledger.read(lambda tx: chunks.get(tx, min(_ids(tx, child))))
    assert (first.first_row, first.rows) == (2, 2)


def _ids(tx: Any, job_id: str) -> list[int]:
    from sqlalchemy import select

    from worker.ledger.tables import chunks as table

    return list(tx.execute(select(table.c.id).where(table.c.job_id == job_id)).scalars())


def test_no_row_is_in_two_replays(planned: Any, again: Any, move: Any, house: Process, played: Sandbox) -> None:
    parent = planned(*(event(n) for n in range(1, 7)))
    settle(house, parent, Refusal(2, "omnisense.a", "No.", ""), Refusal(4, "omnisense.b", "No.", ""))
    first = again(parent, "omnisense.a")
    rest = again(parent, "refused")
    assert (first.rows, rest.rows) == (1, 1)
    move(first.job.id), move(rest.job.id)
    assert (played.counts()["distinct"], played.counts()["events"]) == (2, 2)


def test_a_range_is_taken_apart_from_what_was_said_of_single_rows(
    planned: Any, again: Any, move: Any, house: Process
) -> None:
    parent = planned(*(event(n) for n in range(1, 6)))

    def refuse(tx: Any) -> None:
        held = chunks.claim(tx, parent, "somebody", 60)[0]
        named = [Refusal(3, "email.missing", "No.", ""), Refusal(1, "omnisense.422", "No.", "", 5)]
        from worker.outcome import refused as all_refused

        chunks.settle(tx, claims.of(held), all_refused(5, named))
        jobs.end_if_done(tx, parent)

    house.ledger.write(refuse)
    found = move(again(parent).job.id)
    assert (found["rows"]["accepted"], found["chunks"]["total"]) == (4, 2)


def test_what_is_unsure_is_never_replayed_and_what_was_dropped_only_by_name(
    planned: Any, again: Any, move: Any, house: Process
) -> None:
    parent = planned(*(event(n) for n in range(1, 4)))
    held = claims.of(house.ledger.write(lambda tx: chunks.claim(tx, parent, "somebody", 60))[0])
    house.ledger.write(lambda tx: chunks.mark(tx, held) and chunks.lose(tx, held, "lost"))
    house.ledger.write(lambda tx: jobs.end_if_done(tx, parent))
    with pytest.raises(NothingToReplay):
        again(parent)
    house.ledger.write(lambda tx: decisions.decide(tx, parent, "drop", "ada"))
    with pytest.raises(NothingToReplay, match="dropped"):
        again(parent)
    assert move(again(parent, "dropped").job.id)["rows"]["accepted"] == 3


def test_what_our_own_check_refused_has_to_be_mended_first(imported: Any, again: Any, move: Any) -> None:
    parent = imported(event(1), event(2, email="nobody"))
    move(parent)
    with pytest.raises(NothingToReplay, match="jobs refused"):
        again(parent)
    with pytest.raises(NothingToReplay, match="no rows of 'gave_up'"):
        again(parent, "gave_up")
    found = move(again(parent, "refused").job.id)
    assert (found["rows"]["total"], found["rows"]["refused"]) == (1, 1)


def test_a_replay_can_be_replayed_from_the_same_source(planned: Any, again: Any, move: Any, house: Process) -> None:
    parent = planned(*(event(n) for n in range(1, 6)))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    child = again(parent).job
    plan(house, child, lambda: None)
    house.ledger.write(lambda tx: jobs.stop(tx, child.id, "cancelled", "cancelled"))
    third = again(child.id)
    assert third.job.rows_of == parent
    assert move(third.job.id)["rows"]["accepted"] == 5


def test_a_replay_that_was_stopped_before_it_had_its_rows_gives_them_back(
    planned: Any, again: Any, move: Any, house: Process
) -> None:
    parent = planned(event(1))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    first = again(parent).job.id
    house.ledger.write(lambda tx: jobs.stop(tx, first, "cancelled", "cancelled"))
    second = again(parent)
    assert second.new
    assert move(second.job.id)["rows"]["accepted"] == 1


def test_a_replay_that_was_stopped_amid_its_planning_gives_back_what_it_had_not_come_to(
    planned: Any, again: Any, move: Any, house: Process, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.runner import planner

    parent = planned(*(event(n) for n in range(1, 1201)))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    child = again(parent).job
    monkeypatch.setattr(planner, "FEW", 1)
    planner.plan(house, child, house.stopping.set)
    house.stopping.clear()
    house.ledger.write(lambda tx: jobs.stop(tx, child.id, "cancelled", "cancelled"))
    had = report(house, child.id)["rows"]["total"]
    rest, its_own = again(parent), again(child.id)
    assert (rest.new, had, its_own.rows, rest.rows) == (True, 500, 500, 700)
    assert again(parent).new is False
    assert [move(one.job.id)["rows"]["accepted"] for one in (rest, its_own)] == [700, 500]
    assert (played.counts()["events"], taken(played)) == (1200, 1200)


def test_rows_that_were_given_go_once_more(again: Any, move: Any, house: Process, played: Sandbox) -> None:
    order = read_order(platforms.operation(EVENTS), {"rows": [event(1), event(2), event(3)]})
    parent = intake.put(house, order).id
    settle(house, parent, Refusal(2, "omnisense.no", "No.", ""))
    child = again(parent).job
    assert child.source is None
    assert move(child.id)["rows"]["accepted"] == 1
    assert played.counts()["distinct"] == 1


def test_a_packed_file_is_read_from_the_first_jobs_copy(
    again: Any, move: Any, house: Process, tmp_path: Path, played: Sandbox
) -> None:
    import gzip

    source = tmp_path / "events.ndjson.gz"
    source.write_bytes(gzip.compress("".join(f"{json.dumps(event(n))}\n" for n in range(1, 4)).encode()))
    parent = intake.put(house, read_order(platforms.operation(EVENTS), {"source": str(source)})).id
    plan(house, _job(house, parent), lambda: None)
    settle(house, parent, Refusal(2, "omnisense.no", "No.", ""))
    source.unlink()
    assert move(again(parent).job.id)["rows"]["accepted"] == 1


def test_a_source_that_changed_fails_the_replay_and_nothing_wrong_is_sent(
    planned: Any, again: Any, move: Any, house: Process, tmp_path: Path, played: Sandbox
) -> None:
    parent = planned(*(event(n) for n in range(1, 4)))
    settle(house, parent, Refusal(2, "omnisense.no", "No.", ""))
    (tmp_path / "events.ndjson").write_text("".join(f"{json.dumps(event(n))}\n" for n in range(5, 8)))
    found = move(again(parent).job.id)
    assert found["state"] == "failed"
    assert "was changed" in found["why"]
    assert played.counts()["requests"] == 0


def test_a_call_that_was_given_up_goes_once_more(again: Any, house: Process, played: Sandbox) -> None:
    payload = {"email": "a@shop.example.com", "user_event": {"identifier": "order"}}
    parent = intake.put(house, read_order(platforms.operation(CALL), {"payload": payload})).id
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    child = again(parent)
    assert (child.new, child.job.kind, child.rows) == (True, "call", 1)
    from worker.runner import call

    call.move(house, child.job)
    assert report(house, child.job.id)["rows"]["accepted"] == 1
    assert again(parent).job.id == child.job.id


def test_planning_goes_on_where_it_was_interrupted(
    planned: Any, again: Any, move: Any, house: Process, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.runner import planner

    parent = planned(*(event(n) for n in range(1, 10)))
    settle(house, parent, *(Refusal(n, "omnisense.no", "No.", "") for n in (1, 3, 5, 7)))
    child = again(parent).job
    monkeypatch.setattr(planner, "AT_ONCE", 1)
    monkeypatch.setattr(planner, "FEW", 1)
    planner.plan(house, child, house.stopping.set)
    house.stopping.clear()
    assert 0 < report(house, child.id)["chunks"]["total"] < 4
    assert move(child.id)["rows"]["accepted"] == 4
    assert played.counts()["events"] == 4


@pytest.fixture
def a_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving, "AT_ONCE", 1)


class Killed(BaseException):
    """No handler of ours catches it, as none catches a kill."""


def killed_after(house: Process, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """Whoever gives rows away dies after so many pages."""
    left = [pages]

    def some(tx: Any, job_id: str, most: int) -> bool:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return givings.give_some(tx, job_id, most)

    monkeypatch.setattr(giving, "givings", SimpleNamespace(give_some=some))


@pytest.fixture
def cancelled(planned: Any, house: Process) -> str:
    """A job of three requests, none of which was sent."""
    parent: str = planned(*(event(n) for n in range(1, 1201)))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    return parent


@pytest.mark.parametrize("pages", [0, 1, 2, 3])
def test_who_dies_while_rows_are_given_leaves_them_to_who_plans(
    cancelled: str,
    again: Any,
    move: Any,
    house: Process,
    played: Sandbox,
    a_chunk_at_a_time: None,
    monkeypatch: pytest.MonkeyPatch,
    pages: int,
) -> None:
    with monkeypatch.context() as broken, pytest.raises(Killed):
        killed_after(house, broken, pages)
        again(cancelled)
    child = house.ledger.read(lambda tx: replays.of(tx, cancelled))[0].id
    assert move(child)["rows"]["accepted"] == 1200
    assert (again(cancelled).job.id, again(cancelled).new) == (child, False)
    assert (played.counts()["events"], taken(played)) == (1200, 1200)
    assert house.ledger.read(lambda tx: givings.of(tx, cancelled)) == []


def test_who_asks_while_another_is_given_rows_gets_none_of_them(
    cancelled: str, again: Any, house: Process, a_chunk_at_a_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, pytest.raises(Killed):
        killed_after(house, broken, 1)
        again(cancelled)
    first = house.ledger.read(lambda tx: replays.of(tx, cancelled))[0].id
    second = again(cancelled, "skipped")
    assert (second.job.id, second.new) == (first, False)
    given = house.ledger.read(lambda tx: replays.shares(tx, cancelled))
    assert [one.given_to for one in given] == [first] * 3


def test_rows_that_are_promised_between_two_looks_are_given_before_anybody_else_looks(
    cancelled: str, again: Any, house: Process, a_chunk_at_a_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = givings.of

    def and_then_promised(tx: Any, job_id: str) -> list[str]:
        monkeypatch.setattr(givings, "of", look)
        found = look(tx, job_id)
        with monkeypatch.context() as broken, pytest.raises(Killed):
            killed_after(house, broken, 1)
            again(cancelled)
        return found

    monkeypatch.setattr(givings, "of", and_then_promised)
    second = again(cancelled, "skipped")
    assert [one.id for one in house.ledger.read(lambda tx: replays.of(tx, cancelled))] == [second.job.id]
    assert not second.new


def test_a_replay_that_is_stopped_while_it_is_given_rows_gives_them_back(
    cancelled: str, again: Any, move: Any, house: Process, a_chunk_at_a_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, pytest.raises(Killed):
        killed_after(house, broken, 2)
        again(cancelled)
    first = house.ledger.read(lambda tx: replays.of(tx, cancelled))[0].id
    house.ledger.write(lambda tx: jobs.stop(tx, first, "cancelled", "cancelled"))
    second = again(cancelled)
    assert (second.new, second.rows) == (True, 1200)
    assert move(second.job.id)["rows"]["accepted"] == 1200


def test_two_who_ask_at_once_get_one_job(cancelled: str, house: Process, a_chunk_at_a_time: None) -> None:
    """The second looks while the first has looked, and both ask."""
    both = threading.Barrier(2)
    look = replay._fresh

    def together(*words: Any) -> Any:
        found = look(*words)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(60)
            both.abort()
        return found

    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(2) as two:
        patched.setattr(replay, "_fresh", together)
        asked = [two.submit(replay.same_rows, house, cancelled, []) for _ in range(2)]
        found = [one.result(60) for one in asked]
    assert sorted(one.new for one in found) == [False, True]
    assert len({one.job.id for one in found}) == 1


def test_the_ledger_names_both(planned: Any, again: Any, house: Process) -> None:
    parent = planned(event(1))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    child = again(parent).job
    assert child.replay_of == parent
    assert [one.id for one in house.ledger.read(lambda tx: replays.of(tx, parent))] == [child.id]


def let_go(house: Process, job_id: str) -> bool:
    """As if RETENTION_DAYS were over; whether its content went."""

    def work(tx: Any) -> bool:
        begun = retention.begin(tx, job_id, time.time() + 1)
        return begun and any(retention.let_go(tx, job_id, 500) for _ in range(9))

    return house.ledger.write(work)


@pytest.mark.parametrize("only", [(), ("refused",), ("cancelled",)])
def test_what_was_let_go_is_not_replayed_as_nobody_knows_which_rows_it_was(
    planned: Any, again: Any, house: Process, only: tuple[str, ...]
) -> None:
    parent = planned(*(event(n) for n in range(1, 1001)))
    settle(house, parent, Refusal(2, "omnisense.422", "No."), Refusal(3, "omnisense.422", "No."))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    assert let_go(house, parent)
    with pytest.raises(NothingToReplay, match="RETENTION_DAYS"):
        again(parent, *only)
    assert house.ledger.read(lambda tx: replays.of(tx, parent)) == []


def test_what_has_begun_to_go_is_not_replayed_either(planned: Any, again: Any, house: Process) -> None:
    parent = planned(*(event(n) for n in range(1, 4)))
    settle(house, parent, Refusal(2, "omnisense.422", "No."))
    assert house.ledger.write(lambda tx: retention.begin(tx, parent, time.time() + 1))
    with pytest.raises(NothingToReplay, match="RETENTION_DAYS"):
        again(parent)


def test_rows_stay_while_a_replay_of_them_is_kept_be_it_that_of_a_replay(
    planned: Any, again: Any, move: Any, house: Process
) -> None:
    parent = planned(*(event(n) for n in range(1, 4)))
    settle(house, parent, Refusal(2, "omnisense.422", "No."))
    child = again(parent).job
    plan(house, child, lambda: None)
    settle(house, child.id, Refusal(2, "omnisense.422", "No."))
    grandchild = again(child.id).job
    assert not let_go(house, parent)
    assert not let_go(house, child.id)
    assert move(grandchild.id)["rows"]["accepted"] == 1
    assert [let_go(house, one) for one in (grandchild.id, child.id, parent)] == [True, True, True]


def test_the_same_replay_is_the_same_job_after_the_rows_are_gone(
    planned: Any, again: Any, move: Any, house: Process
) -> None:
    parent = planned(event(1))
    house.ledger.write(lambda tx: jobs.stop(tx, parent, "cancelled", "cancelled"))
    child = again(parent).job.id
    move(child)
    assert (let_go(house, child), let_go(house, parent)) == (True, True)
    assert (again(parent).new, again(parent).job.id) == (False, child)
