"""Further accounts: a file whose secrets stand elsewhere, each mistake of which is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker import platforms
from worker.accounts import declared
from worker.operation import NotConnected
from worker.orders.order import read_order
from worker.settings import SettingsError

BERLIN = """
[omnisense.berlin]
instance = "berlin"
pace = "2/s"
api_key = { env = "BERLIN_API_KEY" }
master_key = { file = "master" }
admin_email = { env = "BERLIN_EMAIL" }
admin_token = { env = "BERLIN_TOKEN" }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "master").write_text("the master key\n")
    for name in ("BERLIN_API_KEY", "BERLIN_EMAIL", "BERLIN_TOKEN"):
        monkeypatch.setenv(name, name.lower())
    monkeypatch.setenv("ACCOUNTS_FILE", "accounts.toml")
    platforms.account.cache_clear()
    return tmp_path


def wrong(folder: Path, text: str) -> str:
    (folder / "accounts.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        declared("accounts.toml", platforms.platforms())
    return str(error.value)


def test_an_account_of_the_file_has_its_own_way_in_and_pace(folder: Path) -> None:
    (folder / "accounts.toml").write_text(BERLIN)
    berlin = platforms.account("omnisense/berlin")
    assert berlin.access.base_url == "https://berlin.app.omnisense.io/api/v1"
    assert berlin.access.credentials["OMNISENSE_MASTER_KEY"] == "the master key"
    assert (berlin.pace.calls, berlin.pace.seconds) == (2, 1)
    assert "omnisense/berlin" in platforms.account_ids()


def test_what_the_environment_says_is_not_the_other_accounts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNISENSE_INSTANCE", "elsewhere")
    monkeypatch.setenv("OMNISENSE_PACE", "9/s")
    (folder / "accounts.toml").write_text(BERLIN.replace('instance = "berlin"', "").replace('pace = "2/s"', ""))
    berlin = platforms.account("omnisense/berlin")
    assert berlin.pace.calls == 5
    with pytest.raises(NotConnected, match="OMNISENSE_INSTANCE"):
        berlin.access  # noqa: B018 - raises


def test_any_name_that_the_file_takes_can_be_asked_for(folder: Path) -> None:
    (folder / "accounts.toml").write_text(BERLIN.replace("berlin]", "2nd-shop]"))
    example = platforms.operation("omnisense.record_user_event").example
    order = read_order(platforms.operation("omnisense.record_user_event"), {"payload": example, "account": "2nd-shop"})
    assert order.account == "omnisense/2nd-shop"


def test_an_account_that_nobody_declared_is_named_with_those_that_are(folder: Path) -> None:
    (folder / "accounts.toml").write_text(BERLIN)
    with pytest.raises(NotConnected, match="no account 'paris' at omnisense; known: default, berlin"):
        platforms.account("omnisense/paris")


def test_every_mistake_of_the_file_is_named_at_once(folder: Path) -> None:
    said = wrong(
        folder,
        """
[omnisense.default]
instance = 5
[omnisense.berlin]
api_key = "in the open"
master_kay = "x"
admin_token = { env = "NOBODY_SET_THIS" }
admin_email = { file = "no-such-file" }
[nowhere.x]
""",
    )
    for part in (
        "[omnisense.default]: an account's name",
        "[omnisense.default] instance has to be a text",
        "[omnisense.berlin] api_key is a secret",
        "did you mean master_key?",
        "the variable NOBODY_SET_THIS is not set",
        "no-such-file can't be read (FileNotFoundError)",
        "[nowhere.x]: there is no such platform",
    ):
        assert part in said
    assert "in the open" not in said


@pytest.mark.parametrize("text", ["[omnisense", "omnisense = 3", "\x00"])
def test_a_file_that_is_no_such_table_is_refused_with_a_sentence(folder: Path, text: str) -> None:
    assert "accounts.toml (ACCOUNTS_FILE) can't be" in wrong(folder, text)
