"""`find` answers "was it sent?" by address, key, message, cascade, and by the rows of files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

from worker import notices
from worker.platforms import account
from worker.processes.process import process
from worker.receiver import told

CALL = "omnisense.save_subscriber"
Ow = Callable[..., Result]
Document = Callable[..., Any]
STATUS = {"messageId": 6412345678901234567, "ts": 1_700_000_000, "status": "delivered", "taskId": 7004}
SUBSCRIBER = {"user": {"email": "Anna@Shop.example.com", "optin": True}}


def called(*statuses: Any) -> None:
    told.keep(process(), account("devino/default"), json.dumps(statuses).encode())
    notices.hand_out(process())


def test_a_call_is_found_by_its_key_and_its_person(ow: Ow, document: Document) -> None:
    ow("enqueue", CALL, "--key", "order-4711", "--payload", "-", put_in=json.dumps(SUBSCRIBER))
    by_key, by_person = document("find", "order-4711"), document("find", "anna@shop.example.com")
    assert [job["key"] for job in by_key["jobs"]] == ["order-4711"]
    assert [job["job"] for job in by_person["calls"]] == [by_key["jobs"][0]["job"]]
    assert document("find", by_key["jobs"][0]["job"])["jobs"] == by_key["jobs"]
    assert "save_subscriber" in ow("find", "order-4711").stdout


def test_a_message_is_found_by_its_id_its_person_and_its_cascade(ow: Ow, document: Document) -> None:
    ow("enqueue", CALL, "--payload", "-", put_in=json.dumps(SUBSCRIBER))  # there is a ledger then
    called(STATUS | {"email": "Anna@shop.example.com"}, STATUS | {"status": "opened"}, STATUS | {"messageId": 5})
    by_id = document("find", "6412345678901234567")["messages"]
    assert [(one["status"], sorted(one["statuses"])) for one in by_id] == [("opened", ["delivered", "opened"])]
    assert document("find", "anna@shop.example.com")["messages"] == by_id
    counts = document("find", "7004")["cascade"]
    assert {one["status"]: one["messages"] for one in counts} == {"opened": 1, "delivered": 1}
    assert "opened" in ow("find", "6412345678901234567").stdout


def test_rows_of_files_are_found_when_asked_for(ow: Ow, document: Document, job: Any) -> None:
    assert [one["job"] for one in document("find", "P1999@example.com", "--files")["files"]] == [job.id]
    assert document("find", "p2000@example.com", "--files")["files"] == []
    assert "Nothing is known" in ow("find", "p2000@example.com").stdout


def test_a_file_that_is_gone_says_so(document: Document, job: Any, events: Any) -> None:
    events.unlink()
    assert document("find", "p5@example.com", "--files")["files"][0]["outcome"] == "its file can't be read any more"


def test_what_nobody_understood_is_listed_without_its_content(ow: Ow, document: Document) -> None:
    ow("enqueue", CALL, "--payload", "-", put_in=json.dumps(SUBSCRIBER))
    called(STATUS, "anna@shop.example.com")
    (one,) = document("find", "--quarantined")["quarantined"]
    assert (one["kind"], one["account"]) == ("devino.unread", "devino/default")
    assert "anna" not in ow("find", "--quarantined").stdout


def test_what_is_no_json_is_found_by_an_address_in_any_spelling(ow: Ow, document: Document) -> None:
    ow("enqueue", CALL, "--payload", "-", put_in=json.dumps(SUBSCRIBER))
    told.keep(process(), account("devino/default"), b"email=Vic@Shop.example.com&status=unsubscribed")
    for spelling in ("vic@shop.example.com", "VIC@shop.example.com "):
        assert len(document("find", spelling)["quarantined"]) == 1


def test_it_wants_to_be_told_what(ow: Ow) -> None:
    assert ow("find").exit_code == 2
    assert ow("find", "x", "--quarantined").exit_code == 2
