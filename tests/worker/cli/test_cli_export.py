"""`export`: a list of a platform that misbehaves comes whole, or not at all and with a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import sandbox.server
import worker
from sandbox.omnisend import Omnisend
from sandbox.server import Sandbox
from sandbox.window import Window
from tests.worker.cli.conftest import Ow, forget
from tests.worker.driven import eventually
from worker import platforms
from worker.operation import Pace
from worker.pace import Budget, connect
from worker.runner import books

CONTACTS, CASCADES = "omnisend.list_contacts", "devino.list_cascades"
ROOT = Path(worker.__file__).parents[1]
THREE = json.dumps({"limit": 3})


@pytest.fixture
def played() -> Iterator[Sandbox]:
    roles = [Omnisend(window=Window(100_000, 60.0)), *sandbox.server.every_role()[:2]]
    with sandbox.server.start(roles=roles) as server:
        yield server


@pytest.fixture
def seven(ow: Ow, played: Sandbox, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Seven contacts, and a ledger and a Redis beside which they can be asked for."""
    for name, value in (played.environment() | {"REDIS_URL": redis_url, "OMNISEND_PACE": "1000/s"}).items():
        monkeypatch.setenv(name, value)
    connect(redis_url).flushall()
    platforms.account.cache_clear()
    ow("migrate")
    for n in range(6):
        body = {"identifiers": [{"type": "email", "id": f"p{n}@example.com", "channels": {"email": {}}}]}
        body["identifiers"][0]["channels"]["email"] = {"status": "subscribed", "statusDate": "2026-01-01T00:00:00Z"}
        key = played.environment()["OMNISEND_API_KEY"]
        requests.post(f"{played.url}/v3/contacts", json=body, headers={"X-API-KEY": key}, timeout=60).raise_for_status()
    return played


@pytest.fixture
def export(ow: Ow, seven: Sandbox) -> Callable[..., Any]:
    def run(*words: str, put_in: str = THREE, name: str = CONTACTS) -> Any:
        return ow("export", name, "--payload", "-", *words, put_in=put_in)

    return run


def rows(path: str = "out.ndjson") -> list[Any]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def nothing_left(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.suffix in (".ndjson", ".part")]


def test_all_pages_come_as_lines_with_a_summary(export: Callable[..., Any], folder: Path) -> None:
    result = export("-o", "out.ndjson", "--json")
    assert json.loads(result.stdout) == {"operation": CONTACTS, "file": "out.ndjson", "pages": 3, "rows": 7}
    assert len({row["contactID"] for row in rows()}) == 7
    assert (folder / "out.ndjson").stat().st_mode & 0o077 == 0


def test_its_pages_share_the_budget_like_a_file_and_leave_the_calls_their_part(
    export: Callable[..., Any], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str | None] = []
    take = Budget.take

    def noted(self: Budget, account: str, pace: Pace, job: str | None = None) -> None:
        take(self, account, pace, job)
        taken.append(job)

    monkeypatch.setattr(Budget, "take", noted)
    assert export("-o", "out.ndjson").exit_code == 0
    assert len(taken) == 3
    assert len(set(taken)) == 1
    assert str(taken[0]).startswith("export:")
    assert connect(redis_url).zcard("omniworker:sharing:omnisend/default") == 0


