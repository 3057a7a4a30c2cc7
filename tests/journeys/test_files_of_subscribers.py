"""A file of subscribers, from the command to the platform."""

from __future__ import annotations

import json

import pytest
from running_house import House

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

IMPORT = "omnisense.import_subscribers"
PEOPLE = """Mail;First Name;city
a@shop.example.com;Foo;"Paris; 5e"
nobody;Bar;Rome
B@shop.example.com;;"Łódź
Polesie"
"""


@pytest.fixture
def people(house: House) -> str:
    house.platform.reset()
    (house.folder / "people.csv").write_text(PEOPLE, encoding="utf-8-sig")
    return "people.csv"


def test_a_file_of_subscribers_arrives_cell_for_cell(house: House, people: str) -> None:
    done = house.run("import", IMPORT, people, "--map", "Mail=email", "--wait", "--json")
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert (report["rows"]["accepted"], report["refused_by"], report["verified"]) == (2, {"email.invalid": 1}, False)
    assert "--map 'First Name=first_name'" in done.stderr
    assert house.platform.person("a@shop.example.com") is not None
    kept = [who["columns"] for who in house.platform.state("omnisense")]
    assert kept == [
        {"email": "a@shop.example.com", "First Name": "Foo", "city": "Paris; 5e"},
        {"email": "B@shop.example.com", "First Name": "", "city": "Łódź\nPolesie"},
    ]


def test_the_workers_log_warns_too_and_strict_records_nothing(house: House, people: str) -> None:
    words = {"source": str(house.folder / people), "options": {"map": {"Mail": "email"}}}
    job = house.application().send_task(IMPORT, kwargs=words, queue="bulk").get(timeout=60)
    assert house.run("jobs", "watch", job).returncode == 3
    assert any(job in line and "looks like 'first_name'" in line for line in house.said)
    refused = house.run("import", IMPORT, people, "--map", "Mail=email", "--strict")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--strict" in refused.stderr


def test_a_part_whose_answer_is_lost_is_sent_again(house: House, people: str) -> None:
    house.platform.fault("cut", times=1)
    done = house.run("import", IMPORT, people, "--map", "Mail=email", "--wait", "--json")
    assert json.loads(done.stdout)["rows"]["unsure"] == 0
    assert [who["times"] for who in house.platform.state("omnisense")] == [2, 2]
    assert house.platform.counts()["doubled"] == 0
