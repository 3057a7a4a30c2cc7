"""`accounts connect`, and what the commands say of a link."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

import sandbox.server
from sandbox.server import Sandbox
from tests.worker.cli.conftest import Document, Ow
from worker import platforms
from worker.cli import connect as connect_module
from worker.errors import Forbidden
from worker.linking import connecting, links
from worker.processes.process import process
from worker.receiver import receiver

NAME = "omnisend/default"


@pytest.fixture
def played(ow: Ow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with sandbox.server.start() as server:
        for name, value in (server.environment() | {"RECEIVER_PUBLIC_URL": "http://127.0.0.1:8000"}).items():
            monkeypatch.setenv(name, value)
        platforms.account.cache_clear()
        ow("migrate")
        yield server


@pytest.fixture
def agree() -> Callable[[str], int]:
    """A person opens the address and agrees; what the receiver answers the browser that comes back."""

    def browse(url: str) -> int:
        place = requests.get(url, allow_redirects=False, timeout=60).headers["Location"]
        door = receiver.receiver(lambda: None).test_client()
        return door.get(place.removeprefix("http://127.0.0.1:8000")).status_code

    return browse


def test_it_prints_the_address_and_what_happens_next(ow: Ow, played: Sandbox, agree: Callable[[str], int]) -> None:
    result = ow("accounts", "connect", "omnisend")
    assert result.stdout, result.stderr
    (url,) = result.stdout.splitlines()
    assert url.startswith(f"{played.url}/oauth2/authorize?")
    assert "within 10 minutes" in result.stderr and "accounts list" in result.stderr
    assert "link:" not in ow("accounts", "list").stdout
    assert agree(url) == 200
    assert "    link: linked, for contacts.read\n" in ow("accounts", "list").stdout


def test_it_waits_for_the_browser_and_says_how_it_ended(
    ow: Ow, played: Sandbox, agree: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = connecting.begin
    agreed: list[threading.Thread] = []

    def begun(*words: object) -> str:
        url = begin(*words)  # type: ignore[arg-type]
        agreed.append(threading.Thread(target=agree, args=(url,)))
        agreed[-1].start()
        return url

    monkeypatch.setattr(connecting, "begin", begun)
    result = ow("accounts", "connect", "omnisend", "--wait")
    assert (result.exit_code, "omnisend/default is linked." in result.stderr) == (0, True)
    played.play("omnisend", denies="access_denied")
    result = ow("accounts", "connect", "omnisend", "--wait", "--json")
    assert (result.exit_code, json.loads(result.stdout)["linked"]) == (1, False)
    assert "access_denied" in result.stderr
    for thread in agreed:
        thread.join()


def test_nobody_agrees(ow: Ow, played: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "LASTS", 0.2)
    monkeypatch.setattr(connect_module, "LOOK", 0.05)
    result = ow("accounts", "connect", "omnisend", "--wait")
    assert (result.exit_code, "Nobody agreed" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("unset", "says"),
    [
        ("OMNISEND_CLIENT_ID", "Omnisend can't be linked: set OMNISEND_CLIENT_ID"),
        ("RECEIVER_PUBLIC_URL", "set RECEIVER_PUBLIC_URL"),
    ],
)
def test_what_is_missing_is_a_sentence(
    ow: Ow, played: Sandbox, monkeypatch: pytest.MonkeyPatch, unset: str, says: str
) -> None:
    monkeypatch.delenv(unset)
    platforms.account.cache_clear()
    process.cache_clear()
    result = ow("accounts", "connect", "omnisend")
    assert (result.exit_code, result.stdout, says in result.stderr) == (1, "", True)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("OAUTH_URL", "http://elsewhere.example"), ("REDIRECT_URI", "http://x.example/"), ("SCOPES", 'a "b"')],
)
def test_a_setting_that_can_not_be_is_named(
    ow: Ow, played: Sandbox, monkeypatch: pytest.MonkeyPatch, setting: str, value: str
) -> None:
    monkeypatch.setenv(f"OMNISEND_{setting}", value)
    platforms.account.cache_clear()
    result = ow("accounts", "connect", "omnisend")
    assert (result.exit_code, f"OMNISEND_{setting} must" in result.stderr) == (1, True)


def test_a_platform_that_knows_no_links_says_so(ow: Ow, played: Sandbox) -> None:
    result = ow("accounts", "connect", "devino")
    assert (result.exit_code, "Devino knows no links" in result.stderr) == (1, True), result.stderr
    assert ow("accounts", "connect", "nobody").exit_code != 0
    assert "no account 'paris'" in ow("accounts", "connect", "omnisend", "--account", "paris").stderr


def test_a_revoked_link_is_named_and_a_waiting_command_ends(
    ow: Ow, document: Document, folder: Path, played: Sandbox, agree: Callable[[str], int]
) -> None:
    agree(ow("accounts", "connect", "omnisend").stdout.strip())
    (folder / "call.json").write_text('{"email": "austin.powers@example.com"}')
    job = ow("enqueue", "omnisend.get_contact_v4", "--payload", "call.json").stdout.strip()
    access = links.access_of(process(), platforms.operation("omnisend.get_contact_v4"), platforms.account(NAME))
    said = Forbidden("Omnisend answered 401: it no longer takes the token", link="revoked")
    process().ledger.write(lambda tx: links.broke(process(), tx, platforms.account(NAME), access, said))
    assert "link: revoked (Omnisend answered 401" in ow("accounts", "list").stdout
    (one,) = (one for one in document("accounts", "list")["accounts"] if one["account"] == NAME)
    assert (one["link"]["state"], one["door"]) == ("revoked", "open")
    assert not re.search("token[\"']:", json.dumps(one))
    assert any("link omnisend/default" in line and "wrong" in line for line in ow("doctor").stdout.splitlines())
    result = ow("jobs", "watch", job)
    assert (result.exit_code, "accounts connect omnisend/default" in result.stderr) == (1, True)
    refused = ow("enqueue", "omnisend.get_contact_v4", "--payload", "call.json")
    assert "revoked" in refused.stderr
