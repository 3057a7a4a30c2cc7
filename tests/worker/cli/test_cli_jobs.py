"""`omniworker jobs …` on a job whose chunks were moved by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.cli.conftest import CALL, Job, Ow
from worker.cli import refused, show
from worker.cli.progress import words
from worker.ledger import jobs, retention
from worker.ledger.types import Connection
from worker.operation import Pace
from worker.outcome import Refusal
from worker.platforms import operation

Document = Callable[..., Any]


def missing(row: int, code: str = "email.missing") -> Refusal:
    return Refusal(row, code, "email is missing.", "Add it.")


def test_show_is_the_report_of_the_documents(job: Job, document: Document) -> None:
    job.accept(missing(3))
    job.lose()
    report = document("jobs", "show", job.id)
    assert report["rows"] == {
        "total": 2000,
        "accepted": 499,
        "refused": 1,
        "unsure": 500,
        "skipped": 0,
        "pending": 1000,
        "repeated": 0,
    }
    assert report["refused_by"] == {"email.missing": 1}
    assert report["chunks"] == {
        "total": 4,
        "waiting": 2,
        "sending": 0,
        "awaiting": 0,
        "done": 1,
        "unsure": 1,
        "unsent": 0,
    }


def test_the_report_for_people_has_the_same_numbers(job: Job, ow: Ow) -> None:
    job.accept(missing(3))
    text = ow("jobs", "show", job.id).stdout
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in text.splitlines()}
    assert lines["refused"] == "1 email.missing 1"
    assert (lines["total"], lines["accepted"], lines["pending"]) == ("2,000", "499", "1,500")
    assert lines["requests"] == "4: 3 waiting, 1 done"


def test_requests_that_the_platform_has_still_to_tell_of_are_named(job: Job, document: Document) -> None:
    report = document("jobs", "show", job.id)
    report["chunks"] |= {"waiting": 1, "sending": 3, "awaiting": 2}
    assert "4: 1 waiting, 1 sending, 2 awaiting" in show.report_text(report)
    said = words({**report, "state": "running"}, Pace(400, 60), 0.0)
    assert "2 requests taken, to be told of" in said


def test_list_shows_the_youngest_and_only_the_states_asked_for(job: Job, ow: Ow, document: Document) -> None:
    second = ow("import", "omnisense.import_user_events", "events.ndjson").stdout.strip()
    ow("jobs", "cancel", second)
    assert [report["job"] for report in document("jobs", "list")["jobs"]] == [second, job.id]
    assert [report["job"] for report in document("jobs", "list", "--state", "cancelled")["jobs"]] == [second]
    assert [report["job"] for report in document("jobs", "list", "--most", "1")["jobs"]] == [second]
    assert ow("jobs", "list", "--state", "failed").stderr == "There is no such job.\n"


@pytest.mark.parametrize("command", ["show", "watch", "pause", "resume", "cancel", "refused", "unsure"])
def test_a_job_that_is_not_there_is_a_sentence(command: str, job: Job, ow: Ow) -> None:
    result = ow("jobs", command, "nothere")
    assert result.exit_code == 1
    assert result.stderr == "There is no job 'nothere' in this ledger: `omniworker jobs list` shows the newest.\n"


def test_pause_and_resume_and_cancel_say_the_state(job: Job, ow: Ow, document: Document) -> None:
    assert ow("jobs", "pause", job.id, "--by", "ada").stdout == f"Job {job.id} is paused.\n"
    why = document("jobs", "show", job.id)["why"]
    assert why == f"Paused by ada; `omniworker jobs resume {job.id}` goes on."
    assert document("jobs", "resume", job.id)["state"] == "running"
    assert document("jobs", "cancel", job.id)["skipped_by"] == {"cancelled": 2000}


@pytest.mark.parametrize(("move", "first"), [("resume", None), ("pause", "cancel"), ("cancel", "cancel")])
def test_a_move_that_the_state_does_not_allow_is_a_sentence(move: str, first: str | None, job: Job, ow: Ow) -> None:
    if first:
        ow("jobs", first, job.id)
    result = ow("jobs", move, job.id)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Job {job.id} is ")
    assert "only a job that is " in result.stderr


def test_refused_rows_are_listed_in_text_and_json(job: Job, ow: Ow, document: Document) -> None:
    job.accept(missing(3), missing(9))
    assert ow("jobs", "refused", job.id).stdout.split()[:2] == ["3", "email.missing"]
    found = document("jobs", "refused", job.id)
    assert [row["row"] for row in found["refused"]] == [3, 9]


def test_a_job_without_refused_rows_prints_an_empty_list(job: Job, document: Document, ow: Ow) -> None:
    assert document("jobs", "refused", job.id) == {"job": job.id, "refused": []}
    assert ow("jobs", "refused", job.id).stdout == ""


@pytest.mark.parametrize("page", [1, 2, 3, 4, 7, 100])
def test_pages_lose_no_refusal_of_a_row_that_has_several(page: int, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    named = [missing(row, f"code.{n}") for row in (1, 2, 4) for n in range(3)] + [missing(5)]
    job.accept(*named)
    monkeypatch.setattr(refused, "PAGE", page)
    found = [(row.row, row.code) for row in refused.refusals(job.own, job.id)]
    assert found == [(one.row, one.code) for one in named]


def test_a_range_of_rows_is_shown_as_one(job: Job, ow: Ow) -> None:
    job.accept(Refusal(1, "omnisense.422", "No.", "Mend it.", last=500))
    assert ow("jobs", "refused", job.id).stdout.split() == ["1–500", "omnisense.422", "No.", "Mend", "it."]


def test_unsure_says_what_to_look_for(job: Job, ow: Ow, document: Document, events: Path) -> None:
    job.accept()
    job.lose()
    (one,) = document("jobs", "unsure")["unsure"]
    assert (one["chunk"], one["first_row"], one["last_row"], one["rows"]) == (2, 501, 1000, 500)
    assert one["look_for"] == f"whether Omnisense has rows 501–1000 of {events}: all of them arrived, or none"
    text = ow("jobs", "unsure", job.id).stdout
    assert f"job {job.id}  chunk 2" in text
    assert "the answer is lost" in text
    assert "--was-sent" in text


def test_an_unsure_call_is_looked_for_by_its_key(ow: Ow, document: Document) -> None:
    payload = json.dumps(operation(CALL).example)
    Job(ow("enqueue", CALL, "--payload", "-", "--key", "order-7", put_in=payload).stdout.strip()).lose()
    (one,) = document("jobs", "unsure")["unsure"]
    assert one["look_for"] == "whether Omnisense has the call with key order-7"


def test_nothing_unsure_is_said_aside(job: Job, ow: Ow, document: Document) -> None:
    assert ow("jobs", "unsure").stderr == "Nothing is unsure.\n"
    assert document("jobs", "unsure") == {"unsure": []}


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ("--was-sent", {"accepted": 2000, "pending": 0, "skipped": 0}),
        ("--drop", {"accepted": 1500, "pending": 0, "skipped": 500}),
        ("--send", {"accepted": 1500, "pending": 500, "skipped": 0}),
        ("--send-again", {"accepted": 1500, "pending": 500, "skipped": 0}),
    ],
)
def test_a_decision_moves_the_unsure_rows(said: str, rows: dict[str, int], job: Job, document: Document) -> None:
    job.lose()
    for _ in range(3):
        job.accept()
    assert document("jobs", "show", job.id)["state"] == "undecided"
    report = document("jobs", "decide", job.id, said, "--by", "ada")
    assert (report["decided"], report["state"]) == (1, "running" if rows["pending"] else "finished")
    assert {name: report["rows"][name] for name in rows} == rows


def test_only_the_chunks_named_are_decided(job: Job, ow: Ow, document: Document) -> None:
    for _ in range(4):
        job.lose()
    result = ow("jobs", "decide", job.id, "--was-sent", "--chunk", "2", "--chunk", "3")
    assert result.stdout == f"2 decided; job {job.id} is undecided.\n"
    assert [one["chunk"] for one in document("jobs", "unsure", job.id)["unsure"]] == [1, 4]


def test_a_chunk_that_is_not_unsure_stops_the_whole_decision(job: Job, ow: Ow, document: Document) -> None:
    job.lose()
    job.accept()
    result = ow("jobs", "decide", job.id, "--drop", "--chunk", "1", "--chunk", "2")
    assert result.exit_code == 1
    assert "not unsure: 2. Nothing was decided" in result.stderr
    assert document("jobs", "show", job.id)["rows"]["unsure"] == 500


def test_deciding_where_nothing_is_unsure_is_a_sentence(job: Job, ow: Ow) -> None:
    result = ow("jobs", "decide", job.id, "--drop")
    assert result.exit_code == 1
    assert "there is nothing to decide" in result.stderr


@pytest.mark.parametrize("words", [(), ("--send", "--drop"), ("--send", "--send-again")], ids=str)
def test_a_decision_is_exactly_one_word(words: tuple[str, ...], job: Job, ow: Ow) -> None:
    result = ow("jobs", "decide", job.id, *words)
    assert result.exit_code == 2
    assert "exactly one of" in result.stderr


def test_the_decision_keeps_who_made_it(job: Job, ow: Ow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    job.lose()
    ow("jobs", "decide", job.id, "--was-sent")
    with job.own.ledger.begin() as tx:
        assert tx.exec_driver_sql("SELECT decided_by FROM chunks WHERE n = 1").scalar() == "grace"


def test_a_cancelled_call_frees_its_ticket_at_once(job: Job, ow: Ow) -> None:
    with job.own.ledger.begin() as tx:
        tx.exec_driver_sql(
            "INSERT INTO tickets (id, job_id, state, signature, not_before, fence)"
            " VALUES ('t', ?, 'waiting', '', 9e9, 0)",
            (job.id,),
        )
    ow("jobs", "cancel", job.id)
    with job.own.ledger.begin() as tx:
        assert tx.exec_driver_sql("SELECT not_before FROM tickets").scalar() == 0
        assert jobs.get(tx, job.id).state == "cancelled"  # type: ignore[union-attr]


def test_what_was_let_go_is_shown_and_its_refused_rows_say_since_when(job: Job, ow: Ow, document: Document) -> None:
    job.accept(missing(3))
    ow("jobs", "cancel", job.id)

    def work(tx: Connection) -> None:
        while not retention.let_go(tx, job.id, 500):
            continue

    job.own.ledger.write(work)
    assert document("jobs", "show", job.id)["refused_by"] == {"email.missing": 1}
    assert [report["job"] for report in document("jobs", "list")["jobs"]] == [job.id]
    result = ow("jobs", "refused", job.id, "-o", "refused.csv")
    assert (result.exit_code, "RETENTION_DAYS" in result.stderr) == (1, True)
    assert "not on record since 20" in result.stderr
    assert document("jobs", "refused", job.id).keys() == {"job", "refused", "gone_since"}
