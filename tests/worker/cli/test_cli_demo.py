"""The demo's parts: its file, its folder, its person at the console, its sums. The whole is run by `make demo`."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import demo_events
from sandbox.server import Sandbox, start
from tests.worker.cli.conftest import IMPORT, Job, Ow
from worker.checking.check import check_lines
from worker.cli import demo_house
from worker.cli.demo import differences
from worker.cli.demo_console import decide_all
from worker.cli.sentences import Failed
from worker.ledger import decisions, jobs, reports
from worker.platforms import operation
from worker.runner.preparing import prepare
from worker.runner.sending import send

ROWS = ("total", "accepted", "refused", "unsure", "skipped", "pending", "repeated")


def test_the_file_is_the_same_every_time_and_no_two_events_are_alike() -> None:
    first, second = list(demo_events.lines(3000)), list(demo_events.lines(3000))
    assert first == second
    assert len(set(first)) == 3000


def test_one_row_in_a_thousand_is_broken_and_each_kind_is_refused_for_another_reason() -> None:
    rows = operation(IMPORT).rows
    assert rows is not None
    lines = [line.encode() for line in demo_events.lines(12_000)]
    checked = check_lines(range(1, 12_001), lines, rows)
    codes = Counter(refusal.code for refusal in checked.refusals)
    assert len(checked.rows) == 11_988
    assert list(codes.values()) == [2] * 6


def test_the_house_gives_back_folder_environment_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
    before, at = dict(os.environ), Path.cwd()
    with demo_house.house({"OMNISENSE_PACE": "1/s"}) as folder:
        assert Path.cwd() == folder
        assert "DATABASE_URL" not in os.environ
        assert os.environ["OMNISENSE_PACE"] == "1/s"
    assert (dict(os.environ), Path.cwd()) == (before, at)
    assert not folder.exists()


def test_the_house_is_left_in_order_when_it_is_told_to_go() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as leaving, demo_house.house({}) as folder:
        os.kill(os.getpid(), signal.SIGTERM)
    assert leaving.value.code == 143
    assert not folder.exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_up_that_does_not_start_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_house, "UP", ("sh", "-c", "echo There is no Redis; exit 3"))
    with demo_house.house({}), pytest.raises(Failed, match="There is no Redis"), demo_house.running():
        pytest.fail("it does not run")


@pytest.fixture
def sandbox(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with start() as playing:
        for name, value in playing.environment().items():
            monkeypatch.setenv(name, value)
        yield playing


def test_the_person_at_the_console_looks_each_request_up_and_decides(sandbox: Sandbox, ow: Ow, events: Path) -> None:
    job = Job(ow("import", IMPORT, "events.ndjson").stdout.strip()).plan()
    job.lose()  # this one never arrived
    deliver_and_lose(job)
    for _ in range(2):
        job.accept()
    row = job.own.ledger.read(lambda tx: jobs.get(tx, job.id))
    decide_all(job.own, row, sandbox.taken)  # type: ignore[arg-type]
    report = job.own.ledger.read(lambda tx: reports.of(tx, job.id))
    assert report is not None
    assert report["rows"] | {"total": 0} == dict.fromkeys(ROWS, 0) | {"accepted": 1500, "pending": 500}
    assert job.own.ledger.read(decisions.unsure) == []


def deliver_and_lose(job: Job) -> None:
    from worker.ledger import chunks, claims

    row: Any = job.own.ledger.read(lambda tx: jobs.get(tx, job.id))
    (chunk,) = job.own.ledger.write(lambda tx: chunks.claim(tx, job.id, "somebody", 60))
    consignment = prepare(job.own, row, chunk)
    job.own.ledger.write(lambda tx: chunks.mark(tx, claims.of(chunk), ()))
    send(job.own, consignment, consignment.pack())
    job.own.ledger.write(lambda tx: chunks.lose(tx, claims.of(chunk), "killed"))


def report(state: str = "finished", **rows: int) -> dict[str, Any]:
    return {"state": state, "rows": dict.fromkeys(ROWS, 0) | rows}


@pytest.mark.parametrize(
    ("found", "counts", "said"),
    [
        (report(accepted=9, refused=1), {"distinct": 9, "doubled": 0}, ""),
        (report(accepted=8, refused=1), {"distinct": 8, "doubled": 0}, "10 rows, the report tells of 9"),
        (report(accepted=9, refused=1), {"distinct": 8, "doubled": 0}, "9 rows are reported as accepted, 8 were taken"),
        (report(accepted=9, refused=1), {"distinct": 9, "doubled": 2}, "2 rows were taken twice"),
        (report("failed", accepted=9, refused=1), {"distinct": 9, "doubled": 0}, "failed, not finished"),
    ],
)
def test_sums_that_dont_meet_are_named(found: dict[str, Any], counts: dict[str, int], said: str) -> None:
    sentences = differences(found, counts, 10)
    assert said in "".join(sentences)
    assert bool(sentences) == bool(said)
