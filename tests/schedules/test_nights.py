"""A week of nights: what became of each is as docs/operate.md says."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select, update

from schedules.look import look_at
from tests.documented_nights import Night, documented
from tests.schedules.conftest import file, history
from worker.ledger import alarms
from worker.ledger.tables import jobs
from worker.processes.process import Process

# As the page calls the night: minutes after the slot at which the file comes (None: never), its rows, what becomes of
# its job. What is sent is simulated here; `make lab` sends it (tests/lab/week.py).
NIGHTS = (
    ("there in time", -60, 100, "finished"),
    ("late, but within wait", 120, 110, "finished"),
    ("missing", None, 0, None),
    ("half the size of the last one", -60, 40, "cancelled"),
    ("there, and an answer of the platform was lost", -60, 110, "undecided"),
    ("there, after a night that is undecided", -60, 120, "finished"),
    ("beat away until noon", -60, 130, "finished"),
)
STARTED_AFTER = [0, 120, None, 0, 0, 0, 570]  # minutes, give or take the looks
GOES = {"finished": "planning", "undecided": "planning"}  # nobody moves a job here
AWAY = {"beat away until noon": Night("started", "finished", "all", "some", "none")}


@pytest.fixture
def database() -> str:
    return "sqlite"


def test_a_week_of_nights(own: Process, clock: time_machine.Traveller, tmp_path: Path) -> None:
    one = file(cron="30 2 * * *", source="rows-{date:%Y-%m-%d}.ndjson", wait=4 * 3600, size_within=50, grace=3600)
    look_at(own, one)
    states, told = [], []
    for number, (_, comes, rows, ending) in enumerate(NIGHTS):
        slot = dt.datetime(2026, 11, 27 + number, 2, 30, tzinfo=dt.UTC) if number < 4 else _december(number)
        for minutes in range(-70, 700, 5):
            clock.move_to(slot + dt.timedelta(minutes=minutes))
            if minutes == comes:
                (tmp_path / f"rows-{slot:%Y-%m-%d}.ndjson").write_text("{}\n" * rows)
            if number < 6 or minutes >= 570:
                look_at(own, one)
        states.append(history(own, one)[-1].job_state or "none")
        told.append([row.kind for row in own.ledger.read(alarms.raised)])
        own.ledger.write(lambda tx, e=ending: e and _end(tx, e))
    rows_of = history(own, one)
    page = documented() | AWAY
    said = [page[name] for name, *_ in NIGHTS]
    assert [row.reason or row.state for row in rows_of] == [one.slot for one in said]
    assert states == [GOES.get(one.job, one.job) for one in said]
    assert [", ".join(kinds) or "none" for kinds in told] == [one.alarm for one in said]
    after = [None if row.state == "missed" else (row.settled_at - row.slot) / 60 for row in rows_of]
    pairs = zip(after, STARTED_AFTER, strict=True)
    assert all(found == wanted or 0 <= found - wanted <= 15 for found, wanted in pairs), after  # type: ignore[operator]
    assert len(own.ledger.read(lambda tx: tx.execute(select(jobs.c.id)).all())) == 6


def _december(number: int) -> dt.datetime:
    return dt.datetime(2026, 12, number - 3, 2, 30, tzinfo=dt.UTC)


def _end(tx: object, ending: str) -> bool:
    going = update(jobs).where(jobs.c.state.in_(("planning", "paused")))
    tx.execute(going.values(state=ending))  # type: ignore[attr-defined]
    return True
