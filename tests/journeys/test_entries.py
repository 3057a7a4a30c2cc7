"""The schedules that come along, run by `up` against the platforms: what a setting names is delivered, and a night that
brings nothing new asks for nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running_house import ROOT, House, until

from sandbox.server import Sandbox

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

ROWS = 20
ENTRIES = {
    "NIGHTLY_SUBSCRIBERS": "subscribers-{date:%Y-%m-%d}.csv",
    "NIGHTLY_EVENTS": "events-{date:%Y-%m-%d}.ndjson",
    "NIGHTLY_CONTACTS": "contacts-{date:%Y-%m-%d}.csv",
    "FREQUENT_EVENTS": "events-{date:%Y-%m-%d-%H%M}.ndjson",
}
EVENT = {"date": "2026-11-13 10:00:00Z", "identifier": "order", "segments": {"id": 1}}
DAYS = ("2026-01-30", "2026-01-31")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, platform: Sandbox) -> Iterator[House]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    told = {"PYTHONPATH": str(ROOT), "WORKER_PROCESSES": "1", "OMNISENSE_PACE": "500/s"}
    own = House(tmp_path_factory.mktemp("nights"), kept | told | ENTRIES | platform.environment(), platform)
    platform.reset()
    own.start("--only", "worker", "--only", "urgent", "--only", "beat")
    yield own
    own.stop()


def written(folder: Path, day: str) -> None:
    """All files of one day, with the same rows as those of any other."""
    people = [f"p{n}@shop.example.com" for n in range(ROWS)]
    rows = {"subscribers": ["email,first_name", *(f"{one},Ann" for one in people)]}
    dated = "2026-01-01T10:00:00Z"
    rows["contacts"] = ["email,status,statusDate", *(f"{one},subscribed,{dated}" for one in people)]
    for name, lines in rows.items():
        (folder / f"{name}-{day}.csv").write_text("".join(f"{line}\n" for line in lines))
    for name in (f"events-{day}", f"events-{day}-0215"):
        events = [json.dumps({"email": one, **EVENT, "segments": {"of": name}}) for one in people]
        (folder / f"{name}.ndjson").write_text("".join(f"{line}\n" for line in events))


@pytest.fixture(scope="module")
def night(house: House) -> Callable[[str, str], dict[str, Any]]:
    """Run an entry as the slot of this time, and wait for its job; the report."""
    for day in DAYS:
        written(house.folder, day)

    def run(name: str, at: str) -> dict[str, Any]:
        done = house.run("schedules", "run", name, "--at", at, "--json")
        assert done.returncode == 0, done.stderr
        job = json.loads(done.stdout)["job"]

        def ended() -> dict[str, Any] | None:
            report: dict[str, Any] = json.loads(house.run("jobs", "show", job, "--json").stdout)
            return report if report["state"] not in ("planning", "running") else None

        found: dict[str, Any] = until(ended)
        return found

    return run


@pytest.mark.parametrize(
    ("name", "clock", "changed_only"),
    [
        ("nightly-subscribers", "01:30", True),
        ("nightly-events", "02:30", False),
        ("nightly-contacts", "03:30", True),
        ("frequent-events", "02:15", False),
    ],
)
def test_an_entry_delivers_its_file_of_each_day(
    house: House, night: Callable[[str, str], dict[str, Any]], name: str, clock: str, changed_only: bool
) -> None:
    first = night(name, f"{DAYS[0]}T{clock}")
    assert (first["state"], first["rows"]["accepted"]) == ("finished", ROWS), first
    before = house.platform.counts()["requests"]
    second = night(name, f"{DAYS[1]}T{clock}")
    assert second["state"] == "finished"
    if changed_only:
        assert (second["skipped_by"], house.platform.counts()["requests"]) == ({"unchanged": ROWS}, before)
    else:
        assert second["rows"]["accepted"] == ROWS
        assert house.platform.counts()["requests"] > before


def test_what_they_brought_is_at_the_platforms(house: House, night: Callable[[str, str], dict[str, Any]]) -> None:
    """Runs after the others of this file."""
    counts = house.platform.counts()
    assert (counts["events"], counts["distinct"], counts["doubled"]) == (4 * ROWS, 4 * ROWS, 0)
    assert house.platform.person("p7@shop.example.com", "omnisense")
    assert house.platform.state("omnisend", email="p7@shop.example.com")["contacts"]


@pytest.mark.parametrize("name", ["omnisend-opt-outs", "omnisend-comparison"])
def test_the_lists_that_are_read_by_themselves_are_read(house: House, name: str) -> None:
    assert house.run("schedules", "run", name).returncode == 0

    def read() -> str | None:
        (last,) = json.loads(house.run("schedules", "history", name, "--json").stdout)["history"][:1]
        return last["why"] if last["state"] == "started" else None

    assert "It read 1 page with" in until(read)
    if name == "omnisend-comparison":
        shown = json.loads(house.run("schedules", "differences", name, "--json").stdout)
        assert {one["kind"] for one in shown["differences"]} == {"opt_in_unknown"}
