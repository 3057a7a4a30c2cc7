"""From `accounts connect` to a call that goes by the link, with the sandbox as the platform and its people."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import select

import sandbox.server
from sandbox.server import Sandbox
from worker import outage, platforms
from worker.answers import NotSent
from worker.ledger import alarms, doors, jobs, reports
from worker.ledger.tables import keepsakes
from worker.linking import connecting, links
from worker.orders import intake
from worker.orders.order import read_order
from worker.pace import connect
from worker.platforms import account
from worker.processes.process import Process
from worker.receiver import receiver as receiver_module
from worker.runner import call
from worker.runner.results import Refused
from worker.settings import settings

BACK = "/oauth/omnisend/callback"
V4 = "omnisend.get_contact_v4"
DEFAULT, BERLIN = "omnisend/default", "omnisend/berlin"


@pytest.fixture(scope="module")
def played() -> Iterator[Sandbox]:
    with sandbox.server.start() as server:
        yield server


@pytest.fixture
def own(
    database_url: str, redis_url: str, played: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Process]:
    played.reset()
    accounts = tmp_path / "accounts.toml"
    told = played.environment() | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    lines = [
        f'client_id = "{told["OMNISEND_CLIENT_ID"]}"',
        'client_secret = { env = "OMNISEND_CLIENT_SECRET" }',
        f'oauth_url = "{played.url}"',
        f'base_url = "{played.url}"',
    ]
    accounts.write_text("\n".join(["[omnisend.berlin]", *lines]))
    told |= {"SECRET_KEY": Fernet.generate_key().decode(), "ACCOUNTS_FILE": str(accounts)}
    for name, value in (told | {"RECEIVER_PUBLIC_URL": "http://127.0.0.1:8000"}).items():
        monkeypatch.setenv(name, value)
    connect(redis_url).flushall()
    platforms.account.cache_clear()
    process = Process(settings())
    monkeypatch.setattr(receiver_module, "process", lambda: process)
    yield process
    process.ledger.close()
    platforms.account.cache_clear()


@pytest.fixture
def door(own: Process) -> FlaskClient:
    return receiver_module.receiver(lambda: None).test_client()


def agree(own: Process, name: str = DEFAULT) -> str:
    """A person opens the address and agrees; where the platform sends the browser then, below the receiver."""
    answer = requests.get(connecting.begin(own, account(name)), allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(f"http://127.0.0.1:8000{BACK}?")
    return answer.headers["Location"].removeprefix("http://127.0.0.1:8000")


def kept(own: Process, name: str = DEFAULT) -> Any:
    return own.ledger.read(lambda tx: links.get(own, tx, name))


def exchanges(played: Sandbox) -> int:
    return int(played.state("omnisend")["exchanges"])


@pytest.fixture
def ask(own: Process) -> Callable[..., str]:
    """Record a call that goes by the link; its job."""

    def put(name: str = "default") -> str:
        payload = {"email": "austin.powers@example.com"}
        order = read_order(platforms.operation(V4), {"payload": payload, "account": name})
        return str(intake.put(own, order).id)

    return put


def move(own: Process, job_id: str) -> dict[str, Any]:
    job = own.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    for _ in range(2):  # the first may only have made the budget
        call.move(own, job)
    return own.ledger.read(lambda tx: reports.of(tx, job_id)) or {}


def test_who_agrees_links_the_account_and_calls_go_by_it(
    own: Process, door: FlaskClient, ask: Callable[..., str]
) -> None:
    answer = door.get(agree(own))
    assert (answer.status_code, answer.text) == (200, "omnisend/default is linked.\n")
    assert (kept(own).granted, kept(own).lacks, kept(own).until) == (["contacts.read"], [], None)
    assert move(own, ask())["rows"]["accepted"] == 1


def test_the_address_is_as_the_document_writes_it(own: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNISEND_SCOPES", "contacts.read  contacts.write")
    platforms.account.cache_clear()
    asked = urlsplit(connecting.begin(own, account(DEFAULT)))
    assert asked.path == "/oauth2/authorize"
    assert "scope=contacts.read%20contacts.write&" in asked.query
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Foauth%2Fomnisend%2Fcallback" in asked.query
    query = parse_qs(asked.query)
    assert (query["response_type"], query["client_id"]) == (["code"], ["sandbox-omnisend-app"])
    assert len(query["state"][0]) >= 22


def test_signs_arrive_as_they_are_in_the_address_and_in_the_form(
    own: Process, door: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs = "a+b & c=d%20?é"
    monkeypatch.setenv("OMNISEND_CLIENT_SECRET", signs)
    monkeypatch.setenv("OMNISEND_REDIRECT_URI", "https://shop.example.com/back?of=a+b&or=c%2Bd")
    platforms.account.cache_clear()
    asked = parse_qs(urlsplit(connecting.begin(own, account(DEFAULT))).query)
    assert asked["redirect_uri"] == ["https://shop.example.com/back?of=a+b&or=c%2Bd"]
    sent: list[tuple[str, str]] = []

    def exchange(url: str, form: str) -> None:
        sent.append((url, form))
        raise NotSent("away")

    monkeypatch.setattr(own.client, "exchange", exchange)
    assert door.get(BACK, query_string={"state": asked["state"][0], "code": signs}).status_code == 400
    [(url, form)] = sent
    assert urlsplit(url).path == "/oauth2/token"
    assert {name: values[0] for name, values in parse_qs(form, strict_parsing=True).items()} == {
        "grant_type": "authorization_code",
        "code": signs,
        "redirect_uri": asked["redirect_uri"][0],
        "client_id": "sandbox-omnisend-app",
        "client_secret": signs,
    }


def test_an_account_of_the_file_has_a_link_of_its_own(own: Process, door: FlaskClient, ask: Callable[..., str]) -> None:
    assert door.get(agree(own, BERLIN)).text == "omnisend/berlin is linked.\n"
    assert kept(own) is None
    assert move(own, ask("berlin"))["rows"]["accepted"] == 1  # it has no key for version 3, and needs none


def test_without_a_link_a_call_is_refused_with_the_sentence_how_to_connect(ask: Callable[..., str]) -> None:
    with pytest.raises(Refused) as refused:
        ask()
    assert "not_connected" in str(refused.value)
    assert "`omniworker accounts connect omnisend/default`" in str(refused.value)


def test_a_state_is_good_once(own: Process, door: FlaskClient, played: Sandbox) -> None:
    back = agree(own)
    assert [door.get(back).status_code for _ in range(3)] == [200, 400, 400]
    assert exchanges(played) == 1
    assert kept(own).state == "linked"


def test_of_many_browsers_with_one_state_one_is_let_in(own: Process, played: Sandbox) -> None:
    back, found = agree(own), []

    def come() -> None:
        found.append(receiver_module.receiver(lambda: None).test_client().get(back).status_code)

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, *[400] * 5]
    assert exchanges(played) == 1


def test_a_state_that_is_old_foreign_or_doubled_is_none(
    own: Process, door: FlaskClient, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = agree(own)
    state = parse_qs(urlsplit(back).query)["state"][0]
    for query in ("", "?code=x", "?code=x&state=", f"?code=x&state={state}x", f"?code=x&state={state}&state={state}"):
        assert door.get(f"{BACK}{query}").status_code == 400
    earlier = agree(own)
    agree(own)
    assert door.get(earlier).status_code == 400  # a newer address takes its place
    monkeypatch.setattr(connecting, "LASTS", -1.0)
    assert door.get(agree(own)).status_code == 400
    assert exchanges(played) == 0


def test_who_only_looks_uses_nothing_up(own: Process, door: FlaskClient) -> None:
    back = agree(own)
    assert door.head(back).status_code == 405
    assert door.post(back).status_code == 405
    assert door.get(back).status_code == 200


def test_a_person_who_refuses_is_told_so(
    own: Process, door: FlaskClient, played: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    played.play("omnisend", denies="access_denied")
    back = agree(own)
    answer = door.get(back)
    assert answer.status_code == 400
    assert "Omnisend sent the browser back with the error access_denied" in answer.text
    assert "access_denied" in caplog.text
    assert door.get(back).status_code == 400  # it is used up
    assert (exchanges(played), kept(own)) == (0, None)


def test_an_error_in_words_of_its_own_is_not_repeated(own: Process, door: FlaskClient, played: Sandbox) -> None:
    played.play("omnisend", denies="<script>ann@example.com")
    answer = door.get(agree(own))
    assert "script" not in answer.text and "ann" not in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("fault", ["cut", "half", "reset", "garbage"])
def test_a_lost_answer_is_never_asked_for_again(own: Process, door: FlaskClient, played: Sandbox, fault: str) -> None:
    back = agree(own)
    played.fault(fault, path="/oauth2/token", times=1)
    answer = door.get(back)
    assert answer.status_code == 400
    assert "is lost" in answer.text and "accounts connect omnisend/default" in answer.text
    assert door.get(back).status_code == 400
    assert exchanges(played) <= 1
    assert sum(n for path, n in played.counts()["by_path"].items() if path == "/oauth2/token") == 1
    assert kept(own) is None


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"status": 503}, "answered 503, an error that names nothing"),
        ({"status": 400, "body": '{"error": "invalid_client"}'}, "answered 400, the error invalid_client"),
        ({"status": 200, "body": '{"access_token": "a b", "token_type": "Bearer"}'}, "without a Bearer token"),
        ({"status": 200, "body": '{"access_token": "a", "token_type": "mac"}'}, "without a Bearer token"),
        ({"status": 200, "body": "[]"}, "without a Bearer token"),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, "answered 302"),
    ],
)
def test_an_answer_that_gives_no_token_is_said(
    own: Process, door: FlaskClient, played: Sandbox, fault: dict[str, Any], says: str
) -> None:
    back = agree(own)
    played.fault("status", path="/oauth2/token", times=1, **fault)
    answer = door.get(back)
    assert (answer.status_code, says in answer.text) == (400, True), answer.text
    assert kept(own) is None


def test_less_than_was_wanted_is_told(
    own: Process, door: FlaskClient, played: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEND_SCOPES", "contacts.read contacts.write")
    platforms.account.cache_clear()
    played.play("omnisend", granted="contacts.read")
    answer = door.get(agree(own))
    assert (answer.status_code, "It was not granted contacts.write" in answer.text) == (200, True)
    assert kept(own).told()["lacks"] == ["contacts.write"]


@pytest.mark.parametrize(("seconds", "ends"), [(9223372036, False), (None, False), ("9223372036", False), (3600, True)])
def test_an_end_beyond_ten_years_is_none(
    own: Process, door: FlaskClient, played: Sandbox, seconds: Any, ends: bool
) -> None:
    played.play("omnisend", expires_in=seconds)
    door.get(agree(own))
    assert (kept(own).until is not None) is ends


def test_a_token_that_has_expired_is_not_sent(
    own: Process, door: FlaskClient, played: Sandbox, ask: Callable[..., str]
) -> None:
    played.play("omnisend", expires_in=0)
    door.get(agree(own))
    assert kept(own).told()["state"] == "expired"
    with pytest.raises(Refused, match="expired"):
        ask()


def test_401_marks_the_link_and_closes_nothing_else(
    own: Process, door: FlaskClient, played: Sandbox, ask: Callable[..., str]
) -> None:
    door.get(agree(own))
    job_id = ask()
    played.play("omnisend", revoke=True)
    report = move(own, job_id)
    assert (report["state"], report["rows"]["pending"]) == ("running", 1)
    assert kept(own).told()["state"] == "revoked"
    assert own.ledger.read(lambda tx: outage.is_open(tx, DEFAULT))
    assert {door.state for door in own.ledger.read(doors.all_of)} == {"open"}
    assert [row.subject for row in own.ledger.read(alarms.raised)] == [DEFAULT]
    with pytest.raises(Refused, match="revoked"):
        ask()
    door.get(agree(own))
    assert own.ledger.read(alarms.raised) == []
    assert move(own, job_id)["rows"]["accepted"] == 1


def test_a_late_401_of_an_old_token_leaves_the_new_link(
    own: Process, door: FlaskClient, ask: Callable[..., str]
) -> None:
    door.get(agree(own))
    old = links.access_of(own, platforms.operation(V4), account(DEFAULT))
    door.get(agree(own))
    said = links.Forbidden("Omnisend answered 401", link="revoked")
    own.ledger.write(lambda tx: links.broke(own, tx, account(DEFAULT), old, said))
    assert kept(own).state == "linked"


def test_nothing_of_it_is_readable(
    own: Process, door: FlaskClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    back = agree(own)
    door.get(back)
    query = parse_qs(urlsplit(back).query)
    hidden = [query["state"][0], query["code"][0], kept(own).token, kept(own).renewal]
    rows = own.ledger.read(lambda tx: tx.execute(select(keepsakes)).all())
    seen = [record.getMessage() for record in caplog.records if record.name.startswith(("worker", "root"))]
    shown = "\n".join([*seen, *capfd.readouterr(), repr([tuple(row) for row in rows]), repr(kept(own))])
    assert not [secret for secret in hidden if secret in shown]


def test_without_a_registered_application_there_is_no_door(own: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNISEND_CLIENT_ID")
    monkeypatch.delenv("ACCOUNTS_FILE")
    platforms.account.cache_clear()
    assert receiver_module.receiver(lambda: None).test_client().get(BACK).status_code == 404


def test_a_platform_that_is_away_is_said(own: Process, door: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    back = agree(own)
    monkeypatch.setenv("OMNISEND_OAUTH_URL", "http://127.0.0.1:9")
    platforms.account.cache_clear()
    answer = door.get(back)
    assert (answer.status_code, "could not be reached" in answer.text) == (400, True)


def test_a_ledger_that_takes_nothing_is_500_and_no_code_is_exchanged(
    own: Process,
    door: FlaskClient,
    played: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    back = agree(own)

    def full(_work: Any) -> Any:
        raise OSError(f"disk full while writing {back}")

    with monkeypatch.context() as patched:
        patched.setattr(own.ledger, "write", full)
        assert door.get(back).status_code == 500
    assert exchanges(played) == 0
    assert "code=" not in caplog.text
    assert door.get(back).status_code == 200  # nothing was used up


def test_403_says_that_too_little_was_granted(
    own: Process, door: FlaskClient, played: Sandbox, ask: Callable[..., str]
) -> None:
    door.get(agree(own))
    played.fault("status", status=403, path="example.com", times=1)
    move(own, ask())
    assert kept(own).told()["state"] == "too small"
    assert {door.state for door in own.ledger.read(doors.all_of)} == {"open"}


def test_keys_that_are_wrong_close_the_account_and_leave_the_link(
    own: Process, door: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.get(agree(own))
    monkeypatch.setenv("OMNISEND_API_KEY", "wrong")
    platforms.account.cache_clear()
    words = {"payload": {"contactID": "1"}}
    move(own, str(intake.put(own, read_order(platforms.operation("omnisend.get_contact"), words)).id))
    assert [row.state for row in own.ledger.read(doors.all_of)] == ["forbidden"]
    assert kept(own).state == "linked"
