"""Which rows of a file go: the last of equal ones, those that changed, and none once too many were refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from marshmallow import INCLUDE, Schema

from sandbox.server import Sandbox
from tests.worker.runner.conftest import event
from worker import outage, platforms
from worker.ledger import halving, jobs, reports
from worker.operation import Limits, Operation, Repeat
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import results, sending
from worker.runner.unchanged import Prints
from worker.sources.chosen import chosen

EVENTS = "omnisense.import_user_events"
Report = dict[str, Any]
Imported = Callable[..., str]
Move = Callable[[str], Report]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Operation]:
    """Say something else of the operation."""

    def change(rows: dict[str, Any], **facts: Any) -> Operation:
        wanted = platforms.operation(EVENTS)
        assert wanted.rows is not None
        made = replace(wanted, rows=replace(wanted.rows, **rows), **facts)
        known = {**platforms.operations(), EVENTS: made}
        monkeypatch.setattr(platforms, "operations", lambda: known)
        return made

    return change


class Anything(Schema):
    class Meta:
        unknown = INCLUDE


def refusals(house: Process, job: str) -> list[tuple[int, int | None, str]]:
    return [(row.row, row.last, row.code) for row in house.ledger.read(lambda tx: reports.refused_rows(tx, job))]


def job_of(house: Process, job_id: str) -> Any:
    return house.ledger.read(lambda tx: jobs.get(tx, job_id))


def test_of_equal_rows_the_last_goes(imported: Imported, move: Move, played: Sandbox) -> None:
    rows = [event(1, identifier="a"), event(2), event(1, email="P1@shop.example.com", identifier="b")]
    last = event(1, identifier="c")
    report = move(imported(*rows, b"{broken", last, options={"unique": ["email"]}))
    assert (report["rows"]["accepted"], report["skipped_by"], report["refused_by"]) == (
        2,
        {"duplicate": 2},
        {"row.json": 1},
    )
    assert played.taken([*rows, last]) == [0, 1, 0, 1]


def test_rows_are_equal_across_chunks_and_by_what_lies_among_the_other_columns(
    imported: Imported, move: Move, played: Sandbox
) -> None:
    rows = [event(n, segments={"order_id": n % 700}) for n in range(1400)]
    report = move(imported(*rows, options={"unique": "order_id"}))
    assert (report["rows"]["accepted"], report["skipped_by"]) == (700, {"duplicate": 700})
    assert played.taken(rows) == [0] * 700 + [1] * 700


def test_a_row_that_does_not_say_who_it_is_about_goes(imported: Imported, move: Move) -> None:
    report = move(imported(*(event(n, segments={}) for n in range(3)), options={"unique": ["order_id"]}))
    assert (report["rows"]["accepted"], report["rows"]["skipped"]) == (3, 0)


def test_a_task_that_speaks_of_a_column_that_is_not_there_is_refused_where_its_file_is_read(
    imported: Imported, move: Move
) -> None:
    rows = (b"email,date,identifier", b"a@b.co,2026-01-31 12:00:00Z,seen")
    report = move(imported(*rows, options={"unique": ["mail"], "format": "csv"}))
    assert (report["state"], report["rows"]["total"]) == ("failed", 0)
    assert "no column 'mail', of which --unique speaks: did you mean 'email'?" in report["why"]


def test_what_was_accepted_as_it_is_makes_no_call_again(imported: Imported, move: Move, played: Sandbox) -> None:
    options = {"changed_only": True, "unique": ["email"]}
    rows = [event(n) for n in range(600)]
    assert move(imported(*rows, options=options))["rows"]["accepted"] == 600
    asked = played.counts()["requests"]
    report = move(imported(*rows, options=options, key="again"))
    assert (report["state"], report["rows"]["skipped"], report["skipped_by"]) == ("finished", 600, {"unchanged": 600})
    assert played.counts()["requests"] == asked
    rows[7] = event(7, identifier="other")
    report = move(imported(*rows, options=options, key="a third time"))
    assert (report["rows"]["accepted"], report["skipped_by"]) == (1, {"unchanged": 599})


def test_a_row_that_was_once_as_it_is_now_goes_when_something_else_came_between(imported: Imported, move: Move) -> None:
    options = {"changed_only": True, "unique": ["email"]}
    for number, identifier in enumerate("aba"):
        report = move(imported(event(1, identifier=identifier), options=options, key=f"night {number}"))
        assert report["rows"]["accepted"] == 1


def test_what_was_refused_or_lost_is_not_taken_for_accepted(imported: Imported, move: Move, played: Sandbox) -> None:
    options = {"changed_only": True, "unique": ["email"]}
    played.fault("cut", times=1)
    assert move(imported(event(1), options=options, key="lost"))["rows"]["unsure"] == 1
    played.fault("status", status=422, times=1)
    assert move(imported(event(1), options=options, key="refused"))["rows"]["refused"] == 1
    assert move(imported(event(1), options=options, key="at last"))["rows"]["accepted"] == 1


@pytest.mark.parametrize("between", [{"changed_only": True, "unique": ["email"]}, {"unique": ["email"]}])
def test_what_was_accepted_before_something_unsure_goes_again(
    imported: Imported, move: Move, played: Sandbox, between: dict[str, Any]
) -> None:
    options = {"changed_only": True, "unique": ["email"]}
    assert move(imported(event(1), options=options, key="first"))["rows"]["accepted"] == 1
    played.fault("cut", times=1)
    assert move(imported(event(1, identifier="b"), options=between, key="lost"))["rows"]["unsure"] == 1
    assert move(imported(event(1), options=options, key="at last"))["rows"]["accepted"] == 1


def test_without_anybody_who_leaves_out_what_is_unchanged_nothing_is_kept(
    imported: Imported, move: Move, house: Process
) -> None:
    from sqlalchemy import select

    from worker.ledger.fingerprints import fingerprints

    move(imported(event(1), options={"unique": ["email"]}))
    assert house.ledger.read(lambda tx: tx.execute(select(fingerprints)).all()) == []


def test_nothing_of_a_row_is_kept_but_hashes(imported: Imported, move: Move, house: Process) -> None:
    from sqlalchemy import select

    from worker.ledger.fingerprints import fingerprints

    move(imported(event(1), options={"changed_only": True, "unique": ["email"]}))
    kept = house.ledger.read(lambda tx: tx.execute(select(fingerprints)).all())
    assert [(len(row.id), len(row.content)) for row in kept] == [(16, 16)]


def test_another_account_has_seen_nothing(imported: Imported, move: Move, house: Process) -> None:
    options = {"changed_only": True, "unique": ["email"]}
    job = job_of(house, imported(event(1), options=options))
    move(job.id)
    for account, seen in (("omnisense/default", {7}), ("omnisense/other", set())):
        prints = Prints(house.ledger, house.secret, account, platforms.operation(EVENTS), chosen(options))
        assert prints.unchanged(prints.of([7], [json.dumps(event(1)).encode()])) == seen


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"changed_only": True}, "options.changed_only"),
        ({"changed_only": "yes"}, "options.changed_only"),
        ({"unique": []}, "options.unique"),
        ({"unique": [1]}, "options.unique"),
        ({"max_refused": "a few"}, "options.max_refused"),
        ({"max_refused": "101%"}, "options.max_refused"),
    ],
)
def test_what_can_not_be_chosen_is_refused_with_a_sentence(
    house: Process, options: Any, code: str, tmp_path: Any
) -> None:
    with pytest.raises(results.Refused) as wrong:
        read_order(platforms.operation(EVENTS), {"source": str(tmp_path / "x"), "options": options})
    assert (wrong.value.code, wrong.value.reasons[0].endswith(".")) == (code, True)


def test_a_job_whose_first_rows_are_mostly_refused_pauses_and_goes_on_when_told(
    imported: Imported, move: Move, house: Process, played: Sandbox
) -> None:
    rows: list[Any] = [event(n) if n % 2 else b"{broken" for n in range(3000)]
    job = imported(*rows, options={"max_refused": "20%"})
    report = move(job)
    assert report["state"] == "paused"
    assert "500 of the first 1,000 rows were refused, more than the 20%" in report["why"]
    assert f"jobs resume {job}" in report["why"]
    assert played.counts()["distinct"] < 1500
    house.ledger.write(lambda tx: jobs.resume(tx, job))
    report = move(job)
    assert (report["state"], report["rows"]["accepted"], report["rows"]["refused"]) == ("finished", 1500, 1500)


def test_a_few_refused_rows_pause_nothing(imported: Imported, move: Move) -> None:
    rows: list[Any] = [event(n) if n % 10 else b"{broken" for n in range(2000)]
    assert move(imported(*rows, options={"max_refused": "20%"}))["state"] == "finished"


def test_a_refused_request_is_halved_until_the_bad_row_stands_alone(
    imported: Imported, move: Move, house: Process, played: Sandbox, changed: Callable[..., Operation]
) -> None:
    changed({"shape": Anything, "precheck": None}, repeat=Repeat.SAFE)
    rows = [event(n) for n in range(100)]
    rows[41] = event(41, date="never")
    job = imported(*rows)
    report = move(job)
    assert (report["state"], report["rows"]["accepted"], report["rows"]["refused"]) == ("finished", 99, 1)
    assert refusals(house, job) == [(42, None, "omnisense.422")]
    assert job_of(house, job).extra <= halving.MOST_EXTRA
    assert played.counts()["doubled"] == 0


def test_a_harmful_request_is_never_halved(
    imported: Imported, move: Move, house: Process, played: Sandbox, changed: Callable[..., Operation]
) -> None:
    changed({"shape": Anything, "precheck": None})
    job = imported(*(event(n) for n in range(9)), event(9, date="never"))
    assert move(job)["rows"]["refused"] == 10
    assert (refusals(house, job), played.counts()["requests"]) == ([(1, 10, "omnisense.422")], 1)


def test_halving_ends_where_a_job_has_used_up_its_extra_requests(
    imported: Imported, move: Move, house: Process, played: Sandbox, changed: Callable[..., Operation]
) -> None:
    changed({"shape": Anything, "precheck": None}, repeat=Repeat.SAFE, limits=Limits(rows=100, bytes=1 << 20))
    rows = [event(n, **({"date": "never"} if n % 10 == 0 else {})) for n in range(300)]
    report = move(imported(*rows))
    assert report["state"] == "finished"
    assert report["rows"]["accepted"] + report["rows"]["refused"] == 300
    assert played.counts()["requests"] <= 3 + halving.MOST_EXTRA


def test_a_job_pauses_when_the_first_single_rows_are_all_refused(
    imported: Imported, move: Move, house: Process, played: Sandbox, changed: Callable[..., Operation]
) -> None:
    changed({"shape": Anything, "precheck": None}, repeat=Repeat.SAFE)
    job = imported(*(event(n, date="never") for n in range(40)))
    report = move(job)
    assert (report["state"], report["rows"]["refused"]) == ("paused", 8)
    assert "The first 8 rows that went alone were each refused" in report["why"]


@pytest.mark.parametrize("what", ["pause", "cancel", "close"])
def test_a_pause_acts_before_the_next_request_of_rows_that_need_no_mark(
    imported: Imported,
    move: Move,
    house: Process,
    played: Sandbox,
    changed: Callable[..., Operation],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    """Of a safe operation several chunks are claimed at once; somebody acts while the first is on the wire."""
    changed({}, repeat=Repeat.SAFE, limits=Limits(rows=10, bytes=1 << 20))
    job = imported(*(event(n) for n in range(40)))
    acts: dict[str, Callable[[Any], Any]] = {
        "pause": lambda tx: jobs.pause(tx, job, "by the test"),
        "cancel": lambda tx: jobs.stop(tx, job, "cancelled", "cancelled"),
        "close": lambda tx: outage.forbid(tx, "omnisense/default", "by the test"),
    }
    send = sending.send

    def once(*words: Any) -> Any:
        house.ledger.write(acts[what])
        return send(*words)

    monkeypatch.setattr(sending, "send", once)
    report = move(job)
    assert (played.counts()["requests"], report["rows"]["accepted"]) == (1, 10)
    assert report["rows"]["skipped" if what == "cancel" else "pending"] == 30
