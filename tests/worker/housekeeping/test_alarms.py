"""What is wrong is told once when it begins, once when it ends, and until somebody took it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from worker import notices, outage
from worker.housekeeping import sweeper, telling, watch  # noqa: F401 - `telling` follows alarms
from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import alarms
from worker.ledger import notices as ledger_notices
from worker.ledger.notices import notices as table
from worker.processes.process import Process
from worker.settings import SettingsError, settings


class Hook(HTTPServer):
    """Takes alarms, or answers 500 as often as it was told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.told: list[dict[str, Any]] = []
        self.refuse = 0
        self.asked = 0
        self.held = threading.Event()
        self.held.set()


class Taking(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        self.server.held.wait(60)
        no, self.server.refuse = self.server.refuse > 0, max(0, self.server.refuse - 1)
        if not no:
            self.server.told.append(body)
        self.send_response(500 if no else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing of it belongs on standard error."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def own(hook: Hook, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", Fernet.generate_key().decode())
    monkeypatch.setenv("ALARM_WEBHOOK_URL", f"http://127.0.0.1:{hook.server_port}/alarms")
    monkeypatch.chdir(tmp_path)
    made = Process(settings())
    yield made
    made.ledger.close()


def told(own: Process, hook: Hook) -> list[tuple[str, str, str]]:
    """Everything that was told, after whatever waits was handed out."""
    own.ledger.write(lambda tx: tx.execute(update(table).values(not_before=0)))
    notices.hand_out(own)
    own.ledger.write(lambda tx: tx.execute(update(table).values(not_before=0)))
    notices.hand_out_apart(own)
    return [(one["state"], one["kind"], one["subject"]) for one in hook.told]


def test_each_change_is_told_once(own: Process, hook: Hook) -> None:
    for _ in range(3):
        own.ledger.write(lambda tx: raise_alarm(tx, "slot.missed", "nightly", "It did not run."))
    assert told(own, hook) == [("raised", "slot.missed", "nightly")]
    assert hook.told[0]["sentence"] == "It did not run."
    for _ in range(3):
        own.ledger.write(lambda tx: end_alarm(tx, "slot.missed", "nightly"))
    own.ledger.write(lambda tx: raise_alarm(tx, "slot.missed", "nightly", "Again."))
    assert [state for state, _, _ in told(own, hook)] == ["raised", "ended", "raised"]


def test_a_hook_that_is_away_is_told_later_and_the_log_at_once(
    own: Process, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.refuse = 2
    own.ledger.write(lambda tx: raise_alarm(tx, "slot.missed", "nightly", "It did not run."))
    assert told(own, hook) == []
    assert told(own, hook) == []
    assert told(own, hook) == [("raised", "slot.missed", "nightly")]
    assert sum("It did not run." in record.getMessage() for record in caplog.records) == 1


def test_a_hook_that_hangs_keeps_nobody_waiting_and_is_told_once(
    own: Process, hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hook.held.clear()
    monkeypatch.setattr(sweeper, "LOOK", 0.02)
    monkeypatch.setattr(notices, "LEASE", 60.0)
    own.ledger.write(lambda tx: [raise_alarm(tx, "slot.missed", f"j{n}", "It waits.") for n in range(5)])
    sweeping = sweeper.Sweeper(own, "here")
    sweeping.start()
    try:
        until(lambda: hook.asked > 0)
        own.ledger.write(lambda tx: ledger_notices.announce(tx, "job.ended", "nobody"))
        until(lambda: not own.ledger.read(ledger_notices.any_waiting))
        assert (hook.asked, hook.told) == (1, [])
        assert sum("It waits." in record.getMessage() for record in caplog.records) == 5
        hook.held.set()
        until(lambda: len(hook.told) == 5)
    finally:
        hook.held.set()
        own.stopping.set()
        sweeping.join(60)
        sweeping._telling.join(60)
    assert sorted(one["subject"] for one in hook.told) == [f"j{n}" for n in range(5)]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_alarm_that_is_not_committed_is_not_told(own: Process, hook: Hook) -> None:
    def work(tx: Any) -> None:
        raise_alarm(tx, "slot.missed", "nightly", "It did not run.")
        raise ValueError

    with pytest.raises(ValueError):
        own.ledger.write(work)
    assert told(own, hook) == []
    assert not own.ledger.read(ledger_notices.any_waiting)


def test_what_is_watched_ends_when_it_is_over(own: Process, hook: Hook) -> None:
    own.ledger.write(lambda tx: outage.forbid(tx, "omnisense/default", "anna paused the account"))
    for _ in range(2):
        watch.watch(own)
    assert [row.kind for row in own.ledger.read(alarms.raised)] == ["account.closed"]
    assert "anna paused the account" in own.ledger.read(alarms.raised)[0].sentence
    own.ledger.write(lambda tx: outage.resume(tx, "omnisense/default"))
    watch.watch(own)
    assert [state for state, _, _ in told(own, hook)] == ["raised", "ended"]


def test_a_disk_that_is_nearly_full_is_told(own: Process, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FREE", 1.1)
    watch.watch(own)
    assert [kind for _, kind, _ in told(own, hook)] == ["disk.full"]


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://x", "https://", "http://127.0.0.1.example.com/"])
def test_alarms_go_nowhere_in_the_open(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALARM_WEBHOOK_URL", url)
    with pytest.raises(SettingsError, match="ALARM_WEBHOOK_URL has to be https"):
        settings().alarm_webhook_url  # noqa: B018 - raises


def test_a_hook_of_ones_own_machine_may_be_http(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (
        *("https://hooks.example.com/a/b?c=d", "https://who:key@hooks.example.com/a", "https://[2001:db8::1]:8443/x"),
        *("http://localhost:9/x", "http://127.0.0.1", "http://[::1]:8/"),
    ):
        monkeypatch.setenv("ALARM_WEBHOOK_URL", url)
        assert settings().alarm_webhook_url == url


def test_the_clock_of_an_alarm_is_the_first_one(own: Process) -> None:
    before = time.time()
    own.ledger.write(lambda tx: raise_alarm(tx, "a", "b", "c"))
    since = own.ledger.read(alarms.raised)[0].since
    own.ledger.write(lambda tx: raise_alarm(tx, "a", "b", "d"))
    assert before <= own.ledger.read(alarms.raised)[0].since == since
