"""Rows that are fitted to their job, and rows that stay behind: counted once each, whatever comes of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from sandbox.server import Sandbox
from tests.worker.runner.conftest import event
from worker import platforms
from worker.facts.rows import Brief, Rows
from worker.ledger import decisions, jobs, reports
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import results, sieves
from worker.runner.sieves import Sifting

EVENTS = "omnisense.import_user_events"
Report = dict[str, Any]


@pytest.fixture
def every_third_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def third(sifting: Sifting) -> Mapping[int, str]:
        return {at: "seen" for at, number in enumerate(sifting.checked.numbers) if number % 3 == 0}

    monkeypatch.setattr(sieves, "SIEVES", (third,))


@pytest.fixture
def rows_are(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change what the operation says of its rows."""

    def change(**facts: Any) -> None:
        wanted = platforms.operation(EVENTS)
        changed = replace(wanted, rows=replace(wanted.rows or Rows("", Schema), **facts))
        known = {**platforms.operations(), EVENTS: changed}
        monkeypatch.setattr(platforms, "operations", lambda: known)

    return change


def test_rows_that_stay_behind_are_skipped_by_name_and_the_others_go(
    imported: Any, move: Any, played: Sandbox, every_third_stays: None
) -> None:
    report = move(imported(*(event(n) for n in range(1, 9)), b"{broken"))
    rows = report["rows"]
    assert (rows["accepted"], rows["refused"], rows["skipped"], rows["total"]) == (6, 1, 2, 9)
    assert report["skipped_by"] == {"seen": 2}
    assert played.counts()["distinct"] == 6


def test_a_chunk_of_which_all_stays_makes_no_call(
    imported: Any, move: Any, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sieves, "SIEVES", (lambda sifting: dict.fromkeys(range(len(sifting.checked.rows)), "seen"),))
    report = move(imported(event(1), b"{broken", event(3)))
    assert (report["state"], report["skipped_by"], report["refused_by"]) == ("finished", {"seen": 2}, {"row.json": 1})
    assert played.counts()["requests"] == 0


@pytest.mark.parametrize(
    ("decision", "accepted", "skipped_by"), [("was-sent", 4, {"seen": 2}), ("drop", 0, {"dropped": 4, "seen": 2})]
)
def test_a_decision_counts_what_stayed_behind_once(
    imported: Any,
    move: Any,
    house: Process,
    played: Sandbox,
    every_third_stays: None,
    decision: str,
    accepted: int,
    skipped_by: dict[str, int],
) -> None:
    played.fault("cut", times=1)
    job = imported(*(event(n) for n in range(1, 7)))
    assert move(job)["rows"]["unsure"] == 4
    house.ledger.write(lambda tx: decisions.decide(tx, job, decision, "me"))
    report = house.ledger.read(lambda tx: reports.of(tx, job)) or {}
    assert (report["rows"]["accepted"], report["skipped_by"], report["state"]) == (accepted, skipped_by, "finished")


def test_what_stayed_behind_is_looked_at_anew_when_the_rest_goes_again(
    imported: Any, move: Any, house: Process, played: Sandbox, every_third_stays: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    played.fault("cut", times=1)
    job = imported(*(event(n) for n in range(1, 7)))
    move(job)
    monkeypatch.setattr(sieves, "SIEVES", ())
    house.ledger.write(lambda tx: decisions.decide(tx, job, "send-again", "me"))
    report = move(job)
    assert (report["rows"]["accepted"], report["rows"]["skipped"], report["state"]) == (6, 0, "finished")


def test_rows_are_fitted_to_what_their_job_says(imported: Any, move: Any, rows_are: Any, played: Sandbox) -> None:
    def fit(row: dict[str, Any], brief: Brief) -> dict[str, Any]:
        if row["email"].startswith("p2@"):
            raise ValidationError(
                {"email": [{"code": "unwanted", "reason": "is not wanted", "advice": "Leave it out."}]}
            )
        return {**row, "identifier": f"asked in {brief.asked_at.year}"}

    rows_are(precheck=None, fit=fit)
    report = move(imported(*(event(n) for n in range(1, 4))))
    assert (report["rows"]["accepted"], report["refused_by"]) == (2, {"email.unwanted": 1})


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
    from worker.orders import intake

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
