"""A process with a ledger of its own, a real Redis for the budget, and the sandbox, as the runner's tests have it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.runner.conftest import house, played, woken
from worker.ledger import jobs, newsletters, reports
from worker.newsletters import document, due, plan
from worker.newsletters.plan import Plan
from worker.processes.process import Process
from worker.runner import call

__all__ = ["house", "played", "woken"]

LETTER = {"newsletter": {"newsletter_template_id": 45, "title": "Tonight"}}
Say = Callable[..., Plan]
Kept = Callable[..., Any]


@pytest.fixture(autouse=True)
def nobody_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "wake_up", lambda _job: True)


@pytest.fixture
def planned(house: Process) -> Kept:
    """Plan a newsletter to these people and keep it; its row."""

    def make(*people: Any, **said: Any) -> Any:
        whole = {"name": "tonight", "operation": "omnisense.send_newsletter", "payload": LETTER}
        whole |= {"recipients": list(people)} | said
        made = plan.make(house, document.of(whole, "tonight"))
        return row(house, plan.keep(house, made, "anna"))

    return make


@pytest.fixture
def segment(tmp_path: Path) -> Callable[[str], str]:
    """A file of people."""

    def write(text: str) -> str:
        file = tmp_path / "segment.csv"
        file.write_text(text)
        return str(file)

    return write


def row(house: Process, name: str) -> Any:
    found = house.ledger.read(lambda tx: newsletters.get(tx, name))
    assert found is not None
    return found


def deliver(house: Process, name: str) -> dict[str, Any]:
    """The sweeper comes by, and a worker moves the job that it started; the job's report."""
    due.look(house)
    job_id = row(house, name).job_id
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    call.move(house, job)
    due.look(house)
    report = house.ledger.read(lambda tx: reports.of(tx, job_id))
    assert report is not None
    return report
