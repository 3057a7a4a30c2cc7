"""A newsletter of two requests, delivered by a real worker: what is said between the two keeps the second back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from running_house import House, until

from sandbox import mischief
from sandbox.faults import Fault
from sandbox.mischief import Exchange
from worker import platforms
from worker.cli import main
from worker.processes.process import process

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

PATH = "/newsletter"
LETTER = """
operation = "omnisense.send_newsletter"
recipients = [{email = "a@x.example.com", variables = {n = "1"}}, {email = "b@x.example.com", variables = {n = "2"}}]
variables = ["n"]
[payload.newsletter]
newsletter_template_id = 45
"""


Ow = Callable[..., Result]


@pytest.fixture
def ow(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ow]:
    """A command as a person gives it in the folder of the house, without the time that a process takes to start: the
    first request waits for its answer meanwhile, and not for ever."""
    monkeypatch.chdir(house.folder)
    for name, value in house.environ.items():
        monkeypatch.setenv(name, value)
    platforms.account.cache_clear()
    process.cache_clear()
    yield lambda *words: CliRunner().invoke(main, words)
    process().ledger.close()
    process.cache_clear()
    platforms.account.cache_clear()


@pytest.fixture
def answers(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The first request to newsletters is answered when this is set."""
    may = threading.Event()

    def held(exchange: Exchange, _fault: Fault) -> None:
        answer = exchange.take()
        may.wait(60)
        exchange.send(answer)

    monkeypatch.setattr(mischief, "STAYS_OPEN", {**mischief.STAYS_OPEN, "delay": held})
    house.platform.reset()
    house.platform.fault("delay", times=1, path=PATH, seconds=0)
    yield may
    may.set()


def asked(house: House) -> int:
    return sum(count for name, count in house.platform.counts()["by_path"].items() if name.endswith(PATH))


def shown(ow: Ow, name: str) -> Any:
    return json.loads(ow("newsletters", "show", name, "--json").stdout)


def begun(house: House, ow: Ow, name: str) -> None:
    """Its first request is on the wire."""
    (house.folder / f"{name}.toml").write_text(LETTER)
    assert ow("newsletters", "plan", f"{name}.toml").exit_code == 0
    assert ow("newsletters", "approve", name).exit_code == 0
    until(lambda: house.platform.counts()["on_the_wire"])


def another_call(house: House) -> None:
    """The worker has gone on: a later call of the same account came through."""
    payload = json.dumps({"user": {"email": "c@x.example.com"}})
    done = house.run("enqueue", "omnisense.save_subscriber", "--payload", "-", "--wait", stdin=payload)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("word", "back", "state"), [("pause", "resume", "paused"), ("halt", "go-on", "paused"), ("stop", None, "cancelled")]
)
def test_what_is_said_between_two_requests_keeps_the_second_back(
    house: House, ow: Ow, answers: threading.Event, word: str, back: str | None, state: str
) -> None:
    name = f"letter-{word}"
    begun(house, ow, name)
    named = [] if word == "halt" else [name]
    assert ow("newsletters", word, *named).exit_code == 0
    answers.set()
    until(lambda: not house.platform.counts()["on_the_wire"])
    another_call(house)
    until(lambda: shown(ow, name)["report"]["rows"]["pending"] < 2)
    found = shown(ow, name)["report"]
    assert (asked(house), found["state"]) == (1, state)
    if back is None:
        assert (shown(ow, name)["state"], found["skipped_by"]) == ("stopped", {"cancelled": 1})
        return
    assert ow("newsletters", back, *named).exit_code == 0
    until(lambda: shown(ow, name)["state"] == "sent")
    assert (asked(house), shown(ow, name)["report"]["rows"]["total"]) == (2, 2)
