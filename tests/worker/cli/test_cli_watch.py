"""A command that waits: what it draws, when it ends, and with which exit status."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from tests.worker.cli.conftest import Job, Ow
from worker import outage
from worker.cli import progress, watch
from worker.cli.progress import Lines, Speed, words
from worker.ledger import jobs, owners, posts
from worker.operation import Pace
from worker.outcome import Refusal

REFUSAL = Refusal(3, "email.missing", "email is missing.", "Add it.")


def report(state: str = "finished", **rows: int) -> dict[str, Any]:
    names = ("total", "accepted", "refused", "unsure", "skipped", "pending", "repeated")
    chunks = {"total": 1, "waiting": 0, "sending": 0, "done": 1, "unsure": 0}
    return {"state": state, "rows": dict.fromkeys(names, 0) | rows, "chunks": chunks}


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (report(accepted=5, skipped=1), 0),
        (report(refused=1), 3),
        (report("undecided", unsure=1, refused=1), 4),
        (report("failed", unsure=1, refused=1), 1),
        (report("cancelled"), 1),
        (report("paused", unsure=1), 1),
    ],
)
def test_the_gravest_wins(found: dict[str, Any], status: int) -> None:
    assert watch.status_of(found) == status


def test_a_job_that_is_over_ends_at_once_with_its_report(job: Job, ow: Ow) -> None:
    job.accept(REFUSAL)
    for _ in range(3):
        job.accept()
    result = ow("jobs", "watch", job.id)
    assert result.exit_code == 3
    assert "finished after" in result.stdout
    assert result.stderr == "finished, 2,000 of 2,000 rows, 100 %, 1 refused\n"


def test_json_keeps_everything_but_the_report_off_standard_output(job: Job, ow: Ow) -> None:
    for _ in range(3):
        job.accept()
    job.lose()
    result = ow("jobs", "watch", job.id, "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["state"] == "undecided"
    assert "500 unsure" in result.stderr


def test_it_waits_for_what_a_worker_does(job: Job, ow: Ow) -> None:
    job.own.ledger.write(lambda tx: posts.seen(tx, owners.me(), "worker.1"))
    for _ in range(3):
        job.accept()
    later = threading.Timer(1.0, job.accept)
    later.start()
    result = ow("jobs", "watch", job.id)
    later.join()
    assert result.exit_code == 0
    assert result.stderr.startswith("1,500 of 2,000 rows, 75 %")


def test_a_closed_account_ends_it_with_how_to_open_it(job: Job, ow: Ow) -> None:
    job.own.ledger.write(lambda tx: outage.forbid(tx, "omnisense/default", "Omnisense answered 401"))
    result = ow("jobs", "watch", job.id, "--json")
    assert result.exit_code == 1
    assert "omniworker accounts resume omnisense/default" in result.stderr
    assert json.loads(result.stdout)["state"] == "running"


def test_control_c_leaves_the_job_and_says_how_to_come_back(job: Job, ow: Ow, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", interrupt)
    result = ow("jobs", "watch", job.id, "--json")
    assert result.exit_code == 130
    assert f"`omniworker jobs watch {job.id}` comes back" in result.stderr
    assert json.loads(result.stdout)["state"] == "running"


def test_what_is_on_the_wire_of_a_cancelled_job_is_waited_for(job: Job, ow: Ow) -> None:
    held = job.send()
    ow("jobs", "cancel", job.id)
    settled = threading.Timer(0.7, lambda: job.own.ledger.write(lambda tx: watch_settle(tx, held)))
    settled.start()
    result = ow("jobs", "watch", job.id, "--json")
    settled.join()
    rows = json.loads(result.stdout)["rows"]
    assert result.exit_code == 1
    assert (rows["accepted"], rows["skipped"], rows["pending"]) == (500, 1500, 0)


def watch_settle(tx: Any, held: Any) -> bool:
    from worker.ledger import chunks
    from worker.outcome import accepted

    return chunks.settle(tx, held, accepted(500))


def test_a_worker_that_is_known_to_be_dead_does_not_count(job: Job, ow: Ow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.0)
    dead = f"{owners.machine()}:999999999:1"
    job.own.ledger.write(lambda tx: posts.seen(tx, dead, "worker.1"))
    result = ow("jobs", "watch", job.id)
    assert result.exit_code == 1
    assert "No worker is running" in result.stderr


def test_the_line_names_rows_share_speed_and_time_at_the_pace() -> None:
    found = report("running", total=10_000, pending=7_500, refused=3)
    found["chunks"] |= {"waiting": 14, "sending": 1}
    assert words(found, Pace(5, 1), 250.4) == "2,500 of 10,000 rows, 25 %, 250 rows/s, 3 s left at 5 calls/s, 3 refused"
    assert "18 s left at 50 calls in 60 s" in words(found, Pace(50, 60), 0)


def test_speed_is_that_of_the_last_ten_seconds() -> None:
    speed = Speed()
    assert speed.saw(0, 100.0) == 0
    assert speed.saw(500, 101.0) == 500
    assert speed.saw(500, 110.5) == 0


def test_lines_come_only_when_something_changed_and_not_too_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    lines = Lines(Pace(5, 1))
    for now, pending in ((1.0, 9), (2.0, 8), (3.5, 8), (9.0, 8), (12.0, 7)):  # noqa: B007 - the clock reads it
        lines.draw(report("running", total=10, pending=pending))
    shown = [line.split()[0] for line in capsys.readouterr().err.splitlines()]
    assert shown == ["1", "2", "3"]


def test_a_terminal_gets_one_moving_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    bar = progress.progress(Pace(5, 1))
    bar.draw(report("running", total=10, pending=5))
    bar.say("Half-way [there].")
    bar.close()
    captured = capsys.readouterr()
    assert "5 of 10 rows, 50 %" in captured.err
    assert "Half-way [there]." in captured.err
    assert captured.out == ""


def test_a_paused_job_ends_the_waiting(job: Job, ow: Ow) -> None:
    job.own.ledger.write(lambda tx: jobs.pause(tx, job.id, "Paused by ada."))
    result = ow("jobs", "watch", job.id)
    assert result.exit_code == 1
    assert "Paused by ada." in result.stdout
