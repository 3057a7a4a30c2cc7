"""Rows that are fitted to their job, and rows that stay behind: counted once each, whatever comes of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from sandbox.server import Sandbox
from tests.worker.runner.conftest import event, lines, report
from worker import platforms
from worker.facts.rows import Brief, Rows
from worker.ledger import decisions, jobs
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import results

EVENTS = "omnisense.import_user_events"
Report = dict[str, Any]


@pytest.fixture
def rows_are(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change what the operation says of its rows."""

    def change(**facts: Any) -> None:
        wanted = platforms.operation(EVENTS)
        changed = replace(wanted, rows=replace(wanted.rows or Rows("", Schema), **facts))
        known = {**platforms.operations(), EVENTS: changed}
        monkeypatch.setattr(platforms, "operations", lambda: known)

    return change


SAID_AGAIN = {"unique": ["email"]}


def test_rows_that_stay_behind_are_skipped_by_name_and_the_others_go(imported: Any, move: Any, played: Sandbox) -> None:
    rows = (*(event(n) for n in range(1, 7)), event(2, identifier="later"), event(4, identifier="later"))
    found = move(imported(*rows, b"{broken", options=SAID_AGAIN))
    counted = found["rows"]
    assert (counted["accepted"], counted["refused"], counted["skipped"], counted["total"]) == (6, 1, 2, 9)
    assert found["skipped_by"] == {"duplicate": 2}
    assert played.taken(list(rows)) == [1, 0, 1, 0, 1, 1, 1, 1]


def test_a_chunk_of_which_all_stays_makes_no_call(imported: Any, move: Any, played: Sandbox) -> None:
    """Five hundred rows a request: the first ones are all said again, but for one that can't be read."""
    people = range(1, 500)
    again = (event(n, identifier="later") for n in people)
    found = move(imported(*(event(n) for n in people), b"{broken", *again, options=SAID_AGAIN))
    assert (found["state"], found["skipped_by"], found["refused_by"]) == (
        "finished",
        {"duplicate": 499},
        {"row.json": 1},
    )
    assert (found["chunks"]["done"], played.counts()["requests"], played.counts()["distinct"]) == (2, 1, 499)


@pytest.mark.parametrize(
    ("decision", "accepted", "skipped_by"),
    [("was-sent", 4, {"duplicate": 2}), ("drop", 0, {"dropped": 4, "duplicate": 2})],
)
def test_a_decision_counts_what_stayed_behind_once(
    imported: Any,
    move: Any,
    house: Process,
    played: Sandbox,
    decision: str,
    accepted: int,
    skipped_by: dict[str, int],
) -> None:
    played.fault("cut", times=1)
    job = imported(*(event(n % 4) for n in range(6)), options=SAID_AGAIN)
    assert move(job)["rows"]["unsure"] == 4
    house.ledger.write(lambda tx: decisions.decide(tx, job, decision, "me"))
    found = report(house, job)
    assert (found["rows"]["accepted"], found["skipped_by"], found["state"]) == (accepted, skipped_by, "finished")


def test_what_stayed_behind_is_looked_at_anew_when_the_rest_goes_again(
    imported: Any, move: Any, house: Process, played: Sandbox, tmp_path: Path
) -> None:
    """Rows are unchanged against what was accepted last. That of two of them came between the tries."""
    only_changed = {"unique": ["email"], "changed_only": True}
    move(imported(event(1), event(2), options=only_changed, key="before"))
    played.fault("cut", times=1)
    job = imported(*(event(n) for n in range(1, 7)), options=only_changed, key="cut")
    assert (move(job)["rows"]["unsure"], report(house, job)["skipped_by"]) == (4, {"unchanged": 2})
    between = tmp_path / "between.ndjson"
    between.write_bytes(lines(event(1, identifier="other"), event(2, identifier="other")))
    words = {"source": str(between), "options": only_changed}
    move(intake.put(house, read_order(platforms.operation(EVENTS), words)).id)
    house.ledger.write(lambda tx: decisions.decide(tx, job, "send-again", "me"))
    after = move(job)
    assert (after["rows"]["accepted"], after["rows"]["skipped"], after["state"]) == (6, 0, "finished")


def test_rows_are_fitted_to_what_their_job_says(imported: Any, move: Any, rows_are: Any, played: Sandbox) -> None:
    def fit(row: dict[str, Any], brief: Brief) -> dict[str, Any]:
        if row["email"].startswith("p2@"):
            raise ValidationError(
                {"email": [{"code": "unwanted", "reason": "is not wanted", "advice": "Leave it out."}]}
            )
        return {**row, "identifier": f"asked in {brief.asked_at.year}"}

    rows_are(precheck=None, fit=fit)
    found = move(imported(*(event(n) for n in range(1, 4))))
    assert (found["rows"]["accepted"], found["refused_by"]) == (2, {"email.unwanted": 1})


class Around(Schema):
    cascade = fields.Integer(required=True)


def test_what_stands_around_the_rows_is_checked_whole_and_kept_sealed(
    house: Process, rows_are: Any, tmp_path: Any
) -> None:
    rows_are(around=Around)
    source = tmp_path / "rows.ndjson"
    source.write_text("{}\n")
    words = {"source": str(source), "payload": {"cascade": 4711}}
    order = read_order(platforms.operation(EVENTS), words)
    assert order.kind == "file"
    job = house.ledger.read(lambda tx: jobs.get(tx, intake.put(house, order).id))
    assert job is not None
    assert b"4711" not in job.around
    assert house.seal.open(job.around) == {"cascade": 4711}
    with pytest.raises(results.Refused) as wrong:
        read_order(platforms.operation(EVENTS), {**words, "payload": {"cascade": "x", "y": 1}})
    assert len(wrong.value.reasons) == 2


def test_an_operation_that_takes_nothing_beside_its_rows_says_so(house: Process, tmp_path: Any) -> None:
    with pytest.raises(results.Refused) as wrong:
        read_order(platforms.operation(EVENTS), {"source": str(tmp_path / "x"), "payload": {"a": 1}})
    assert wrong.value.code == "payload.not_taken"
