"""A flow is one cascade and each contact once: killed at every fail-point, and with every creation's answer cut."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

import sandbox.server
from sandbox.server import Sandbox
from tests.lab.experiment import Order, Record, Verdict, line
from tests.lab.goals import Goal
from tests.lab.rig import Rig, rig
from tests.lab.surroundings import bare
from worker import platforms

NAME = "flows.cascade_send"
CREATE = "/omni-task-api/tasks"
CONTACTS = 3
CUTS = 100
MOST_POINTS = 200
END = 300.0
PAGE = {"ascending": "true", "count": "1000", "offset": "0", "orderBy": "ID"}


def flow(order: Order) -> Verdict:
    killed = _killed(order, order.folder / "killed")
    cut, never_heard = _cut(order, order.folder / "cut", order.runs or CUTS)
    goals = [goal for name, found in (("killed", killed), ("cut", cut)) for goal in _goals(name, found)]
    goals.append(Goal("flow cut: creations whose answer was cut", never_heard, len(cut), most=False))
    lines = (
        line("a flow, SIGKILL at each fail-point", CONTACTS, killed, f"{len(killed)} points"),
        line("a flow, its creation's answer cut", CONTACTS, cut, f"{len(cut)} flows"),
    )
    return Verdict(lines, tuple(goals))


def _killed(order: Order, folder: Path) -> list[Record]:
    """Each fail-point has a flow of its own; others carry on what its dead process left."""
    with sandbox.server.start() as played, _house(folder, played, order) as one:
        names = []
        for number in range(1, MOST_POINTS):
            names.append(f"point-{number}")
            if _carried_whole(one, number, names[-1]):
                break
        return _audited(order, one, played, names)


def _cut(order: Order, folder: Path, flows: int) -> tuple[list[Record], int]:
    """Every creation is taken and its answer cut off; the list, which says what became of it, is answered."""
    with sandbox.server.start() as played, _house(folder, played, order) as one:
        played.fault("cut", times=flows, method="POST", path=CREATE)
        names = [f"cut-{number}" for number in range(flows)]
        for name in names:
            one.call(NAME, name, _payload(name))
        return _audited(order, one, played, names), played.faults()[0]["fired"]


@contextmanager
def _house(folder: Path, played: Sandbox, order: Order) -> Iterator[Rig]:
    with rig(folder, played.environment(), **order.ledger, DEVINO_PACE="1000/s") as one:
        one.workers.start()
        one.workers.ready()
        yield one


def _payload(name: str) -> dict[str, Any]:
    payload = copy.deepcopy(platforms.operation(NAME).example)
    payload["cascade"]["taskName"] = name
    payload["contacts"] = _contacts(name)
    del payload["templates"]
    return payload


def _contacts(name: str) -> list[dict[str, Any]]:
    return [{"contact": {"email": f"{name}-{n}@shop.example.com"}} for n in range(CONTACTS)]


def _carried_whole(one: Rig, number: int, name: str) -> bool:
    """Whether the flow had no such fail-point any more."""
    words = [sys.executable, "-m", "tests.lab.dying", str(number), name]
    content = json.dumps(_payload(name))
    done = subprocess.run(words, env=bare(**one.told), input=content, text=True, check=False)
    return done.returncode == 0


def _audited(order: Order, one: Rig, played: Sandbox, names: Iterable[str]) -> list[Record]:
    found = []
    for name in names:
        job = one.call(NAME, name, _payload(name))  # the same key is the same job
        one.still(job, END)
        found.append({"flow": name, **_record(one.report(job), played, name)})
        order.keep(found[-1])
    return found


def _record(report: Mapping[str, Any], played: Sandbox, name: str) -> Record:
    """What the sandbox took beside what the report says. `lost`: accepted and never taken, or in no sum at all."""
    made = [one for one in _cascades(played) if one["taskName"].startswith(f"{name} ")]
    asked = [{"taskId": int(cascade["id"]), **contact} for cascade in made for contact in _contacts(name)]
    took = played.taken(asked, "Devino")
    rows = report["rows"]
    spoken_for = sum(rows[name] for name in ("accepted", "refused", "unsure", "skipped"))
    return {
        "cascades": len(made),
        "accepted": rows["accepted"],
        "refused": rows["refused"],
        "unsure": rows["unsure"],
        "unsure_chunks": int(rows["unsure"] > 0),
        "lost": CONTACTS - spoken_for + max(0, rows["accepted"] - sum(map(bool, took))),
        "doubled": sum(times > 1 for times in took),
    }


def _cascades(played: Sandbox) -> list[dict[str, Any]]:
    told = played.environment()
    key = {"Authorization": f"Key {told['DEVINO_API_KEY']}"}
    answer = requests.get(told["DEVINO_BASE_URL"] + CREATE, params=PAGE, headers=key, timeout=5)
    found: list[dict[str, Any]] = answer.json()["result"]
    return found


def _goals(name: str, found: list[Record]) -> list[Goal]:
    return [
        Goal(f"flow {name}: flows without just one cascade", sum(one["cascades"] != 1 for one in found), 0),
        Goal(f"flow {name}: contacts sent to twice", sum(one["doubled"] for one in found), 0),
        Goal(f"flow {name}: contacts neither sent to nor unsure", sum(one["lost"] for one in found), 0),
        Goal(f"flow {name}: contacts refused", sum(one["refused"] for one in found), 0),
    ]
