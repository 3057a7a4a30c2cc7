"""`omniworker schedules …`: what it shows, what it refuses, and how a person steps in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.worker.cli.conftest import Ow, event, folder, forget, ow  # noqa: F401 - fixtures

MINE = """
[mine]
cron = "30 2 * * *"
time_zone = "Europe/Moscow"
operation = "omnisense.import_user_events"
source = "events-{date:%Y-%m-%d}.ndjson"
size_within = "20%"
"""


@pytest.fixture
def mine(folder: Path, ow: Ow, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    (folder / "mine.toml").write_text(MINE)
    monkeypatch.setenv("SCHEDULES_FILE", "mine.toml")
    assert ow("migrate").exit_code == 0
    return folder


def asked(ow: Ow, *words: str) -> Any:  # noqa: F811
    return json.loads(ow("schedules", *words, "--json").stdout)


def rows(folder: Path, day: str, count: int) -> None:  # noqa: F811
    (folder / f"events-{day}.ndjson").write_text("".join(f"{event(n)}\n" for n in range(count)))


def test_next_is_told_in_both_times(mine: Path, ow: Ow) -> None:  # noqa: F811
    found = asked(ow, "next", "mine", "--count", "3")["next"]
    assert len(found) == 3
    assert all(one["slot"].endswith("T23:30:00Z") for one in found)
    assert all(one["local"].endswith("T02:30+03:00") for one in found)


def test_next_of_all_names_each_slots_own_schedule(mine: Path, ow: Ow) -> None:  # noqa: F811
    other = MINE.replace("[mine]", "[zenith]").replace("30 2", "0 7")
    (mine / "mine.toml").write_text(MINE + other)
    told = {(one["slot"][11:], one["schedule"]) for one in asked(ow, "next", "--count", "100")["next"]}
    assert {named for time, named in told if time == "23:30:00Z"} == {"mine"}
    assert {named for time, named in told if time == "04:00:00Z"} == {"zenith"}


def test_a_night_is_made_up_for_and_none_runs_twice(mine: Path, ow: Ow) -> None:  # noqa: F811
    result = ow("schedules", "run", "mine", "--at", "2026-01-31T02:30")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "events-2026-01-31.ndjson does not exist" in result.stderr
    rows(mine, "2026-01-31", 10)
    job = asked(ow, "run", "mine", "--at", "2026-01-31T02:30", "--by", "anna")["job"]
    again = ow("schedules", "run", "mine", "--at", "2026-01-30T23:30Z")
    assert again.exit_code == 1
    assert f"was started: job {job}" in again.stderr
    (line,) = asked(ow, "history", "mine")["history"]
    assert (line["state"], line["job"], line["asked_by"]) == ("started", job, "anna")
    assert job in ow("schedules", "history").stdout


def test_half_a_file_pauses_its_job_and_says_so(mine: Path, ow: Ow) -> None:  # noqa: F811
    for day, count in (("2026-01-30", 10), ("2026-01-31", 5)):
        rows(mine, day, count)
        job = asked(ow, "run", "mine", "--at", f"{day}T02:30")["job"]
        if count == 10:
            _finish(job)
    report = json.loads(ow("jobs", "show", job, "--json").stdout)
    assert report["state"] == "paused"
    assert "differs by more than 20 %" in report["why"]
    assert f"omniworker jobs resume {job}" in report["why"]


def _finish(job: str) -> None:
    from sqlalchemy import update

    from worker.ledger.tables import jobs
    from worker.processes.process import process

    process().ledger.write(lambda tx: tx.execute(update(jobs).where(jobs.c.id == job).values(state="finished")))


def test_the_job_before_it_has_to_be_over(mine: Path, ow: Ow) -> None:  # noqa: F811
    for day in ("2026-01-30", "2026-01-31"):
        rows(mine, day, 10)
    job = asked(ow, "run", "mine", "--at", "2026-01-30T02:30")["job"]
    result = ow("schedules", "run", "mine", "--at", "2026-01-31T02:30")
    assert result.exit_code == 1
    assert f"Job {job} of an earlier slot was not over" in result.stderr


def test_pause_names_who_did_it_and_resume_goes_on(mine: Path, ow: Ow) -> None:  # noqa: F811
    assert asked(ow, "pause", "mine", "--by", "anna") == {"schedule": "mine", "state": "paused"}
    assert ow("schedules", "pause", "mine").stderr == "mine is paused already.\n"
    assert asked(ow, "list")["schedules"][-1]["paused_by"] == "anna"
    assert ow("schedules", "resume", "mine").exit_code == 0
    assert ow("schedules", "resume", "mine").stderr == "mine is not paused.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "mein"), "There is no schedule 'mein'. Did you mean mine?"),
        (("run", "mine", "--at", "soon"), "'soon' is no time"),
        (("next", "other"), "There is no schedule 'other'."),
    ],
)
def test_words_that_are_off_are_a_sentence(mine: Path, ow: Ow, words: tuple[str, ...], said: str) -> None:  # noqa: F811
    result = ow("schedules", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_file_is_refused_by_the_commands_and_the_doctor(mine: Path, ow: Ow) -> None:  # noqa: F811
    (mine / "mine.toml").write_text(MINE.replace("30 2", "61 2").replace("size_within", "size_witin"))
    for words in (("schedules", "list"), ("schedules", "next"), ("doctor",)):
        result = ow(*words)
        assert result.exit_code == 1
        assert "cron can't be read: Bad minute" in result.output
        assert "did you mean size_within?" in result.output
