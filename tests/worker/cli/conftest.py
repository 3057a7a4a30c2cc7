"""The command in a folder of its own, run in this process; a job whose chunks were moved by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from worker.cli import main
from worker.ledger import chunks, claims, jobs
from worker.outcome import Refusal, accepted
from worker.platforms import account, platforms
from worker.processes.process import Process, process
from worker.runner.planner import plan

IMPORT = "omnisense.import_user_events"
CALL = "omnisense.record_user_event"
KEYS = {
    "OMNISENSE_BASE_URL": "http://127.0.0.1:9/api/v1",
    **{one.name: "key" for platform in platforms().values() for one in platform.settings if one.secret},
}
Ow = Callable[..., Result]
Document = Callable[..., Any]


def forget() -> None:
    process.cache_clear()
    account.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder as the current one, with every platform connected and neither Redis nor ledger."""
    monkeypatch.chdir(tmp_path)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    forget()
    yield tmp_path
    if process.cache_info().currsize:
        process().ledger.close()
    forget()


@pytest.fixture
def ow(folder: Path) -> Ow:
    """Runs `omniworker …`. Anything but a sentence and an exit status is a failure of the test."""

    def run(*words: str, put_in: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(main, words, input=put_in)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def document(ow: Ow) -> Callable[..., Any]:
    """What `omniworker … --json` prints, which has to be one document."""
    return lambda *words: json.loads(ow(*words, "--json").stdout)


def event(n: int) -> str:
    return json.dumps(
        {"email": f"p{n}@example.com", "date": "2026-01-31T12:00:00Z", "identifier": "seen", "segments": {}}
    )


@pytest.fixture
def events(folder: Path) -> Path:
    """2,000 good rows: four requests."""
    path = folder / "events.ndjson"
    path.write_text("".join(f"{event(n)}\n" for n in range(2000)))
    return path


class Job:
    """A planned job of four chunks, moved without any worker."""

    def __init__(self, job_id: str) -> None:
        self.id = job_id

    @property
    def own(self) -> Process:
        return process()

    def plan(self) -> Job:
        job = self.own.ledger.read(lambda tx: jobs.get(tx, self.id))
        assert job is not None
        plan(self.own, job, lambda: None)
        return self

    def send(self, *named: Refusal) -> claims.Claim:
        """Mark the next chunk: its request is on the wire."""

        def work(tx: Any) -> claims.Claim:
            held = claims.of(chunks.claim(tx, self.id, "somebody", 60)[0])
            assert chunks.mark(tx, held, named)
            return held

        return self.own.ledger.write(work)

    def accept(self, *named: Refusal) -> None:
        held = self.send(*named)
        outcome = accepted(500 - len(named), named)
        self.own.ledger.write(lambda tx: chunks.settle(tx, held, outcome) and jobs.end_if_done(tx, self.id))

    def lose(self) -> None:
        held = self.send()
        self.own.ledger.write(lambda tx: chunks.lose(tx, held, "the answer is lost") and jobs.end_if_done(tx, self.id))


@pytest.fixture
def job(ow: Ow, events: Path) -> Job:
    return Job(ow("import", IMPORT, "events.ndjson").stdout.strip()).plan()
