"""What a process refuses to be started with, in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import worker
from worker.processes.child import CannotStart
from worker.processes.run import check_room, check_settings, run
from worker.settings import SETTINGS, Settings, SettingsError, read

ROOT = Path(worker.__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_unknown_process_is_refused_with_the_names() -> None:
    with pytest.raises(CannotStart, match="worker, urgent, beat, flower"):
        run("mailer", Settings({}))


def test_a_process_by_itself_wants_to_know_its_ledger_and_its_redis() -> None:
    with pytest.raises(CannotStart, match="DATABASE_URL and REDIS_URL not set"):
        check_settings(Settings({}))


def test_sqlite_is_refused_unless_all_run_on_one_machine() -> None:
    values = {"DATABASE_URL": "sqlite:///l.db", "REDIS_URL": "redis://r"}
    with pytest.raises(CannotStart, match="ALLOW_LOCAL=1"):
        check_settings(Settings(values))
    check_settings(Settings({**values, "ALLOW_LOCAL": "1"}))


def test_content_that_would_go_at_once_is_refused() -> None:
    values = {"DATABASE_URL": "postgresql://db", "REDIS_URL": "redis://r", "RETENTION_DAYS": "0"}
    with pytest.raises(SettingsError, match="RETENTION_DAYS is '0'"):
        check_settings(Settings(values))


def test_on_one_machine_the_folder_of_up_is_enough() -> None:
    Path("var").mkdir()
    Path("var/redis.url").write_text("redis://127.0.0.1:1/0\n")
    check_settings(Settings({"ALLOW_LOCAL": "1"}))


def test_postgresql_and_a_redis_are_taken() -> None:
    check_settings(Settings({"DATABASE_URL": "postgres://u@h/d", "REDIS_URL": "rediss://r"}))


def test_our_own_rooms_are_taken() -> None:
    check_room("tasks")
    check_room("schedules")


def test_a_folder_with_its_own_tasks_is_refused() -> None:
    Path("tasks.py").write_text("")
    code = f"import sys; sys.path.append({str(ROOT)!r}); from worker.processes import run; run.check_room('tasks')"
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = refused.stderr.splitlines()[-1]
    assert f"`tasks` comes from {Path('tasks.py').resolve()}, not from {ROOT / 'tasks'}" in last


@pytest.mark.parametrize("name", ["PORT", "FLOWER_PORT"])
def test_a_port_that_there_is_not_is_a_sentence(name: str) -> None:
    told = Settings(read(SETTINGS, {name: "99999"}))
    with pytest.raises(SettingsError, match=f"{name} is '99999': write a whole number, at most 65535"):
        getattr(told, name.lower())
