"""What a person sees of a newsletter: nobody's address, and what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.worker.newsletters.conftest import Kept, deliver, row
from worker import platforms
from worker.cli import main, office
from worker.cli.newsletters_shown import masked
from worker.ledger import messages
from worker.newsletters import moves
from worker.processes.process import Process

TONIGHT = """
operation = "omnisense.send_newsletter"
recipients = ["foo@bar.com", {email = "yourcustomer@test.com"}]
[payload.newsletter]
newsletter_template_id = 45
"""


def ow(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture(autouse=True)
def its_own_ledger(house: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    for open_ in ("for_reading", "for_recording"):
        monkeypatch.setattr(office, open_, lambda: house)


@pytest.fixture
def file(house: Process, tmp_path: Path) -> str:
    place = tmp_path / "tonight.toml"
    place.write_text(TONIGHT)
    return str(place)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("foo@bar.com", "f…@b….com"),
        ({"email": "a@mail.example.org", "variables": {"n": 1}}, {"email": "a…@m….org", "variables": {"n": 1}}),
        ([{"contact": {"phone": "79103398080"}}], [{"contact": {"phone": "…80"}}]),
    ],
)
def test_addresses_are_masked_however_deep_they_lie(value: object, shown: object) -> None:
    assert masked(value) == shown


def test_a_plan_shows_the_request_and_nobody(file: str) -> None:
    shown = ow("newsletters", "plan", file)
    assert (shown.exit_code, "f…@b….com" in shown.stdout, "foo@bar.com" in shown.stdout) == (0, True, False)
    assert '"newsletter_template_id": 45' in shown.stdout
    assert "omniworker newsletters approve" in shown.stdout


def test_what_was_planned_is_approved_by_its_name_and_stopped(file: str) -> None:
    assert ow("newsletters", "plan", file).exit_code == 0
    assert "approved" in ow("newsletters", "approve", "tonight", "--by", "anna").stdout
    assert ow("newsletters", "stop", "tonight", "--by", "anna").exit_code == 0
    told = json.loads(ow("newsletters", "show", "tonight", "--json").stdout)
    assert (told["state"], told["why"], told["approved"]["by"]) == ("stopped", "stopped by anna", "anna")
    again = ow("newsletters", "approve", "tonight")
    assert (again.exit_code, "is stopped: only a planned one is approved" in again.stderr) == (1, True)


def test_a_name_that_nobody_planned_is_a_sentence(file: str) -> None:
    for words in (("show", "nobody"), ("approve", "nobody"), ("plan", "nobody")):
        result = ow("newsletters", *words)
        assert (result.exit_code, result.stderr.count("\n"), "Traceback" in result.stderr) == (1, 1, False)


def test_what_the_platform_tells_of_its_messages_is_summed(house: Process, planned: Kept) -> None:
    kept = planned("foo@bar.com")
    moves.approve(house, kept, "anna")
    job = deliver(house, kept.id)["job"]
    for number, status in enumerate(("delivered", "delivered", "opened")):
        words = ("devino/default", str(number), status, 1.0, max)
        house.ledger.write(lambda tx, words=words: messages.learn(tx, *words, job_id=job))
    shown = ow("newsletters", "show", row(house, kept.id).id).stdout
    assert "what the platform told of its messages" in shown
    assert [line.split() for line in shown.splitlines()[-2:]] == [
        ["delivered", "2", "67", "%"],
        ["opened", "1", "33", "%"],
    ]


def test_all_that_is_wrong_is_said_at_once(house: Process, tmp_path: Path) -> None:
    file = tmp_path / "tonight.toml"
    file.write_text(
        """
        operation = "omnisense.send_newsletter"
        recipients = "nowhere.csv"
        deliver_at = 2020-01-01T20:00:00
        time_zone = "Europe/Paris"
        lead = "soon"
        account = "nobodys"
        known = { schedule = "nobodys" }
        colour = "red"
        [payload.newsletter]
        newsletter_template_id = "45"
        """
    )
    said = ow("newsletters", "plan", str(file))
    assert said.exit_code == 1
    wanted = ("nowhere.csv does not exist", "deliver_at has passed", "lead is not valid", "no account 'nobodys'")
    for one in (*wanted, "colour is not a known field", "newsletter_template_id"):
        assert one in said.stderr, one
    assert said.stderr.count("\n") == 7


def test_the_moment_is_shown_by_the_clocks_of_the_place_and_by_utc(
    house: Process, planned: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISENSE_TIME_ZONE", "Asia/Tokyo")
    platforms.account.cache_clear()
    planned("foo@bar.com", deliver_at="2099-07-01T20:00:00", time_zone="Europe/Paris")
    shown = ow("newsletters", "show", "tonight")
    assert (
        "delivered   2099-07-01 20:00 in Europe/Paris, 2099-07-02 03:00 in Asia/Tokyo, 2099-07-01T18:00:00Z"
        in shown.stdout
    )
    told = json.loads(ow("newsletters", "show", "tonight", "--json").stdout)
    assert told["deliver_local"]["Asia/Tokyo"] == "2099-07-02T03:00:00+09:00"


def test_a_halt_is_seen_wherever_it_is_looked_at(house: Process, file: str) -> None:
    assert "halted" not in ow("newsletters", "plan", file).output
    assert ow("newsletters", "halt", "--by", "anna").exit_code == 0
    for words in (("approve", "tonight"), ("list",)):
        assert "All newsletters were halted by anna" in ow("newsletters", *words).stderr, words
    assert "approved; all are halted by anna, and nothing of it leaves" in ow("newsletters", "show", "tonight").stdout
    assert json.loads(ow("newsletters", "show", "tonight", "--json").stdout)["halted_by"] == "anna"
    ow("newsletters", "go-on")
    assert "halted" not in ow("newsletters", "show", "tonight").output


def test_fewer_people_than_the_setting_allows_may_be_asked_for(house: Process, file: str) -> None:
    refused = ow("newsletters", "plan", file, "--max-recipients", "1")
    assert (refused.exit_code, "It has more than 1 recipients" in refused.stderr) == (1, True)
    assert ow("newsletters", "plan", file, "--max-recipients", "2").exit_code == 0
    assert ow("newsletters", "plan", "tonight", "--max-recipients", "1").exit_code == 1
