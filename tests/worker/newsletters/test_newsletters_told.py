"""The sentences that people read when something came between a newsletter and its people, by the commands they give."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner, Result
from sqlalchemy import insert, update

from sandbox.server import Sandbox
from schedules.schedule import Schedule
from schedules.start import start
from tests.worker.newsletters.conftest import deliver, row
from worker import platforms
from worker.cli import main, office
from worker.housekeeping import watch
from worker.ledger import agenda, alarms, decisions, jobs, newsletters, slots
from worker.newsletters import due, moves
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process
from worker.runner import call

Kept = Callable[..., Any]
PEOPLE = ("foo@bar.com", "yourcustomer@test.com")
DAY = 86_400.0
SLOT = 1_800_000_000


@pytest.fixture(autouse=True)
def its_own_ledger(house: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    for open_ in ("for_reading", "for_recording"):
        monkeypatch.setattr(office, open_, lambda: house)


def ow(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def said(*words: str) -> str:
    """What a command prints, in one line."""
    result = ow(*words)
    return " ".join(f"{result.stdout} {result.stderr}".split())


def opt_out(house: Process, address: str) -> None:
    event = Event(address, "email", "unsubscription", time.time(), "test", "marketing")
    house.ledger.write(lambda tx: register.enter(house, tx, event, "test"))


def later(**time_: int) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(**time_)


def approved(house: Process, planned: Kept, *people: Any, **more: Any) -> Any:
    moves.approve(house, planned(*(people or PEOPLE), **more), "anna")
    return row(house, more.get("name", "tonight"))


def begun(house: Process, kept: Any) -> str:
    """The job that the sweeper starts for it."""
    due.look(house)
    return str(row(house, kept.id).job_id)


def alarmed(house: Process) -> list[str]:
    watch.watch(house)
    return [f"{one.kind}: {one.sentence}" for one in house.ledger.read(alarms.raised)]


def test_an_opt_out_between_plan_and_approval_is_told_by_approve(house: Process, planned: Kept) -> None:
    planned(*PEOPLE)
    opt_out(house, PEOPLE[0])
    assert "1 opted out since it was planned: left out" in said("newsletters", "approve", "tonight")


def test_an_opt_out_between_approval_and_request_is_told_by_show(house: Process, planned: Kept) -> None:
    kept = approved(house, planned)
    begun(house, kept)
    opt_out(house, PEOPLE[0])
    deliver(house, kept.id)
    shown = said("newsletters", "show", "tonight")
    assert "1 opted out between the approval and their request: left out" in shown
    assert "skipped 1 opted_out 1" in shown


def test_a_plan_that_is_too_old_is_not_approved(house: Process, planned: Kept) -> None:
    kept = planned(*PEOPLE)
    with time_machine.travel(time.time() + 26 * 3600, tick=True):
        result = ow("newsletters", "approve", "tonight")
    sentence = f"Newsletter {kept.id} was planned 26 h ago, and much may have changed: plan it anew, and approve that."
    assert (result.exit_code, result.stderr.strip()) == (1, sentence)


@pytest.mark.parametrize("held_up", ["halt", "pause"])
def test_an_approval_that_is_too_old_sends_nothing(
    house: Process, planned: Kept, played: Sandbox, held_up: str
) -> None:
    kept = approved(house, planned)
    ow("newsletters", held_up, *([] if held_up == "halt" else ["tonight"]))
    with time_machine.travel(time.time() + DAY + 60, tick=True):
        if held_up == "halt":
            ow("newsletters", "go-on")
            due.look(house)
            shown = said("newsletters", "show", "tonight")
            why = "it was approved 24 h ago and could not leave since, and much may have changed: nothing was sent"
            assert (row(house, kept.id).state, f"why {why}" in shown) == ("missed", True)
        else:
            told = said("newsletters", "resume", "tonight")
            sentence = (
                f"Newsletter {kept.id} can't go on: its time has passed, and what had not left by then is not sent."
            )
            assert f"{sentence} Plan it anew." in told
    assert played.counts()["requests"] == 0


def test_a_list_that_doubled_overnight_waits_for_a_person_and_says_so(house: Process, tmp_path: Path) -> None:
    def weekly(many: int) -> None:
        (tmp_path / "weekly.toml").write_text(
            'operation = "omnisense.send_newsletter"\nrecipients = "list.csv"\n'
            "[payload.newsletter]\nnewsletter_template_id = 45\n"
        )
        lines = "".join(f"p{n}@x.example.com\n" for n in range(many))
        (tmp_path / "list.csv").write_text(f"email\n{lines}")

    weekly(100)
    ow("newsletters", "plan", str(tmp_path / "weekly.toml"))
    ow("newsletters", "approve", "weekly", "--recurring")
    weekly(200)
    number = house.ledger.write(lambda tx: slots.ask(tx, "weekly", SLOT, "anna")).id
    start(house, Schedule("weekly", "* * * * *", newsletter=str(tmp_path / "weekly.toml")), number)
    why = "it would go to 200 people, and the last one went to 100"
    shown = said("newsletters", "show", "weekly")
    assert ("state planned" in shown, why in shown) == (True, True)
    assert why in house.ledger.read(lambda tx: slots.get(tx, number)).why
    assert [one.partition(":")[0] for one in alarmed(house) if why in one] == ["newsletter.waits"]


def test_one_whose_time_passed_during_an_outage_says_that_nothing_was_sent(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    kept = approved(house, planned, deliver_at=later(minutes=30))
    with time_machine.travel(time.time() + 3600, tick=True):
        due.look(house)
        shown, alarm = said("newsletters", "show", "tonight"), alarmed(house)
    why = "its time passed before anything of it could leave: nothing was sent"
    assert ("state missed" in shown, f"why {why}" in shown, played.counts()["requests"]) == (True, True, 0)
    sentence = f"newsletter.missed: Newsletter tonight was not sent: {why}. If it is still wanted, plan it anew."
    assert (row(house, kept.id).state, alarm) == ("missed", [sentence])


def test_one_whose_time_passed_on_its_way_says_so(house: Process, planned: Kept, played: Sandbox) -> None:
    approved(house, planned, deliver_at=later(minutes=30))
    with time_machine.travel(time.time() + 16 * 60, tick=True):
        due.look(house)
    with time_machine.travel(time.time() + 3600, tick=True):
        due.look(house)
        shown = said("newsletters", "show", "tonight")
        assert len(alarmed(house)) == 1
    sentence = "why its time passed before anything of it could leave: nothing was sent"
    assert ("state missed" in shown, sentence in shown, "skipped 2 expired 2" in shown) == (True, True, True)


def test_one_that_was_stopped_on_its_way_is_stopped_not_sent(house: Process, planned: Kept) -> None:
    kept = approved(house, planned)
    begun(house, kept)
    ow("newsletters", "stop", "tonight", "--by", "anna")
    assert "state stopped" in said("newsletters", "show", "tonight")
    due.look(house)
    now = row(house, kept.id)
    assert (now.state, now.why) == ("stopped", "newsletter tonight was stopped by anna; it had gone to 0 of 2")


def test_go_on_lets_every_one_go_on_however_many_were_planned_since(house: Process, planned: Kept) -> None:
    started, waits = approved(house, planned), approved(house, planned, name="later", deliver_at=later(hours=2))
    job_id = begun(house, started)
    ow("newsletters", "halt")
    values = dict(waits._mapping) | {"state": "sent", "planned_at": time.time() + 1}
    many = [values | {"id": str(n), "name": "younger", "key": str(n)} for n in range(1001)]
    house.ledger.write(lambda tx: tx.execute(insert(newsletters.newsletters), many))
    ow("newsletters", "go-on")
    assert house.ledger.read(lambda tx: jobs.get(tx, job_id)).state == "running"  # type: ignore[union-attr]
    house.ledger.write(lambda tx: tx.execute(update(newsletters.newsletters).values(not_before=0)))
    due.look(house)
    assert row(house, waits.id).state == "started"


def undecided(house: Process, planned: Kept, played: Sandbox, **more: Any) -> Any:
    """One whose answer was lost, and its job."""
    kept = approved(house, planned, **more)
    house.ledger.write(lambda tx: tx.execute(update(newsletters.newsletters).values(not_before=0)))
    played.fault("cut", times=1, path="/newsletter")
    report = deliver(house, kept.id)
    assert report["state"] == "undecided"
    return kept, report["job"]


def test_nothing_is_sent_by_a_decision_while_all_are_halted(house: Process, planned: Kept, played: Sandbox) -> None:
    _, job_id = undecided(house, planned, played)
    ow("newsletters", "halt", "--by", "anna")
    result = ow("jobs", "decide", job_id, "--send")
    assert (result.exit_code, "All newsletters were halted by anna" in result.stderr) == (1, True)
    ow("newsletters", "go-on")
    assert ow("jobs", "decide", job_id, "--send").exit_code == 0


def test_nothing_is_sent_by_a_decision_after_its_time(house: Process, planned: Kept, played: Sandbox) -> None:
    _, job_id = undecided(house, planned, played, deliver_at=later(minutes=30))
    with time_machine.travel(time.time() + 3600, tick=True):
        result = ow("jobs", "decide", job_id, "--send-again")
        assert (result.exit_code, "The time of newsletter tonight has passed." in result.stderr) == (1, True)
        assert ow("jobs", "decide", job_id, "--was-sent").exit_code == 0


def test_what_is_unsure_says_what_to_look_for_and_nobodys_address(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    _, job_id = undecided(house, planned, played)
    told = said("jobs", "unsure")
    look = (
        "In Omnisense's own console, look among the newsletters for one of template 45 titled “Tonight”, and how many"
    )
    assert (look in told, "This request was for f…@b….com, y…@t….com." in told) == (True, True)
    assert ("foo@bar.com" in told, "newsletter:" in told) == (False, False)
    house.ledger.write(lambda tx: decisions.decide(tx, job_id, "drop", "anna"))


def test_of_one_that_waits_for_a_step_the_step_is_listed_and_decided(
    house: Process, planned: Kept, played: Sandbox
) -> None:
    cascade = {**platforms.operation("flows.cascade_send").example["cascade"], "taskName": "Paid"}
    contact = {"contact": {"email": PEOPLE[0]}}
    kept = approved(house, planned, contact, operation="flows.cascade_send", payload={"cascade": cascade})
    played.fault("cut", times=1, path="/omni-scheduler/api/messages")
    job_id = begun(house, kept)
    for _ in range(2):
        call.move(house, house.ledger.read(lambda tx: jobs.get(tx, job_id)))  # type: ignore[arg-type]
    (one,) = json.loads(ow("jobs", "unsure", "--json").stdout)["unsure"]
    assert (one["job"] != job_id, one["operation"]) == (True, "devino.send_messages")
    assert "whose name begins with “Paid”" in one["look_for"]
    assert [row_["job"] for row_ in json.loads(ow("jobs", "unsure", job_id, "--json").stdout)["unsure"]] == [one["job"]]
    assert f"`omniworker jobs decide {one['job']}` decides it" in ow("jobs", "decide", job_id, "--drop").stderr
    assert ow("jobs", "decide", one["job"], "--was-sent").exit_code == 0


def test_one_that_stumbles_keeps_no_other_from_its_time(
    house: Process, planned: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = approved(house, planned, name="bad"), approved(house, planned, name="good")
    real = due.order_of

    def order_of(said_: Any, payload: Any) -> Any:
        if said_.name == "bad":
            raise LookupError
        return real(said_, payload)

    monkeypatch.setattr(due, "order_of", order_of)
    due.look(house)
    assert [row(house, one.id).state for one in (bad, good)] == ["approved", "started"]
    with time_machine.travel(time.time() + DAY + 60, tick=True):
        due.look(house)
    assert row(house, bad.id).state == "missed"


def test_the_claim_of_one_who_died_ends_with_them(house: Process, planned: Kept) -> None:
    kept = approved(house, planned)
    house.ledger.write(lambda tx: newsletters.take_due(tx, "somebody", due.LEASE))
    house.ledger.write(lambda tx: agenda.end_leases_of(tx, lambda owner: owner == "somebody"))
    assert begun(house, kept) != "None"
