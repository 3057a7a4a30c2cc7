"""What a command shows of a call that ended: the platform's answer, or that there was no call at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.worker.cli.conftest import CALL, IMPORT, Job, Ow
from worker import outage
from worker.cli import show, standstill, watch
from worker.cli.standstill import Standstill
from worker.ledger import chunks, claims, jobs, reports
from worker.outcome import Refusal, accepted, refused, skipped
from worker.platforms import operation
from worker.processes.process import process

PAYLOAD = json.dumps(operation(CALL).example)
ANSWER = {"trid": "6b38", "name": "Анна"}


@pytest.fixture
def call(ow: Ow) -> str:
    return ow("enqueue", CALL, "--payload", "-", "--key", "k", put_in=PAYLOAD).stdout.strip()


def settle(job_id: str, outcome: Any, answer: Any = None) -> None:
    own = process()

    def work(tx: Any) -> None:
        held = claims.of(chunks.claim(tx, job_id, "somebody", 60)[0])
        chunks.settle(tx, held, outcome)
        if answer is not None:
            chunks.keep_answer(tx, held, own.seal.close(answer))
        jobs.end_if_done(tx, job_id)

    own.ledger.write(work)


def test_who_waits_for_a_call_is_shown_what_the_platform_answered(call: str, ow: Ow) -> None:
    settle(call, accepted(1), ANSWER)
    result = ow("enqueue", CALL, "--payload", "-", "--key", "k", "--wait", put_in=PAYLOAD)
    assert result.exit_code == 0
    assert f"job {call} is its job" in result.stderr
    assert json.loads(result.stdout.partition("answer\n")[2]) == ANSWER


def test_as_json_the_answer_is_beside_the_report(call: str, ow: Ow, document: Callable[..., Any]) -> None:
    settle(call, accepted(1), ANSWER)
    waited = ow("enqueue", CALL, "--payload", "-", "--key", "k", "--wait", "--json", put_in=PAYLOAD)
    assert json.loads(waited.stdout)["answer"] == ANSWER
    assert document("jobs", "show", call, "--answer")["answer"] == ANSWER
    assert "answer" not in document("jobs", "show", call)
    assert "6b38" not in ow("jobs", "show", call).stdout


def test_a_refused_call_says_why(call: str, ow: Ow) -> None:
    settle(call, refused(1, [Refusal(1, "omnisense.422", "Omnisense says: no such event.", "Look there.")]))
    result = ow("jobs", "show", call, "--answer")
    assert "omnisense.422             Omnisense says: no such event. Look there." in result.stdout
    assert "answer\n" not in result.stdout


def test_a_file_has_no_answer(job: Job, ow: Ow) -> None:
    result = ow("jobs", "show", job.id, "--answer")
    assert result.exit_code == 1
    assert "only a call has an answer" in result.stderr


def report(job_id: str) -> dict[str, Any]:
    found = process().ledger.read(lambda tx: reports.of(tx, job_id))
    assert found is not None
    return found


def test_requests_that_no_row_was_left_for_are_said_not_to_have_been_made(job: Job) -> None:
    unsent = [skipped(500, "unchanged"), refused(500, [Refusal(1, "email.missing", "email is missing.")])]
    for outcome in unsent:
        settle(job.id, outcome)
    settle(job.id, refused(500, [Refusal(1, "omnisense.422", "No.")]))
    assert report(job.id)["chunks"]["unsent"] == 2
    assert "4: 1 waiting, 3 done; 2 of them were not made: no row was left to send" in show.report_text(report(job.id))


def test_a_file_of_which_nothing_was_left_says_so_of_all(job: Job) -> None:
    for _ in range(4):
        settle(job.id, skipped(500, "unchanged"))
    assert "4: 4 done; none of them was made: no row was left to send" in show.report_text(report(job.id))


def test_a_call_that_was_given_up_may_have_been_made(call: str) -> None:
    settle(call, refused(1, [Refusal(1, "gave_up", "It could not be delivered.")]))
    assert "requests" not in show.report_text(report(call))


def test_what_a_job_waits_for_is_said_once_when_nothing_moves(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "AFTER", 0.0)
    say = Standstill(job.own, job.id)
    assert say(report(job.id)) is None
    for _ in range(2):
        job.own.ledger.write(lambda tx: outage.failed(tx, "omnisense/default", "no connection to Omnisense"))
    closed = "It waits: the account is closed after failures (no connection to Omnisense); probes go on by themselves."
    assert say(report(job.id)) == closed
    assert say(report(job.id)) is None
    job.own.ledger.write(lambda tx: jobs.pause(tx, job.id, "Paused by ada."))
    assert say(report(job.id)) is None


def test_who_waits_is_told_the_jobs_id_before_anything_else(
    ow: Ow, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.0)
    result = ow("import", IMPORT, "events.ndjson", "--wait")
    job_id = process().ledger.read(lambda tx: jobs.newest(tx, 1))[0]
    assert result.stderr.splitlines()[0] == f"Job {job_id} is recorded; Ctrl-C leaves it to the workers."
