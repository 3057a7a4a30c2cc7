"""`import` and `enqueue`: what is asked for is in the ledger, or refused with a sentence."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.cli.conftest import CALL, IMPORT, Ow
from worker.cli import file_options, imports, watch
from worker.cli.imports import import_file
from worker.platforms import operation
from worker.processes.process import process

PAYLOAD = json.dumps(operation(CALL).example)


def states(document: Callable[..., Any]) -> list[str]:
    return [report["state"] for report in document("jobs", "list")["jobs"]]


def test_an_import_in_an_empty_folder_makes_it_ready_and_records_the_job(ow: Ow, folder: Path, events: Path) -> None:
    result = ow("import", IMPORT, "events.ndjson")
    job_id = result.stdout.strip()
    assert result.exit_code == 0
    assert f"job {job_id} waits in the ledger, and `omniworker up` delivers it" in result.stderr
    assert f"omniworker jobs watch {job_id}" in result.stderr
    assert stat.S_IMODE((folder / "var/secret.key").stat().st_mode) == 0o600
    assert "planning" in ow("jobs", "show", job_id).stdout


def test_the_source_is_recorded_as_an_absolute_path(document: Callable[..., Any], events: Path) -> None:
    document("import", IMPORT, "events.ndjson")
    with process().ledger.begin() as tx:
        assert tx.exec_driver_sql("SELECT source FROM jobs").scalar() == str(events)


def test_json_is_the_report_and_one_document(document: Callable[..., Any], events: Path) -> None:
    report = document("import", IMPORT, "events.ndjson", "--key", "nightly")
    assert (report["key"], report["state"], report["account"]) == ("nightly", "planning", "default")


def test_the_same_key_is_the_same_job(ow: Ow, events: Path) -> None:
    first = ow("import", IMPORT, "events.ndjson", "--key", "k")
    time.sleep(0.01)
    again = ow("import", IMPORT, "events.ndjson", "--key", "k")
    assert again.stdout == first.stdout
    assert "This key was used before" in again.stderr
    assert "This key was used before" not in first.stderr


def test_the_same_key_with_another_file_is_refused(ow: Ow, events: Path) -> None:
    ow("import", IMPORT, "events.ndjson", "--key", "k")
    events.rename("other.ndjson")
    result = ow("import", IMPORT, "other.ndjson", "--key", "k")
    assert result.exit_code == 1
    assert "key_reused" in result.stderr


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("missing.ndjson", "missing.ndjson does not exist"),
        ("/etc/hostname", "lies outside INBOX"),
        (".", "is a folder"),
        ("empty.ndjson", "is empty"),
        ("s3://bucket/key", "lies outside INBOX"),
        (".hidden", "is a dot-file"),
    ],
)
def test_a_source_that_cant_be_taken_leaves_no_job(source: str, sentence: str, ow: Ow, folder: Path) -> None:
    (folder / "empty.ndjson").touch()
    (folder / ".hidden").write_text("{}\n")
    result = ow("import", IMPORT, source)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "var").exists()


CSV = "email,date,identifier,order\n"
ROW = "a@b.co,2026-01-31 12:00:00Z,seen,7\n"
NDJSON = (
    '{"email": "a@b.co", "date": "2026-01-31T12:00:00Z", "identifier": "seen", "segments": {}}\n'
    '{"email": "a@b.co", "date": "2026-01-31T12:00:00Z", "identifier": "seen", "segments": {"order": 7}}\n'
)


@pytest.mark.parametrize(
    ("content", "name", "words", "sentence"),
    [
        (CSV, "a.csv", [], "holds a header and no rows"),
        (CSV + "\r\n\n", "a.csv", [], "holds a header and no rows"),
        ('{"user_events": []}', "a.json", [], "holds no rows"),
        (
            CSV + ROW,
            "a.csv",
            ["--unique", "e-mail"],
            "no column 'e-mail', of which --unique speaks: did you mean",
        ),
        (
            CSV + ROW,
            "a.csv",
            ["--unique", "order", "--leave-out", "order"],
            "its columns are 'email', 'date', 'identifier'",
        ),
        (CSV + ROW, "a.csv", ["--map", "Mail=email"], "no column 'Mail', of which --map speaks"),
        (CSV + ROW, "a.csv", ["--json-column", "raw"], "no column 'raw'"),
        (
            NDJSON,
            "a.ndjson",
            ["--unique", "ordre"],
            "no field 'ordre', of which --unique speaks: did you mean 'order'?",
        ),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_what_names_nothing_in_the_file_is_refused_before_it_is_recorded(
    content: str, name: str, words: list[str], sentence: str, dry: tuple[str, ...], ow: Ow, folder: Path
) -> None:
    (folder / name).write_text(content)
    result = ow("import", IMPORT, name, *words, *dry)
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "var").exists()


def test_fields_that_only_some_rows_or_none_have_may_be_spoken_of(ow: Ow, folder: Path) -> None:
    (folder / "a.ndjson").write_text(NDJSON)
    assert ow("import", IMPORT, "a.ndjson", "--unique", "email,order", "--dry-run").exit_code == 0
    assert ow("import", IMPORT, "a.ndjson", "--unique", "identifier", "--dry-run").exit_code == 0


def test_a_column_of_consent_that_is_not_there_is_refused_and_a_date_is_none(ow: Ow, folder: Path) -> None:
    (folder / "a.csv").write_text("email,status,agreed_at\na@b.co,subscribed,2026-01-31\n")
    name = "omnisend.import_contacts"
    wrong = ow("import", name, "a.csv", "--consent-date", "agreed")
    assert "no column 'agreed', of which --consent-date speaks: did you mean 'agreed_at'?" in wrong.stderr
    assert not (folder / "var").exists()
    for said in ("agreed_at", "2026-01-31"):
        assert ow("import", name, "a.csv", "--consent-date", said, "--dry-run").exit_code == 0


def test_an_unknown_operation_is_a_word_that_is_off(ow: Ow, events: Path) -> None:
    result = ow("import", "omnisense.import_user_event", "events.ndjson")
    assert result.exit_code == 2
    assert "Did you mean omnisense.import_user_events?" in result.stderr


def test_a_single_call_takes_no_file_and_a_file_no_payload(ow: Ow, events: Path) -> None:
    assert "is a single call" in ow("import", CALL, "events.ndjson").stderr
    assert "give it a source" in ow("enqueue", IMPORT, "--payload", "-", put_in="{}").stderr


def test_without_keys_the_sentence_names_them(ow: Ow, events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNISENSE_MASTER_KEY")
    result = ow("import", IMPORT, "events.ndjson")
    assert result.exit_code == 1
    assert "set OMNISENSE_MASTER_KEY" in result.stderr


def test_an_account_that_nobody_set_up_is_named(ow: Ow, events: Path) -> None:
    result = ow("import", IMPORT, "events.ndjson", "--account", "second")
    assert result.exit_code == 1
    assert "no account 'second'" in result.stderr


def test_on_unsure_reaches_the_job(ow: Ow, events: Path) -> None:
    ow("import", IMPORT, "events.ndjson", "--on-unsure", "again")
    with process().ledger.begin() as tx:
        assert tx.exec_driver_sql("SELECT on_unsure FROM jobs").scalar() == "again"


def test_a_call_is_recorded_encrypted(ow: Ow) -> None:
    result = ow("enqueue", CALL, "--payload", "-", "--key", "order-1", put_in=PAYLOAD)
    assert result.exit_code == 0
    with process().ledger.begin() as tx:
        sealed = tx.exec_driver_sql("SELECT payload FROM chunks").scalar_one()
    assert b"foo@bar.com" not in sealed
    assert process().seal.open(sealed) == {"checked": json.loads(PAYLOAD)}


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b'{"email": ', "is not JSON: Expecting value in line 1, column 11"),
        (b"\xff", "is not UTF-8"),
        (b"[" * 200_000, "is nested too deeply"),
        (b"[]", "needs a payload, a JSON object"),
        (b'{"email": "a@b.com"}', "user_event is missing"),
        (b'{"email": "a@b.com", "user_event": {"identifier": "\\ud800"}}', "surrogate"),
    ],
)
def test_a_payload_that_cant_be_sent_leaves_no_job(payload: bytes, sentence: str, ow: Ow, folder: Path) -> None:
    result = ow("enqueue", CALL, "--payload", "-", put_in=payload)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert not (folder / "var").exists()


def test_a_call_without_a_payload_is_told_where_to_find_one(ow: Ow) -> None:
    result = ow("enqueue", CALL)
    assert result.exit_code == 1
    assert f"omniworker operations {CALL}" in result.stderr


def test_waiting_without_any_worker_ends_with_how_to_come_back(
    ow: Ow, events: Path, document: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 0.0)
    result = ow("import", IMPORT, "events.ndjson", "--wait", "--json")
    job_id = json.loads(result.stdout)["job"]
    assert result.exit_code == 1
    assert "No worker is running" in result.stderr
    assert f"omniworker jobs watch {job_id}" in result.stderr
    assert states(document) == ["planning"]


def test_writing_to_people_shows_the_dry_run_and_asks(
    ow: Ow, folder: Path, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "WRITES_TO_PEOPLE", ("import_",))
    no = ow("import", IMPORT, "events.ndjson", put_in="n\n")
    assert no.exit_code == 1
    assert "2,000 rows: 2,000 would be sent in 4 requests" in no.stderr
    assert not (folder / "var").exists()
    assert ow("import", IMPORT, "events.ndjson", put_in="y\n").exit_code == 0
    assert "would be sent" not in ow("import", IMPORT, "events.ndjson", "--yes").stderr


def test_a_dry_run_needs_neither_keys_nor_ledger_and_names_the_refused(
    ow: Ow, folder: Path, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMNISENSE_MASTER_KEY")
    rows = events.read_text().splitlines()
    rows[1] = rows[1].replace("email", "e-mail")
    rows[1999] = "{"
    events.write_text("\n".join(rows))
    result = ow("import", IMPORT, "events.ndjson", "--dry-run")
    assert result.exit_code == 3
    assert result.stdout.startswith("2,000 rows: 1,998 would be sent in 4 requests, 2 refused. Nothing was sent.")
    assert "2000  row.json" in result.stdout
    assert not (folder / "var").exists()


def test_a_dry_run_as_json_counts_by_code(ow: Ow, events: Path) -> None:
    events.write_text("{\n" * 30 + "x" * (1 << 20) + "\n")
    result = ow("import", IMPORT, "events.ndjson", "--dry-run", "--json")
    found = json.loads(result.stdout)
    assert found["rows"] == {"total": 31, "accepted": 0, "refused": 31, "skipped": 0}
    assert found["refused_by"] == {"row.json": 30, "row.too_long": 1}
    assert (found["requests"], len(found["refused"])) == (0, 20)


def test_a_dry_run_of_a_single_call_is_a_word_that_is_off(ow: Ow, events: Path) -> None:
    assert ow("import", CALL, "events.ndjson", "--dry-run").exit_code == 2


def test_every_option_of_a_file_is_a_word_of_the_command_and_reaches_the_job(ow: Ow, folder: Path) -> None:
    (folder / "people.csv").write_text("Mail;phone;day;note;n\na@b.co;;2026-01-31 12:00:00;x;1\n")
    said = {
        "on_unsure": "park",
        "purpose": "marketing",
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": "semicolon",
        "map": "Mail=email",
        "time_zone": "Europe/Paris",
        "numbers": "n",
        "leave_out": "note",
        "json_column": "note",
        "defused": True,
        "strict": True,
        "unique": "email",
        "changed_only": True,
        "max_refused": "20%",
        "consent_date": "day",
        "via": "batches",
        "batch_size": "50",
    }
    assert set(said) == set(file_options.declared())
    words = [part for name, value in said.items() for part in _words(name, value)]
    with import_file.make_context("import", ["x", "y", *words]) as context:
        options = file_options.options_of({name: context.params[name] for name in said})
    assert options == said | {"map": {"Mail": "email"}, "batch_size": 50}


def _words(name: str, value: str | bool) -> list[str]:
    return [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
