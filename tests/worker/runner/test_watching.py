"""Cascades that we made are read until they have ended, and their end is announced once, on both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from sandbox.server import Sandbox
from worker import platforms
from worker.ledger import jobs
from worker.ledger import watched as ledger_watched
from worker.ledger.notices import notices as table
from worker.ledger.types import Row
from worker.ledger.watched import watched
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import call
from worker.runner.watching import watch

CREATE = "devino.create_cascade"


@pytest.fixture
def cascade(house: Process) -> str:
    """One that we made, by its id at Devino."""
    asked = platforms.operation(CREATE)
    order = read_order(asked, {"payload": {**asked.example, "type": "API"}, "key": "one"})
    recorded = house.ledger.write(lambda tx: intake.record(house, tx, order, None))
    job = house.ledger.read(lambda tx: jobs.get(tx, recorded.job_id))
    assert job is not None
    call.move(house, job)
    call.move(house, job)  # the first may only have made the budget
    watch(house)
    (row,) = rows(house)
    return str(row.subject)


def rows(house: Process) -> list[Row[Any]]:
    return house.ledger.read(lambda tx: ledger_watched.all_of(tx, "devino/default"))


def look(house: Process) -> Row[Any]:
    house.ledger.write(lambda tx: tx.execute(update(watched).values(not_before=0)))
    watch(house)
    return rows(house)[0]


def finished(house: Process) -> list[Any]:
    wanted = select(table.c.content).where(table.c.kind == "devino.cascade_finished")
    return [house.seal.open(one) for one in house.ledger.read(lambda tx: tx.execute(wanted).scalars().all())]


def ends(played: Sandbox, cascade: str) -> None:
    """Its time is over, and seven messages went out."""
    role: Any = played._stage.role_called("Devino")
    found = next(one for account in role.accounts.values() for one in account.shelf.all() if str(one.id) == cascade)
    for trigger in found.triggers:
        trigger.asked |= {"startTime": "2026-01-01 10:00:00", "endTime": "2026-01-01 11:00:00"}
    found.triggers[0].total = 7


def test_a_cascade_is_read_ever_less_often_and_its_end_announced_once(
    house: Process, played: Sandbox, cascade: str
) -> None:
    waits = []
    for _ in range(3):
        row = look(house)
        waits.append(round(row.not_before - row.created_at, -1))
    assert (row.state, row.ended_at, finished(house)) == ("NEW", None, [])
    assert waits == sorted(waits) and waits[2] >= 200
    ends(played, cascade)
    row = look(house)
    counters = {"totalCount": 7, "successCount": 7, "errorCount": 0}
    assert (row.state, json.loads(row.counters)) == ("FINISHED", counters)
    assert row.ended_at is not None
    look(house)
    assert finished(house) == [{"id": cascade, "state": "FINISHED", "counters": counters}]


def test_while_devino_is_away_it_waits(house: Process, played: Sandbox, cascade: str) -> None:
    played.fault("status", path=f"/omni-task-api/tasks/{cascade}", status=500, times=1)
    row = look(house)
    assert (row.state, row.ended_at) == ("", None)
    assert look(house).state == "NEW"


def test_one_that_devino_does_not_know_is_asked_for_no_more(house: Process, cascade: str) -> None:
    house.ledger.write(lambda tx: tx.execute(update(watched).values(subject="999999")))
    row = look(house)
    assert (row.state, row.ended_at is not None, finished(house)) == ("", True, [])


def test_how_far_it_is_shows_at_its_job_and_under_its_id(
    house: Process, played: Sandbox, cascade: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.cli import main, office

    monkeypatch.setattr(office, "for_reading", lambda: house)
    ends(played, cascade)
    job = look(house).job_id
    shown = CliRunner().invoke(main, ["jobs", "show", job])
    assert "what it made, as last seen" in shown.stdout
    assert "errorCount 0, successCount 7, totalCount 7" in shown.stdout
    found = json.loads(CliRunner().invoke(main, ["find", cascade, "--json"]).stdout)["watched"]
    counters = {"totalCount": 7, "successCount": 7, "errorCount": 0}
    assert [(one["id"], one["state"], one["counters"], one["job"]) for one in found] == [
        (cascade, "FINISHED", counters, job)
    ]
    assert "errorCount 0" in CliRunner().invoke(main, ["find", cascade]).stdout
