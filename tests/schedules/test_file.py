"""SCHEDULES_FILE: the same fields, and every mistake named at once; the schedules that come along."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedules.declared import declared
from worker.settings import SettingsError

GOOD = """
[every-minute]
cron = "* * * * *"
time_zone = "Europe/Moscow"
operation = "omnisense.import_user_events"
source = "events-{date:%H%M}.ndjson"
options = { format = "ndjson" }
late = "each"
grace = "90s"
wait = "4h"
size_within = "30%"

[hello]
cron = "0 9 * * 1-5"
operation = "omnisense.record_user_event"
payload = { email = "foo@bar.com", user_event = { identifier = "product.order", segments = { id = "1" } } }
"""
BAD = """
loose = 1
["Two Words"]
crn = "* * * * *"
[no-zone]
cron = "* * * * *"
operation = "omnisense.record_user_event"
time_zone = "Europe/Moskow"
grace = "soon"
late = "never"
payload = { user_event = {} }
[no-cron]
cron = "61 * * * *"
operation = "omnisense.import_user_event"
[no-file]
cron = "0 0 30 2 *"
operation = "omnisense.import_user_events"
source = "events-{day}.ndjson"
options = { formt = "csv" }
[no-payload]
cron = "* * * * * *"
operation = "omnisense.record_user_event"
payload = { email = "in@the.open" }
wait = 5
"""


@pytest.fixture
def database() -> str:
    return "sqlite"


def said(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "mine.toml").write_text(text)
    monkeypatch.setenv("SCHEDULES_FILE", "mine.toml")
    with pytest.raises(SettingsError) as error:
        declared()
    return str(error.value)


def test_a_file_has_the_fields_of_a_schedule(told: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    monkeypatch.setenv("SCHEDULES_FILE", "mine.toml")
    one, other = declared()
    assert (one.late, one.grace, one.wait, one.size_within) == ("each", 90, 14400, 30)
    assert one.options == {"format": "ndjson"}
    assert other.payload is not None


def test_every_mistake_is_named_at_once(told: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = said(BAD, tmp_path, monkeypatch)
    for part in (
        "loose: write each schedule as a table",
        "[Two Words] cron is missing",
        "[Two Words] crn is not known; did you mean cron?",
        "[no-zone] time_zone: There is no time zone 'Europe/Moskow'. Did you mean Europe/Moscow",
        "[no-zone] grace has to be a time",
        "[no-zone] late is one of skip, once, each",
        "[no-cron] cron can't be read: Bad minute",
        "[no-cron] There is no operation 'omnisense.import_user_event'. Did you mean",
        "[no-file] cron can't be read: Bad day-of-month",
        "[no-file] source has a brace that is no date",
        "[no-file] omnisense.import_user_events does not know the options formt",
        "[no-payload] cron has five fields",
        "[no-payload] wait and size_within are about a file",
        "[no-payload] payload: ",
    ):
        assert part in found, found
    assert "in@the.open" not in found


@pytest.mark.parametrize("text", ["[broken", "\x00"])
def test_a_file_that_is_no_toml_is_a_sentence(
    told: None, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "mine.toml (SCHEDULES_FILE) can't be read" in said(text, tmp_path, monkeypatch)


def test_what_comes_along_starts_only_when_its_file_is_named(told: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert declared() == []
    for name in ("NIGHTLY_SUBSCRIBERS", "NIGHTLY_EVENTS", "NIGHTLY_CONTACTS", "FREQUENT_EVENTS"):
        monkeypatch.setenv(name, "s3://crm/rows-{date:%Y-%m-%d}.csv")
    monkeypatch.setenv("SCHEDULES_TIME_ZONE", "Europe/Moscow")
    found = {one.name: one for one in declared()}
    assert list(found) == ["nightly-subscribers", "nightly-events", "nightly-contacts", "frequent-events"]
    assert found["nightly-subscribers"].options["changed_only"] is True
    assert {one.time_zone for one in found.values()} == {"Europe/Moscow"}


def test_settings_that_are_wrong_are_named(told: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLY_EVENTS", "rows-{day}.csv")
    with pytest.raises(SettingsError, match=r"\[nightly-events\] source has a brace"):
        declared()
