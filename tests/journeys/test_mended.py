"""As a stranger, from the README: import a file with mistakes, fetch the refused rows, mend two, replay; sums meet."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from running_house import House

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

IMPORT = "omnisense.import_user_events"


def rows_of(house: House, job: str) -> dict[str, int]:
    rows: dict[str, int] = json.loads(house.run("jobs", "show", job, "--json").stdout)["rows"]
    return rows


def test_two_of_three_mistakes_are_mended_and_go(house: House) -> None:
    house.platform.reset()
    good = [f"p{n}@shop.example.com,2026-01-31 12:00:00Z,order,{n}" for n in range(700)]
    bad = ["nobody,2026-01-31 12:00:00Z,order,=1+1", "a@shop.example.com,yesterday,order,7", "b@shop.example.com,,,"]
    (house.folder / "events.csv").write_text("\n".join(["email,date,identifier,n", *good[:100], *bad, *good[100:]]))
    asked = house.run("import", IMPORT, "events.csv", "--wait", "--json")
    assert asked.returncode == 3
    parent: dict[str, Any] = json.loads(asked.stdout)
    assert house.run("jobs", "refused", parent["job"], "-o", "refused.csv").returncode == 0
    with (house.folder / "refused.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert [row[header.index("row")] for row in rows] == ["102", "103", "104"]
    rows[0][0], rows[1][1] = "somebody@shop.example.com", "2026-01-31 12:00:00Z"
    with (house.folder / "refused.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    again = house.run("jobs", "replay", parent["job"], "--source", "refused.csv", "--wait", "--json")
    assert again.returncode == 3, again.stderr
    child = json.loads(again.stdout)
    first, second = rows_of(house, parent["job"]), child["rows"]
    assert (first["accepted"], first["refused"]) == (700, 3)
    assert (second["total"], second["accepted"], second["refused"]) == (first["refused"], 2, 1)
    assert first["accepted"] + second["accepted"] + second["refused"] == first["total"]
    assert house.platform.counts()["distinct"] == 702
    twice = house.run("jobs", "replay", parent["job"], "--source", "refused.csv", "--json")
    assert json.loads(twice.stdout)["job"] == child["job"]
    assert house.platform.counts()["events"] == 702