def test_without_its_redis_it_ends_with_a_sentence(
    ow: Ow, seven: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    forget()
    result = ow("export", CONTACTS, "-o", "out.ndjson")
    assert result.exit_code == 1
    assert "Redis, which keeps the budget, does not answer (ConnectionError)" in result.stderr
    assert nothing_left(folder)


def test_a_dash_writes_to_standard_output(export: Callable[..., Any]) -> None:
    result = export("-o", "-")
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == 7
    assert "7 rows of 3 pages in standard output" in result.stderr
    refused = export("-o", "-", "--json")
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_without_a_payload_the_whole_list_comes(ow: Ow, seven: Sandbox) -> None:
    assert ow("export", CONTACTS, "-o", "out.ndjson").exit_code == 0
    assert len(rows()) == 7


def test_cascades_are_walked_by_their_offset(
    ow: Ow, document: Callable[..., Any], seven: Sandbox, folder: Path
) -> None:
    (folder / "few.json").write_text('{"count": 1}')
    found = document("export", CASCADES, "-o", "out.ndjson", "--payload", "few.json")
    assert found["rows"] == len({row["id"] for row in rows()}) == len(rows()) > 1
    assert found["pages"] == found["rows"] + 1


def test_pages_that_lead_in_a_circle_end_at_the_first_that_was_there(
    export: Callable[..., Any], seven: Sandbox
) -> None:
    seven.fault("delay", times=1, seconds=0, path="contacts")
    seven.fault("change", at="paging.next", to="/v3/contacts?limit=3")
    result = export("-o", "out.ndjson")
    assert result.exit_code == 0
    assert "led back to a page that it gave before" in result.stderr
    assert len(rows()) == len({row["contactID"] for row in rows()}) == 6


def test_a_platform_that_gives_one_page_for_every_place_is_not_walked_for_ever(
    ow: Ow, seven: Sandbox, folder: Path
) -> None:
    seven.fault("change", at="result", to=[{"id": 1, "taskName": "a"}, {"id": 2, "taskName": "b"}])
    (folder / "few.json").write_text('{"count": 2}')
    result = ow("export", CASCADES, "-o", "out.ndjson", "--payload", "few.json")
    assert result.exit_code == 1
    assert "gave the same page for two places" in result.stderr
    assert nothing_left(folder)


def test_a_place_on_another_host_gets_no_key_and_leaves_no_file(
    export: Callable[..., Any], seven: Sandbox, folder: Path
) -> None:
    seven.fault("change", at="paging.next", to="http://127.0.0.1:9/v3/contacts?limit=3&after=x")
    result = export("-o", "out.ndjson")
    assert result.exit_code == 1
    assert "does not lie among the contacts" in result.stderr
    assert nothing_left(folder)


def test_a_failure_in_between_is_tried_again(
    export: Callable[..., Any], seven: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "BACKOFF_BASE", 0.01)
    seven.fault("cut", times=2)
    seven.fault("status", times=1, status=429, retry_after="0")
    assert export("-o", "out.ndjson").exit_code == 0
    assert len(rows()) == 7


def test_a_platform_that_stays_away_ends_it_and_the_older_file_stays(
    export: Callable[..., Any], seven: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "BACKOFF_BASE", 0.01)
    (folder / "out.ndjson").write_text("older\n")
    seven.fault("delay", times=1, seconds=0)
    seven.fault("status", status=500)
    result = export("-o", "out.ndjson")
    assert result.exit_code == 1
    assert "could not be asked for the whole list: the platform answered 500" in result.stderr
    assert (folder / "out.ndjson").read_text() == "older\n"
    assert [path.name for path in folder.iterdir() if path.suffix == ".part"] == []


def test_wrong_keys_end_it_with_the_sentence_how_to_go_on(
    export: Callable[..., Any], seven: Sandbox, folder: Path
) -> None:
    seven.fault("status", status=401)
    result = export("-o", "out.ndjson")
    assert result.exit_code == 1
    assert "`omniworker accounts resume omnisend/default`" in result.stderr
    seven.clear()
    assert export("-o", "out.ndjson").exit_code == 1
    assert nothing_left(folder)


@pytest.mark.parametrize(
    ("words", "put_in", "status", "sentence"),
    [
        (["-o", "out.ndjson"], '{"limit": 0}', 1, "limit"),
        (["-o", "out.ndjson"], "[]", 1, "a JSON object"),
        (["-o", "nowhere/out.ndjson"], THREE, 1, "there is no folder"),
        (["-o", "."], THREE, 1, "is no file"),
        (["-o", "/dev/null"], THREE, 1, "is no file"),
        (["-o", "out.ndjson", "--account", "other"], THREE, 1, "There is no account 'other'"),
    ],
)
def test_what_is_off_is_said_and_leaves_no_file(
    words: list[str], put_in: str, status: int, sentence: str, export: Callable[..., Any], folder: Path
) -> None:
    result = export(*words, put_in=put_in)
    assert (result.exit_code, result.stdout) == (status, "")
    assert sentence in result.stderr
    assert nothing_left(folder)


def test_what_is_no_list_is_refused_with_those_that_are(ow: Ow, folder: Path) -> None:
    result = ow("export", "omnisend.get_contact", "-o", "out.ndjson")
    assert result.exit_code == 2
    assert all(name in result.stderr for name in (CONTACTS, CASCADES, "devino.list_macros"))


def test_without_redis_there_is_no_budget_and_a_sentence_says_so(ow: Ow, folder: Path) -> None:
    ow("migrate")
    result = ow("export", CONTACTS, "-o", "out.ndjson")
    assert result.exit_code == 1
    assert "REDIS_URL is not set" in result.stderr
    assert nothing_left(folder)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_kill_in_the_middle_leaves_no_half_file(sign: signal.Signals, seven: Sandbox, folder: Path) -> None:
    seven.fault("delay", times=1, seconds=0)
    seven.fault("hang")
    (folder / "three.json").write_text(THREE)
    words = ["export", CONTACTS, "-o", "out.ndjson", "--payload", "three.json"]
    running = subprocess.Popen(
        [sys.executable, "-P", "-m", "worker.cli", *words], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert eventually(lambda: seven.counts()["on_the_wire"] == 1 and len(list(folder.glob(".out*.part"))) == 1)
    running.send_signal(sign)
    assert running.wait(60) == (-sign if sign == signal.SIGKILL else 130)
    assert not (folder / "out.ndjson").exists()
    assert nothing_left(folder) is (sign != signal.SIGKILL)
