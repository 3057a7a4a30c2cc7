"""As a stranger, from the README: plan tonight's newsletter, read it, approve it, see it arrive; stop the next one. And
one that recurs, to a segment of what a sync brought."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from running_house import House, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

PEOPLE = "email,promo_code,segment\n" + "".join(
    f"{name}@shop.example.com,{code},{segment}\n"
    for name, code, segment in (
        ("anna", "A1", "vip"),
        ("ben", "B2", "new"),
        ("carl", "C3", "vip"),
        ("ANNA", "A1", "vip"),
    )
)
TONIGHT = """
operation = "omnisense.send_newsletter"
recipients = "people.csv"
variables = ["promo_code"]
deliver_at = {at:%H:%M:%S}
time_zone = "Europe/Paris"
lead = 0
[payload.newsletter]
newsletter_template_id = 45
"""
WEEKLY = """
operation = "omnisense.send_newsletter"
recipients = { schedule = "nightly", where = { segment = "vip" } }
known = { schedule = "nightly" }
[payload.newsletter]
newsletter_template_id = 46
"""
SCHEDULES = """
[nightly]
cron = "30 1 1 1 *"
operation = "omnisense.import_subscribers"
source = "people.csv"
[weekly]
cron = "0 9 1 1 *"
newsletter = "weekly.toml"
"""


@pytest.fixture
def folder(house: House) -> House:
    house.platform.reset()
    (house.folder / "people.csv").write_text(PEOPLE)
    (house.folder / "weekly.toml").write_text(WEEKLY)
    (house.folder / "schedules.toml").write_text(SCHEDULES)
    house.environ["SCHEDULES_FILE"] = "schedules.toml"
    return house


def said(house: House, *words: str) -> dict[str, Any]:
    ran = house.run(*words, "--json")
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def write(house: House, ahead: dt.timedelta) -> None:
    at = dt.datetime.now(ZoneInfo("Europe/Paris")) + ahead
    (house.folder / "tonight.toml").write_text(TONIGHT.format(at=at))


def reached(house: House) -> int:
    """How many people the platform has written to."""
    return int(house.platform.counts()["events"])


def test_tonights_arrives_at_its_time_and_the_next_is_stopped(folder: House) -> None:
    assert folder.run("import", "omnisense.import_subscribers", "people.csv", "--wait").returncode == 0
    write(folder, dt.timedelta(seconds=60))
    shown = folder.run("newsletters", "plan", "tonight.toml")
    assert shown.returncode == 0, shown.stderr
    for part in ("3; dropped: duplicate 1", "a…@s….com", "in Europe/Paris", "omniworker newsletters approve"):
        assert part in shown.stdout
    assert ("anna@" in shown.stdout, reached(folder)) == (False, 0)
    approved = said(folder, "newsletters", "approve", "tonight")
    until(lambda: reached(folder) == 3)
    assert time.time() >= dt.datetime.fromisoformat(approved["sends_at"]).timestamp()
    write(folder, dt.timedelta(hours=3))
    again = said(folder, "newsletters", "plan", "tonight.toml")
    assert f"newsletter {approved['newsletter']} of this name" in again["notes"]["before"]
    said(folder, "newsletters", "approve", "tonight")
    assert folder.run("newsletters", "stop", "tonight", "--by", "anna").returncode == 0
    told = said(folder, "newsletters", "show", "tonight")
    assert (told["newsletter"], told["state"], told["why"]) == (again["newsletter"], "stopped", "stopped by anna")
    assert reached(folder) == 3


def test_one_that_recurs_is_approved_once_and_goes_to_the_segment_of_the_night(folder: House) -> None:
    job = said(folder, "schedules", "run", "nightly")["job"]
    assert folder.run("jobs", "watch", job).returncode == 0
    first = said(folder, "schedules", "run", "weekly", "--at", "2020-01-01T09:00")
    assert "nobody approved a newsletter of this name to recur" in first["why"]
    assert folder.run("newsletters", "approve", "weekly", "--recurring").returncode == 0
    until(lambda: reached(folder) == 2)
    second = said(folder, "schedules", "run", "weekly", "--at", "2021-01-01T09:00")
    assert second["newsletter"] not in (None, first["newsletter"])
    until(lambda: reached(folder) == 4)
    assert f"newsletter {second['newsletter']}: s" in folder.run("schedules", "history", "weekly").stdout
