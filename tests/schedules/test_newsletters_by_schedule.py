"""A slot that plans a newsletter: once, and without a person only while it is what one approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from schedules.schedule import Schedule
from schedules.start import Start
from schedules.wrong import mistakes_of
from tests.schedules.conftest import history
from worker.cli import main, office
from worker.ledger import alarms, newsletters
from worker.newsletters import moves
from worker.processes.process import Process

TEXT = """
operation = "omnisense.send_newsletter"
recipients = ["a@x.example.com", "b@x.example.com"]
[payload.newsletter]
newsletter_template_id = 45
"""
WEEKLY = Schedule("weekly", "* * * * *", newsletter="weekly.toml")
After = Callable[..., list[str]]


@pytest.fixture
def file(own: Process, tmp_path: Path, after: After) -> Path:
    place = tmp_path / "weekly.toml"
    place.write_text(TEXT)
    after(WEEKLY)  # known from now on
    return place


def youngest(own: Process) -> Any:
    return own.ledger.read(lambda tx: newsletters.get(tx, "weekly"))


def test_the_first_waits_for_a_person_and_the_next_goes_by_itself(own: Process, file: Path, after: After) -> None:
    after(WEEKLY, 60)
    first = youngest(own)
    assert (first.state, history(own, WEEKLY)[-1].job_id) == ("planned", None)
    assert "nobody approved a newsletter of this name to recur" in history(own, WEEKLY)[-1].why
    moves.approve(own, first, "anna", recurs=True)
    after(WEEKLY, 60)
    second = youngest(own)
    assert (second.id != first.id, second.state) == (True, "approved")
    assert second.key.startswith("schedule:weekly:")


def test_what_can_not_be_planned_is_missed_with_the_reason(own: Process, file: Path, after: After) -> None:
    file.write_text(TEXT.replace('"a@x.example.com", "b@x.example.com"', '"nobody"'))
    after(WEEKLY, 60)
    last = history(own, WEEKLY)[-1]
    assert (last.state, last.reason, "has nobody to go to: invalid 1" in last.why) == ("missed", "refused", True)


def test_that_one_waits_is_alarmed_until_one_goes(own: Process, file: Path, after: After) -> None:
    after(WEEKLY, 60)
    assert [row.kind for row in own.ledger.read(alarms.raised)] == ["newsletter.waits"]
    moves.approve(own, youngest(own), "anna", recurs=True)
    after(WEEKLY, 60)
    assert [row.kind for row in own.ledger.read(alarms.raised)] == []


def raised(own: Process) -> list[str]:
    return [row.kind for row in own.ledger.read(alarms.raised)]


@pytest.mark.parametrize("move", [moves.approve, moves.stop])
def test_that_one_waits_is_alarmed_until_a_person_has_seen_to_it(
    own: Process, file: Path, after: After, move: Callable[..., Any]
) -> None:
    after(WEEKLY, 60)
    assert raised(own) == ["newsletter.waits"]
    move(own, youngest(own), "anna")
    assert raised(own) == []


def test_that_one_was_missed_is_alarmed_until_one_is_planned(own: Process, file: Path, after: After) -> None:
    file.write_text(TEXT.replace('"a@x.example.com", "b@x.example.com"', '"nobody"'))
    after(WEEKLY, 60)
    assert raised(own) == ["slot.missed"]
    file.write_text(TEXT)
    after(WEEKLY, 60)
    assert raised(own) == ["newsletter.waits"]


@pytest.mark.parametrize("killed_in", ["approve", "slot"])
def test_a_slot_whose_starter_died_takes_up_what_that_one_planned(
    own: Process, file: Path, after: After, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    after(WEEKLY, 60)
    moves.approve(own, youngest(own), "anna", recurs=True)

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        where: Any = moves if killed_in == "approve" else Start
        dying.setattr(where, "approve" if killed_in == "approve" else "_planned", dies)
        with pytest.raises(KeyboardInterrupt):
            after(WEEKLY, 60)
    made = youngest(own)
    file.write_text(TEXT.replace('"a@x.example.com", "b@x.example.com"', ""))
    after(replace(WEEKLY, late="each"), 61)
    second = next(row for row in history(own, WEEKLY) if made.key.endswith(_moment(row.slot)))
    assert (second.state, f"Newsletter {made.id} is approved" in second.why) == ("started", True)


def _moment(slot: int) -> str:
    return WEEKLY.key(slot).removeprefix("schedule:weekly:")


OF_A_SYNC = TEXT.replace('["a@x.example.com", "b@x.example.com"]', '{ schedule = "nightly" }')
NIGHTLY = Schedule("nightly", "* * * * *", "omnisense.import_subscribers", source="people.csv")


def test_one_whose_people_a_sync_brings_waits_for_it(own: Process, file: Path, after: After, tmp_path: Path) -> None:
    file.write_text(OF_A_SYNC)
    (tmp_path / "people.csv").write_text("email\na@x.example.com\n")
    patient = replace(WEEKLY, wait=600.0)
    after(NIGHTLY)
    after(NIGHTLY, 60, ended=False)
    after(patient, ended=False)
    last = history(own, patient)[-1]
    assert (last.state, "It waits for its list: weekly can't be planned: The sync is under way" in last.why) == (
        "due",
        True,
    )
    after(patient, 700, ended=False)
    assert "no_file" in [row.reason for row in history(own, patient)]


def test_history_says_how_its_newsletter_stands_now(
    own: Process, file: Path, after: After, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "for_reading", lambda: own)
    after(WEEKLY, 60)
    made = youngest(own)
    moves.approve(own, made, "anna", recurs=True)
    moves.halt(own, "anna")
    said = CliRunner().invoke(main, ["schedules", "history", "weekly"]).stdout
    assert f"newsletter {made.id}: approved; halted by anna" in said
    told = json.loads(CliRunner().invoke(main, ["schedules", "history", "weekly", "--json"]).stdout)["history"]
    assert [one["newsletter"] for one in told if one["newsletter"]] == [made.id]


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (Schedule("weekly", "* * * * *"), "operation is missing; or name the file of a newsletter."),
        (Schedule("weekly", "* * * * *", "x.y", newsletter="weekly.toml"), "leave out operation."),
        (Schedule("weekly", "* * * * *", newsletter="nowhere.toml"), "newsletter: "),
    ],
)
def test_a_schedule_that_could_plan_nothing_is_refused(file: Path, schedule: Schedule, sentence: str) -> None:
    assert any(sentence in one for one in mistakes_of(schedule))
