"""`operations` and `accounts`: what can be asked for, and of whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.worker.cli.conftest import CALL, IMPORT, Document, Job, Ow
from worker import outage
from worker.ledger import doors
from worker.platforms import operations


def test_every_operation_is_listed_with_its_summary(ow: Ow) -> None:
    lines = ow("operations").stdout.splitlines()
    assert {line.split()[0] for line in lines} == set(operations())
    assert all(operations()[line.split()[0]].summary in line for line in lines)


@pytest.mark.parametrize("name", [CALL, IMPORT])
def test_an_operation_shows_an_example_that_it_takes_itself(name: str, ow: Ow, document: Document) -> None:
    facts = document("operations", name)
    assert facts["example"] == operations()[name].example
    text = ow("operations", name).stdout
    assert json.loads(text[text.index("{\n") :]) == facts["example"]
    assert all(facts[fact] in text for fact in ("summary", "source", "request", "repeat", "command", "celery"))


def test_the_lines_that_ask_for_it_name_its_queue(document: Document) -> None:
    facts = {one["name"]: one for one in document("operations")["operations"]}
    assert facts[CALL]["celery"].endswith('queue="omnisense")')
    assert facts[IMPORT]["celery"].endswith('queue="bulk")')
    assert facts[IMPORT]["command"].startswith(f"omniworker import {IMPORT} ")


FILES = [name for name, one in operations().items() if one.rows]


@pytest.mark.parametrize("name", FILES)
def test_the_file_that_an_operation_shows_is_one_that_it_takes(
    name: str, ow: Ow, document: Document, folder: Path
) -> None:
    """As it is printed, with the words that are printed beside it."""
    facts = document("operations", name)
    (folder / "a.csv").write_text(facts["file"]["example"])
    around = (facts["file_command"] or "").split(" --set ")[1:]
    words = [part for said in around for part in ("--set", said.removesuffix(" --wait"))]
    result = ow("import", name, "a.csv", *words, "--strict", "--dry-run")
    assert (result.exit_code, result.stdout.startswith("2 rows: 2 would be sent in ")) == (0, True), result.stdout
    text = ow("operations", name).stdout
    assert all(f"  {line}\n" in text for line in facts["file"]["example"].splitlines())
    header = facts["file"]["example"].splitlines()[0].split(",")
    assert {one["name"] for one in facts["file"]["columns"] if one["needed"]} <= set(header)


def test_columns_that_lie_deep_in_a_row_are_named_as_the_file_has_them(document: Document) -> None:
    columns = {one["name"]: one for one in document("operations", "devino.send_messages")["file"]["columns"]}
    assert list(columns) == ["email", "phone", "pushToken", "appId", "os"]
    assert columns["email"]["type"] == "text, an e-mail address"
    assert not any(one["needed"] for one in columns.values())


def test_accounts_say_whether_they_are_connected_and_open(ow: Ow, document: Document) -> None:
    ow("migrate")
    found = {one["account"]: one for one in document("accounts", "list")["accounts"]}
    assert found["omnisense/default"] == {
        "account": "omnisense/default",
        "connected": True,
        "connection": "connected",
        "pace": "5 calls in 1 s",
        "door": "open",
        "why": None,
        "link": None,
    }


def test_an_account_without_keys_says_which(ow: Ow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNISENSE_API_KEY")
    ow("migrate")
    assert "Omnisense is not connected: set OMNISENSE_API_KEY." in ow("accounts", "list").stdout


@pytest.mark.parametrize("name", ["omnisense", "omnisense/default"])
def test_resume_opens_the_door(name: str, job: Job, ow: Ow) -> None:
    job.own.ledger.write(lambda tx: outage.forbid(tx, "omnisense/default", "Omnisense answered 401"))
    assert "door forbidden\n    Omnisense answered 401" in ow("accounts", "list").stdout
    assert ow("accounts", "resume", name).stdout.startswith("omnisense/default is open")
    door = job.own.ledger.read(lambda tx: doors.get(tx, "omnisense/default"))
    assert door is not None
    assert door.state == "open"


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [("nobody", 2, "There is no platform 'nobody'"), ("omnisense/second", 1, "no account 'second'")],
)
def test_an_account_that_is_not_there_is_a_sentence(name: str, status: int, sentence: str, ow: Ow) -> None:
    ow("migrate")
    result = ow("accounts", "resume", name)
    assert result.exit_code == status
    assert sentence in result.stderr
