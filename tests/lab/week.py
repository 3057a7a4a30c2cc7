"""A week and two nights of a nightly sync, through `omniworker up` against the sandbox: what each night did beside what
docs/operate.md says of it. A night is a minute here, and `wait` forty seconds; nothing else is simulated."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any

import sandbox.server
from sandbox.server import Sandbox
from tests.documented_nights import Night, documented
from tests.journeys.running_house import House
from tests.lab import nights
from tests.lab.experiment import Order, Record, Verdict
from tests.lab.goals import Goal
from tests.lab.nights import ROWS, Doing, File, Told
from tests.lab.surroundings import bare

NIGHT = 60
SEEN = 52.0  # seconds after a slot was due
AHEAD = 5.0  # seconds before it, a file that is in time is there
SCHEDULE = """
[nightly]
cron = "* * * * *"
operation = "omnisense.import_user_events"
source = "events-{date:%H%M}.ndjson"
options = { unique = "email", changed_only = true }
wait = "40s"
grace = "15s"
size_within = "50%"
"""
# The words of the table; what is done with the file; whose rows it has, where they are not its own.
WEEK: tuple[tuple[str, Doing, str], ...] = (
    ("there in time", nights.in_time, ""),
    ("late, but within wait", nights.late, ""),
    ("still being written when it was due", nights.grows, "c"),
    ("missing", nights.missing, ""),
    ("half the size of the last one", nights.half, ""),
    ("the same rows as in the last one", nights.in_time, "c"),
    ("there, and an answer of the platform was lost", nights.in_time, ""),
    ("there, after a night that is undecided", nights.in_time, ""),
    ("still being written when wait was over", nights.grows_too_long, ""),
)
LOST, HALF = "there, and an answer of the platform was lost", "half the size of the last one"


def week(order: Order) -> Verdict:
    said = documented()
    with sandbox.server.start() as played, nights.webhook() as told, _house(order.folder, played, told) as house:
        records = []
        for record in _nights(house, played, told):
            order.keep(record)
            records.append(record)
    lines = tuple(_line(record, said[record["night"]]) for record in records)
    wrong = sum(record["did"] != list(astuple(said[record["night"]])) for record in records)
    doubled = sum(record["doubled"] for record in records)
    goals = (
        Goal("week: nights that did other than docs/operate.md says", wrong, 0),
        Goal("week: nights of the table that were not run", len(said) - len(records), 0),
        Goal("week: rows doubled", doubled, 0),
    )
    return Verdict(lines, goals)


@contextmanager
def _house(folder: Path, played: Sandbox, told: Told) -> Iterator[House]:
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(SCHEDULE)
    omnisense = {name: value for name, value in played.environment().items() if name.startswith("OMNISENSE_")}
    more = {"SCHEDULES_FILE": "mine.toml", "ALARM_WEBHOOK_URL": told.url, "WORKER_PROCESSES": "1"}
    house = House(folder, bare(**omnisense, **more), played)
    only = [word for name in ("worker", "urgent", "beat") for word in ("--only", name)]
    house.start(*only)
    try:
        yield house
    finally:
        house.stop()


def _nights(house: House, played: Sandbox, told: Told) -> Iterator[Record]:
    """Each begins a little before its slot is due, and is looked at before the next one begins."""
    slot = (int(time.time()) // NIGHT + 2) * NIGHT
    for number, (name, doing, of) in enumerate(WEEK):
        nights.sleep_until(slot - AHEAD)
        before = played.counts()
        if name == LOST:
            played.fault("cut", times=1)
        file = File(house.folder / f"events-{dt.datetime.fromtimestamp(slot, dt.UTC):%H%M}.ndjson", of or str(number))
        doing(file, slot)
        nights.sleep_until(slot + SEEN)
        record = _seen(house, played, before, file, slot)
        yield record | {"night": name, "did": [*record["did"], _alarm(told, slot)]}
        if name == HALF:
            house.run("jobs", "cancel", str(record["job"]))
        slot += NIGHT


def _seen(house: House, played: Sandbox, before: dict[str, int], file: File, slot: int) -> Record:
    """What the commands say, and what the sandbox took."""
    history = json.loads(house.run("schedules", "history", "nightly", "--json").stdout)["history"]
    found = next((one for one in history if one["slot"] == _iso(slot)), {"state": "not recorded"})
    after = played.counts()
    calls = after["requests"] - before["requests"]
    accepted = (found.get("rows") or {}).get("accepted", 0)
    slot_is = found.get("reason") or found["state"]
    did = [
        slot_is,
        found.get("job_state") or "none",
        _rows(found, accepted, after, before),
        "some" if calls else "none",
    ]
    return {
        "did": did,
        "job": found.get("job"),
        "why": found.get("why"),
        "accepted": accepted,
        "calls": calls,
        "doubled": after["doubled"] - before["doubled"],
        "file": file.path.name,
    }


def _rows(found: dict[str, Any], accepted: int, after: dict[str, int], before: dict[str, int]) -> str:
    """The sandbox's count, not the report's, says what the platform has; both have to agree."""
    taken = after["distinct"] - before["distinct"]
    if (found.get("rows") or {}).get("unsure") == ROWS and taken in (0, ROWS):
        return "all or none"
    words = {(0, 0): "none", (ROWS, ROWS): "all"}
    return words.get((taken, accepted), f"{taken} of {accepted} reported")


def _alarm(told: Told, slot: int) -> str:
    kinds = [one["kind"] for one in told.raised if _iso(slot) <= one["at"] < _iso(slot + NIGHT)]
    return ", ".join(sorted(set(kinds))) or "none"


def _iso(moment: int) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(record: Record, said: Night) -> tuple[str, ...]:
    """As the other experiments', with the night's own words behind."""
    did, verdict = record["did"], "as documented" if record["did"] == list(astuple(said)) else f"documented: {said}"
    figures = ("1", f"{ROWS}", f"{record['accepted']}", "0", "–", "–", f"{record['doubled']}", "–", "–")
    sys.stderr.write(f"{record['night']}: {', '.join(did)} ({verdict})\n")
    return (record["night"][:34], *figures, f"{', '.join(did)}: {verdict}")
