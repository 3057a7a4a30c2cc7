"""The command as a whole: its words, `.env`, and errors as one sentence each."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import worker
from tests.worker.cli.conftest import IMPORT, Job, Ow
from worker.cli import main
from worker.cli.jobs import jobs
from worker.cli.sentences import known
from worker.ledger.ledger import Ledger
from worker.ledger.types import LedgerError
from worker.outcome import Refusal

ROOT = Path(worker.__file__).parents[1]
READING = (["jobs", "list"], ["jobs", "show", "x"], ["jobs", "unsure"], ["accounts", "list"], ["jobs", "pause", "x"])


def outside(*words: str, **options: Any) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "worker.cli", *words], env=environ, stdout=subprocess.PIPE, text=True, **options
    )


def test_it_runs_as_a_module_and_names_itself_omniworker() -> None:
    process = outside("--help")
    assert process.communicate(timeout=60)[0].startswith("Usage: omniworker ")
    assert process.returncode == 0


def test_its_version_is_told_even_of_a_checkout(ow: Ow) -> None:
    assert ow("--version").stdout.startswith("omniworker, version ")


def test_every_command_has_a_help_of_its_own() -> None:
    for name in main.list_commands(main.make_context("omniworker", ["jobs"])):
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0, name
        assert len(result.stdout.splitlines()) > 3, name


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_folder_without_a_ledger_is_named_and_left_as_it_was(words: list[str], ow: Ow, folder: Path) -> None:
    result = ow(*words)
    assert result.exit_code == 1
    assert f"no ledger in {folder} yet" in result.stderr
    assert "omniworker migrate" in result.stderr
    assert result.stdout == ""
    assert list(folder.iterdir()) == []


def test_migrate_makes_the_ledger_and_says_its_revision(ow: Ow, document: Callable[..., Any]) -> None:
    revision = document("migrate")["revision"]
    assert revision in ow("migrate").stdout
    assert document("jobs", "list") == {"jobs": []}


def test_an_old_schema_is_told_what_to_do(ow: Ow, folder: Path, events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{folder}/elsewhere.db")
    Ledger(f"sqlite:///{folder}/elsewhere.db").close()
    for words in (["jobs", "list"], ["import", IMPORT, "events.ndjson"]):
        result = ow(*words)
        assert result.exit_code == 1
        assert "Run `omniworker migrate`" in result.stderr


def test_a_ledger_of_a_newer_version_is_neither_read_nor_migrated(ow: Ow, folder: Path) -> None:
    ow("migrate")
    with sqlite3.connect(folder / "var/omniworker.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    for words in (["jobs", "list"], ["migrate"]):
        result = ow(*words)
        assert result.exit_code == 1
        assert "newer than this program's" in result.stderr


def test_a_file_that_is_no_database_is_a_sentence(ow: Ow, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "notes.txt").write_text("no database" * 1000)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{folder}/notes.txt")
    result = ow("jobs", "list")
    assert result.exit_code == 1
    assert "The ledger can't be used" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_database_error_does_not_show_what_its_statement_carried(job: Job) -> None:
    with pytest.raises(LedgerError) as caught, job.own.ledger.begin() as tx:
        tx.exec_driver_sql("INSERT INTO jobs (id) VALUES ('secret')")
    ending = known(caught.value)
    assert ending is not None
    assert "secret" not in ending.message


def test_dot_env_is_read_and_the_environment_wins(ow: Ow, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNISENSE_PACE", "7/s")
    monkeypatch.setenv("OMNISENSE_API_KEY", "")  # so that it is restored
    monkeypatch.delenv("OMNISENSE_API_KEY")
    (folder / ".env").write_text("OMNISENSE_PACE=9/s\nOMNISENSE_API_KEY=from-dot-env\n")
    ow("migrate")
    assert "connected  7 calls in 1 s" in ow("accounts", "list").stdout
    assert os.environ.pop("OMNISENSE_API_KEY") == "from-dot-env"


def test_a_dot_env_that_is_no_utf8_is_a_sentence(ow: Ow, folder: Path) -> None:
    (folder / ".env").write_bytes(b"A=\xff\n")
    result = ow("operations")
    assert result.exit_code == 1
    assert ".env is not UTF-8" in result.stderr


def test_a_setting_that_cant_be_used_is_a_sentence(ow: Ow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNISENSE_PACE", "fast")
    ow("migrate")
    result = ow("accounts", "list")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "OMNISENSE_PACE is 'fast'" in result.stderr


@pytest.mark.parametrize("url", ["nonsense", "http://x", "redis://127.0.0.1:notaport/0", "redis//h"])
def test_a_redis_or_a_broker_that_can_be_none_is_a_sentence_and_records_nothing(
    url: str, ow: Ow, events: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        if name == "CELERY_BROKER_URL" and "notaport" in url:
            continue
        monkeypatch.setenv(name, url)
        result = ow("import", IMPORT, "events.ndjson")
        assert (result.exit_code, result.stderr.startswith(f"{name} has to be")) == (1, True), result.stderr
        assert f"{name} has to be" in ow("doctor").stdout
        assert not (folder / "var").exists()
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "words", [["run", "web2"], ["up", "--only", "cron"], ["nothing"], ["jobs", "decide"]], ids=" ".join
)
def test_words_that_are_off_end_with_two(words: list[str], ow: Ow) -> None:
    assert ow(*words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["jobs", "show", "\udcff"],
        ["jobs", "pause", "x", "--by", "\udcff"],
        ["import", IMPORT, "\udcff"],
        ["run", "\udcff"],
    ],
    ids=ascii,
)
def test_a_word_that_is_no_utf8_is_a_sentence(words: list[str], ow: Ow, job: Job) -> None:
    result = ow(*words)
    assert result.exit_code == 2
    assert r"'\udcff' is not written in UTF-8" in result.stderr


@pytest.mark.parametrize(
    "words", [["jobs", "list", "--most"], ["jobs", "decide", "x", "--drop", "--chunk"]], ids=" ".join
)
def test_a_number_larger_than_any_ledger_holds_is_a_sentence(words: list[str], ow: Ow, job: Job) -> None:
    result = ow(*words, "9" * 20)
    assert result.exit_code == 2
    assert "is not in the range" in result.stderr


def test_run_says_what_a_process_by_itself_has_to_be_told(ow: Ow) -> None:
    result = ow("run", "worker")
    assert result.exit_code == 1
    assert "DATABASE_URL and REDIS_URL not set" in result.stderr


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    assert known(ValueError("unforeseen")) is None


def test_a_file_that_cant_be_written_is_a_sentence() -> None:
    ending = known(PermissionError(13, "Permission denied", "/root/x.csv"))
    assert ending is not None
    assert ending.message == (
        "/root/x.csv: Permission denied. Give this user the right to it, or go to another folder."
    )


def test_a_full_disk_is_a_sentence(ow: Ow, job: Job) -> None:
    job.accept(Refusal(1, "email.missing", "email is missing.", "Add it."))
    result = ow("jobs", "refused", job.id, "-o", "/dev/full")
    assert (result.exit_code, result.stderr) == (
        1,
        "No space left on device: make room, then give the command again.\n",
    )
    assert Path("/dev/full").is_char_device()


def test_the_jobs_group_works_under_celery_whose_object_it_ignores(job: Job) -> None:
    result = CliRunner().invoke(jobs, ["list"], obj=object())
    assert result.exit_code == 0
    assert job.id in result.stdout


def test_the_jobs_group_says_its_sentences_without_the_command_around_it(folder: Path) -> None:
    result = CliRunner().invoke(jobs, ["list"])
    assert result.exit_code == 1
    assert result.stderr.startswith("There is no ledger")


def test_the_sandbox_plays_until_it_is_told_to_stop() -> None:
    process = outside("sandbox", "--port", "0")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("# sandbox: Omnisense at http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
