"""Planned, approved, sent at its time; stopped, missed, and never sent twice."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from sqlalchemy import update

from sandbox.server import Sandbox
from tests.worker.newsletters.conftest import LETTER, deliver, row
from worker import platforms
from worker.ledger import decisions, jobs, newsletters, troubles
from worker.ledger.ledger import Ledger
from worker.ledger.tables import chunks
from worker.newsletters import again, document, due, moves, plan
from worker.newsletters.document import WrongDocument
from worker.newsletters.moves import CanNot
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process
from worker.runner import call, flows

Kept = Callable[..., Any]
PEOPLE = ("foo@bar.com", "FOO@bar.com", "yourcustomer@test.com")


def opt_out(house: Process, address: str, at: float | None = None) -> None:
    event = Event(address, "email", "unsubscription", at or time.time(), "test", "marketing")
    house.ledger.write(lambda tx: register.enter(house, tx, event, "test"))


def sent_to(played: Sandbox) -> list[str]:
    return sorted(one for line in played.log() if line["path"].endswith("/newsletter") for one in line.get("taken", []))


def moment(**later: int) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(**later)


def test_a_plan_says_who_gets_it_and_why_others_do_not_and_sends_nothing(
    house: Process, planned: Kept, segment: Callable[[str], str], played: Sandbox
) -> None:
    opt_out(house, "out@shop.example.com")
    file = segment(
        "email,code\na@x.example.com,1\nA@x.example.com,2\nout@shop.example.com,3\nnobody,4\nb@x.example.com,5\n"
    )
    kept = planned(recipients=file)
    assert (kept.people, json.loads(kept.dropped)) == (2, {"duplicate": 1, "invalid": 1, "opted_out": 1})
    assert (kept.requests, kept.state, played.counts()["requests"]) == (1, "planned", 0)
    due.look(house)
    assert played.counts()["requests"] == 0


def test_columns_that_are_variables_make_requests_of_their_own(planned: Kept, segment: Callable[[str], str]) -> None:
    file = segment("email,code,city\na@x.example.com,1,Nice\nb@x.example.com,2,Nice\nc@x.example.com,1,Paris\n")
    assert planned(recipients=file).requests == 1
    assert planned(recipients=file, variables=["code"]).requests == 2


def test_what_was_approved_goes_once_to_each(house: Process, planned: Kept, played: Sandbox) -> None:
    kept = planned(*PEOPLE)
    assert moves.approve(house, kept, "anna") == 0
    report = deliver(house, kept.id)
    assert (report["state"], report["rows"]["accepted"]) == ("finished", 2)
    now = row(house, kept.id)
    assert (now.state, now.approved_by) == ("sent", "anna")
    asked = played.counts()["requests"]
    due.look(house)
    assert played.counts()["requests"] == asked


def test_whoever_dies_while_it_starts_leaves_no_job_and_the_next_starts_one(
    house: Process, planned: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = planned(*PEOPLE)
    moves.approve(house, kept, "anna")

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(newsletters, "started", dies)
        with pytest.raises(KeyboardInterrupt):
            due.look(house)
    assert house.ledger.read(lambda tx: jobs.newest(tx)) == []
    with time_machine.travel(time.time() + due.LEASE + 1, tick=True):
        due.look(house)
    assert row(house, kept.id).state == "started"
    assert len(house.ledger.read(lambda tx: jobs.newest(tx))) == 1


@pytest.mark.parametrize(
    ("step_in", "state"),
    [
        (lambda house, now: moves.stop(house, now, "anna"), "stopped"),
        (lambda house, now: moves.pause(house, now), "paused"),
        (lambda house, _: moves.halt(house, "anna"), "approved"),
    ],
)
def test_who_steps_in_while_it_starts_is_heeded(
    house: Process, planned: Kept, monkeypatch: pytest.MonkeyPatch, step_in: Callable[..., Any], state: str
) -> None:
    kept = planned(*PEOPLE)
    moves.approve(house, kept, "anna")

    def order_of(*of: Any) -> Any:
        step_in(house, row(house, kept.id))
        return plan.order_of(*of)

    monkeypatch.setattr(due, "order_of", order_of)
    due.look(house)
    now = row(house, kept.id)
    assert (now.state, now.job_id, now.lease_until is None) == (state, None, state == "approved")
    assert house.ledger.read(lambda tx: jobs.newest(tx)) == []


@pytest.mark.parametrize("step_in", [lambda *of: moves.stop(*of, "anna"), moves.pause])
def test_who_read_it_before_it_started_stops_its_job(
    house: Process, planned: Kept, played: Sandbox, step_in: Callable[..., Any]
) -> None:
    kept = planned(*PEOPLE)
    moves.approve(house, kept, "anna")
    before = row(house, kept.id)
    due.look(house)
    step_in(house, before)
    assert deliver(house, kept.id)["state"] in ("cancelled", "paused")
    assert played.counts()["requests"] == 0


def test_the_switch_waits_for_one_that_starts_in_this_moment(
    house: Process, planned: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = planned(*PEOPLE)
    moves.approve(house, kept, "anna")
    elsewhere = Ledger(house.settings.database_url)
    other: Any = SimpleNamespace(ledger=elsewhere)
    halting = threading.Thread(target=lambda: moves.halt(other, "anna"))
    real = newsletters.may_start

    def may_start(tx: Any, held: Any) -> bool:
        found = real(tx, held)
        halting.start()
        halting.join(0.3)  # it has written its word, and waits; or can't write yet
        return found

    monkeypatch.setattr(newsletters, "may_start", may_start)
    due.look(house)
    halting.join(60)
    elsewhere.close()
    job = house.ledger.read(lambda tx: jobs.get(tx, row(house, kept.id).job_id))
    assert job is not None
    assert job.state == "paused"


def test_who_opts_out_between_plan_and_approval_is_left_out_and_told(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE)
    opt_out(house, "foo@bar.com")
    assert moves.approve(house, kept, "anna") == 1
    assert deliver(house, kept.id)["rows"]["total"] == 1


def test_who_opts_out_between_approval_and_request_is_skipped(house: Process, planned: Kept, played: Sandbox) -> None:
    kept = planned(*PEOPLE)
    moves.approve(house, kept, "anna")
    due.look(house)
    opt_out(house, "foo@bar.com")
    report = deliver(house, kept.id)
    assert (report["rows"]["accepted"], report["skipped_by"]) == (1, {"opted_out": 1})


def test_a_plan_that_is_a_day_old_is_not_approved(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE)
    with (
        time_machine.travel(time.time() + 26 * 3600, tick=True),
        pytest.raises(CanNot, match="was planned 26 h ago, and much may have changed: plan it anew"),
    ):
        moves.approve(house, kept, "anna")


def test_what_can_no_longer_go_in_time_is_not_approved(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE, deliver_at=moment(minutes=30))
    with (
        time_machine.travel(time.time() + 1801, tick=True),
        pytest.raises(CanNot, match="can no longer go in time"),
    ):
        moves.approve(house, kept, "anna")


def test_what_the_platform_would_be_told_too_late_is_not_approved(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE, deliver_at=moment(minutes=30))
    soon = planned(*PEOPLE, deliver_at=moment(minutes=30), lead=5)
    with time_machine.travel(time.time() + 16 * 60, tick=True):
        with pytest.raises(CanNot, match="less than 15 minutes before its time: plan it anew"):
            moves.approve(house, kept, "anna")
        moves.approve(house, soon, "anna")


def test_the_platform_is_told_when_to_deliver(house: Process, planned: Kept, played: Sandbox) -> None:
    at = moment(minutes=30).replace(microsecond=0)
    kept = planned(*PEOPLE, deliver_at=at)
    moves.approve(house, kept, "anna")
    due.look(house)
    assert row(house, kept.id).state == "approved"  # its time has not come
    house.budget._check_clock = False  # Redis's clock stays where it is
    with time_machine.travel(time.time() + 16 * 60, tick=True):
        assert deliver(house, kept.id)["rows"]["accepted"] == 2
    payload = house.seal.open(row(house, kept.id).content)
    assert payload["newsletter"]["delivery_time"] == at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_one_whose_time_passed_during_an_outage_is_missed_not_late(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    kept = planned(*PEOPLE, deliver_at=moment(minutes=30))
    moves.approve(house, kept, "anna")
    with time_machine.travel(time.time() + 3600, tick=True):
        due.look(house)
    now = row(house, kept.id)
    assert (now.state, now.job_id, played.counts()["requests"]) == ("missed", None, 0)
    assert "nothing was sent" in now.why


@pytest.mark.parametrize("said", [{}, {"deliver_at": dt.timedelta(minutes=30)}])
def test_one_whose_time_passes_while_it_is_paused_is_missed(
    house: Process, planned: Kept, said: dict[str, dt.timedelta]
) -> None:
    kept = planned(*PEOPLE, **{name: dt.datetime.now(dt.UTC) + ahead for name, ahead in said.items()})
    moves.approve(house, kept, "anna")
    moves.pause(house, kept)
    due.look(house)
    assert row(house, kept.id).state == "paused"
    with time_machine.travel(time.time() + 30 * 3600, tick=True):
        due.look(house)
        now = row(house, kept.id)
        assert (now.state, "nothing was sent" in now.why) == ("missed", True)
        house.ledger.write(lambda tx: newsletters.let_go(tx, time.time(), 10))
    assert row(house, kept.id).content == b""


def test_one_whose_time_passes_on_its_way_sends_no_further_request(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    people = [{"email": f"p{n}@x.example.com", "variables": {"code": str(n)}} for n in range(4)]
    kept = planned(*people, deliver_at=moment(minutes=30), variables=["code"])
    moves.approve(house, kept, "anna")
    with time_machine.travel(time.time() + 16 * 60, tick=True):
        due.look(house)
    with time_machine.travel(time.time() + 3600, tick=True):
        due.look(house)
        job = house.ledger.read(lambda tx: jobs.get(tx, row(house, kept.id).job_id))
    assert job is not None
    assert (job.state, "has passed" in job.why, played.counts()["requests"]) == ("cancelled", True, 0)
    now = row(house, kept.id)
    assert (now.state, now.why) == ("missed", "its time passed before anything of it could leave: nothing was sent")


def test_a_worker_that_is_back_before_the_sweeper_sends_nothing_of_what_is_late(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    kept = planned(*PEOPLE, deliver_at=moment(minutes=30))
    moves.approve(house, kept, "anna")
    house.budget._check_clock = False  # Redis's clock stays where it is
    with time_machine.travel(time.time() + 16 * 60, tick=True):
        due.look(house)
    job: Any = house.ledger.read(lambda tx: jobs.get(tx, row(house, kept.id).job_id))
    with time_machine.travel(time.time() + 3600, tick=True):
        call.move(house, job)
        assert (played.counts()["requests"], house.ledger.read(lambda tx: jobs.get(tx, job.id)).state) == (0, "running")
        due.look(house)
    assert house.ledger.read(lambda tx: jobs.get(tx, job.id)).state == "cancelled"


@pytest.mark.parametrize(("late", "why"), [(False, "stopped by anna"), (True, "has passed: what had not left")])
def test_one_that_is_stopped_on_its_way_says_how_far_it_came(
    house: Process, planned: Kept, played: Sandbox, late: bool, why: str
) -> None:
    people = [{"email": f"p{n}@x.example.com", "variables": {"code": str(n)}} for n in range(4)]
    kept = planned(*people, variables=["code"], deliver_at=moment(minutes=30), lead=1)
    moves.approve(house, kept, "anna")
    house.ledger.write(lambda tx: tx.execute(update(newsletters.newsletters).values(not_before=0)))
    due.look(house)
    job: Any = house.ledger.read(lambda tx: jobs.get(tx, row(house, kept.id).job_id))
    house.ledger.write(lambda tx: tx.execute(update(chunks).where(chunks.c.n == 1).values(state="done", accepted=1)))
    if late:
        with time_machine.travel(time.time() + 3600, tick=True):
            due.look(house)
    else:
        moves.stop(house, row(house, kept.id), "anna")
        due.look(house)
    now = row(house, kept.id)
    assert (now.state, why in now.why, "it had gone to 1 of 4" in now.why) == ("stopped", True, True), now.why
    assert (job.state, played.counts()["requests"]) == ("running", 0)


def test_a_missed_one_is_alarmed_for_a_day(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE, deliver_at=moment(minutes=30))
    moves.approve(house, kept, "anna")
    with time_machine.travel(time.time() + 3600, tick=True):
        due.look(house)
        found = house.ledger.read(lambda tx: troubles.all_of(tx, time.time(), 0.1))
    assert [(one.kind, one.subject) for one in found] == [("newsletter.missed", kept.id)]
    assert "Newsletter tonight was not sent: its time passed" in found[0].sentence
    assert house.ledger.read(lambda tx: troubles.all_of(tx, time.time() + 2 * 86_400, 0.1)) == []


def test_stopped_paused_and_halted_ones_send_nothing(house: Process, planned: Kept, played: Sandbox) -> None:
    stopped, paused, halted = (planned(*PEOPLE, name=name) for name in ("a", "b", "c"))
    for one in (stopped, paused, halted):
        moves.approve(house, one, "anna")
    moves.stop(house, row(house, "a"), "anna")
    moves.pause(house, row(house, "b"))
    assert moves.halt(house, "anna") == 0
    due.look(house)
    assert [row(house, one.id).state for one in (stopped, paused, halted)] == ["stopped", "paused", "approved"]
    moves.go_on(house)
    assert deliver(house, "c")["rows"]["accepted"] == 2
    moves.resume(house, row(house, "b"))
    assert deliver(house, "b")["rows"]["accepted"] == 2
    with pytest.raises(CanNot, match="is stopped: only a planned one is approved"):
        moves.approve(house, row(house, "a"), "anna")


def test_the_switch_acts_before_the_next_request_of_one_on_its_way(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    kept = planned(*PEOPLE)
    moves.approve(house, kept, "anna")
    due.look(house)
    assert moves.halt(house, "anna") == 1
    assert deliver(house, kept.id)["state"] == "paused"
    assert played.counts()["requests"] == 0
    moves.go_on(house)
    assert deliver(house, kept.id)["state"] == "finished"


@pytest.mark.parametrize(
    ("step_in", "go_on"),
    [
        (lambda house, _: moves.halt(house, "anna"), lambda house, _: moves.go_on(house)),
        (lambda house, now: moves.pause(house, now), lambda house, now: moves.resume(house, now)),
    ],
)
def test_the_steps_of_one_on_its_way_wait_and_go_on_with_it(
    house: Process, planned: Kept, step_in: Callable[..., Any], go_on: Callable[..., Any]
) -> None:
    cascade = platforms.operation("flows.cascade_send").example["cascade"]
    contact = {"contact": {"email": "a@x.example.com"}}
    kept = planned(contact, operation="flows.cascade_send", payload={"cascade": cascade}, deliver_at=moment(minutes=30))
    moves.approve(house, kept, "anna")
    house.ledger.write(lambda tx: tx.execute(update(newsletters.newsletters).values(not_before=0)))
    due.look(house)
    job_id = row(house, kept.id).job_id
    job: Any = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    with pytest.raises(KeyboardInterrupt):
        flows.move(house, job, carry=_dies)

    def steps() -> list[tuple[str, float]]:
        return [(one.state, one.give_up_at) for one in house.ledger.read(lambda tx: jobs.steps_of(tx, job_id))]

    assert steps() == [("running", kept.expires_at)]
    step_in(house, row(house, kept.id))
    assert steps() == [("paused", kept.expires_at)]
    go_on(house, row(house, kept.id))
    assert steps() == [("running", kept.expires_at)]


def _dies(*_: Any) -> None:
    raise KeyboardInterrupt


def test_none_goes_on_while_all_are_halted(house: Process, planned: Kept) -> None:
    waits, goes = (planned(*PEOPLE, name=name) for name in ("a", "b"))
    for one in (waits, goes):
        moves.approve(house, one, "anna")
    moves.pause(house, waits)
    due.look(house)
    moves.halt(house, "anna")
    job_id = row(house, goes.id).job_id
    for one in (waits, goes):
        with pytest.raises(
            CanNot, match=r"can't go on: all newsletters were halted by anna\. `omniworker newsletters go"
        ):
            moves.resume(house, row(house, one.id))
    with pytest.raises(CanNot, match="halted by anna"):
        house.ledger.write(lambda tx: moves.resume_job(tx, job_id))
    moves.go_on(house)
    moves.resume(house, row(house, waits.id))


def test_one_that_goes_on_has_until_its_own_time_and_no_longer(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE, deliver_at=moment(hours=5))
    moves.approve(house, kept, "anna")
    house.ledger.write(lambda tx: tx.execute(update(newsletters.newsletters).values(not_before=0)))
    due.look(house)
    job_id = row(house, kept.id).job_id
    moves.halt(house, "anna")
    moves.go_on(house)
    assert house.ledger.read(lambda tx: jobs.get(tx, job_id)).give_up_at == kept.expires_at
    moves.pause(house, kept)
    assert house.ledger.write(lambda tx: moves.resume_job(tx, job_id))
    assert house.ledger.read(lambda tx: jobs.get(tx, job_id)).give_up_at == kept.expires_at


def test_an_answer_that_was_lost_is_unsure_and_never_sent_again_by_itself(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    kept = planned(*PEOPLE)
    moves.approve(house, kept, "anna")
    played.fault("cut", times=1)
    report = deliver(house, kept.id)
    assert (report["state"], report["rows"]["unsure"]) == ("undecided", 2)
    house.ledger.write(lambda tx: decisions.decide(tx, report["job"], "was-sent", "anna"))
    due.look(house)
    assert row(house, kept.id).state == "sent"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"operation": "omnisense.save_subscriber"}, "is nothing that can be planned; these are"),
        ({"payload": {"newsletter": {}}}, "newsletter_template_id is missing"),
        ({"max_recipients": 1}, "has more than 1 recipients"),
        ({"recipients": ["nobody"]}, "has nobody to go to: invalid 1"),
        ({"variables": ["promocode"]}, "No recipient has 'promocode', which variables names"),
    ],
)
def test_what_can_not_be_sent_is_not_planned(planned: Kept, said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongDocument, match=sentence):
        planned(*PEOPLE, **said)


def recurring(house: Process, count: int, key: str | None = None, **said: Any) -> Any:
    whole = {"name": "weekly", "operation": "omnisense.send_newsletter", "payload": LETTER, **said}
    people = [f"p{n}@x.example.com" for n in range(count)]
    return again.again(house, document.of({"recipients": people, **whole}, "weekly"), "schedule weekly", key)


def test_a_recurring_one_is_approved_once_and_goes_while_it_is_the_same(house: Process) -> None:
    first = recurring(house, 100)
    assert (first.state, "nobody approved" in first.why) == ("planned", True)
    moves.approve(house, first, "anna", recurs=True)
    second = row(house, recurring(house, 119).id)
    assert (second.state, second.approved_by) == ("approved", "schedule weekly, as anna approved")
    assert row(house, recurring(house, 120).id).approved_by == "schedule weekly, as anna approved"


def test_a_slot_that_is_looked_at_twice_plans_one(house: Process) -> None:
    moves.approve(house, recurring(house, 100), "anna", recurs=True)
    first, second = (recurring(house, 100, key="schedule:weekly:1") for _ in range(2))
    assert (first.id, first.state) == (second.id, second.state) == (first.id, "approved")


@pytest.mark.parametrize(
    ("count", "said", "why"),
    [
        (240, {}, "it would go to 240 people, and the last one went to 100"),
        (60, {}, "it would go to 60 people"),
        (100, {"payload": {"newsletter": {"newsletter_template_id": 46}}}, "it says something else"),
        (100, {"recipients": ["nobody", *(f"p{n}@x.example.com" for n in range(100))]}, "1 rows of its list"),
    ],
)
def test_a_recurring_one_that_changed_waits_for_a_person(
    house: Process, count: int, said: dict[str, Any], why: str
) -> None:
    moves.approve(house, recurring(house, 100), "anna", recurs=True)
    now = recurring(house, count, **said)
    assert (now.state, why in now.why) == ("planned", True)


def test_nothing_of_it_lies_in_the_ledger_that_could_be_read(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE)
    assert not any(b"bar.com" in bytes(value) for value in (kept.document, kept.content))
    assert "bar.com" not in str(kept._asdict())


def test_only_what_writes_to_people_can_be_planned() -> None:
    able = {one.name for one in platforms.operations().values() if one.campaign is not None}
    assert "omnisense.send_newsletter" in able
    assert all(one.partition(".")[2].startswith(("send_", "cascade_send")) for one in able)


def test_the_ledger_knows_the_youngest_of_a_name(house: Process, planned: Kept) -> None:
    planned(*PEOPLE)
    second = planned(*PEOPLE)
    assert house.ledger.read(lambda tx: newsletters.get(tx, "tonight")).id == second.id
    assert plan.letter_of(document.of(house.seal.open(second.document), "tonight")) == second.letter


def test_messages_of_a_cascade_are_planned_and_sent_the_same_way(
    house: Process, planned: Kept, segment: Callable[[str], str], played: Sandbox
) -> None:
    file = segment("email,phone,city\na@x.example.com,79103398080,Nice\nb@x.example.com,,Paris\n,1,Rome\n")
    kept = planned(operation="devino.send_messages", payload={"taskId": 7004}, recipients=file)
    assert (kept.people, json.loads(kept.dropped)) == (2, {"invalid": 1})
    moves.approve(house, kept, "anna")
    assert deliver(house, kept.id)["rows"]["total"] == 2


def test_a_new_cascade_with_its_messages_can_be_planned(house: Process, planned: Kept) -> None:
    cascade = platforms.operation("flows.cascade_send").example["cascade"]
    kept = planned(
        {"contact": {"email": "a@x.example.com"}}, operation="flows.cascade_send", payload={"cascade": cascade}
    )
    assert (kept.people, kept.state) == (1, "planned")


def test_people_and_text_are_let_go_after_a_while(house: Process, planned: Kept) -> None:
    kept, soon = planned(*PEOPLE), planned(*PEOPLE, name="later")
    moves.approve(house, soon, "anna")
    assert house.ledger.write(lambda tx: newsletters.let_go(tx, time.time() + 1, 10)) == 1
    assert (row(house, kept.id).content, row(house, soon.id).content != b"") == (b"", True)
