"""A schedule of one's own, as a stranger writes it: a file that is imported every minute, `up`, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from running_house import ROOT, House, flower, free_port, until

from sandbox.server import Sandbox

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

MINE = """
[mine]
cron = "* * * * *"
time_zone = "Europe/Moscow"
operation = "omnisense.import_user_events"
source = "events-{date:%Y}.ndjson"
wait = "30s"
"""
YEARS = range(2025, 2040)
ROW = {"email": "foo@shop.example.com", "date": "2026-11-13 10:00:00Z", "identifier": "order", "segments": {"id": 1}}


@pytest.fixture
def scheduled(tmp_path: Path, platform: Sandbox) -> Iterator[House]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    told = {"PYTHONPATH": str(ROOT), "WORKER_PROCESSES": "1", "SCHEDULES_FILE": "mine.toml"}
    told |= {"FLOWER_PORT": str(free_port())}
    own = House(tmp_path, kept | told | platform.environment(), platform)
    (tmp_path / "mine.toml").write_text(MINE)
    for year in YEARS:
        (tmp_path / f"events-{year}.ndjson").write_text(json.dumps(ROW) + "\n")
    platform.reset()
    own.start("--only", "worker", "--only", "urgent", "--only", "beat", "--only", "flower")
    yield own
    own.stop()


def history(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.run("schedules", "history", "mine", "--json").stdout)["history"]
    return [one for one in found if one["asked_by"] is None]


def finished(house: House) -> int:
    return sum(one["job_state"] == "finished" for one in history(house))


def beat_of(house: House) -> int:
    lines = (house.folder / "var/up.pids").read_text()
    found = subprocess.run(["pgrep", "-f", "worker.cli run beat"], capture_output=True, text=True, check=False)
    return next(int(pid) for pid in found.stdout.split() if pid in lines)


def test_a_file_is_imported_every_minute_though_beat_is_killed(scheduled: House) -> None:
    assert scheduled.run("doctor").stdout.count("schedules") >= 1
    until(lambda: finished(scheduled) >= 1, 100)
    os.kill(beat_of(scheduled), signal.SIGKILL)
    until(lambda: finished(scheduled) >= 2, 100)
    first, second = sorted(history(scheduled), key=lambda one: one["slot"])[:2]
    assert (first["state"], second["state"]) == ("started", "started")
    assert first["rows"]["accepted"] == second["rows"]["accepted"] == 1
    until(lambda: scheduled.platform.counts()["events"] == finished(scheduled), 30)
    assert "mine" in scheduled.run("schedules", "next", "--count", "2").stdout
    until(lambda: "omnisense.import_user_events" in tasks_in_flower(scheduled), 100)
    assert "schedules.look" not in tasks_in_flower(scheduled), "every five seconds, it would hide all others"
    assert not [line for line in scheduled.said if "schedules.look" in line and '"info"' in line]


def tasks_in_flower(house: House) -> set[str]:
    """The names of what Flower has seen; none while it opens its door."""
    try:
        return {one["name"] for one in json.loads(flower(house, "/api/tasks?limit=1000")).values()}
    except URLError:
        return set()
