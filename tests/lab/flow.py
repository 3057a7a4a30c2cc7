"""A flow is one cascade and each contact once: killed at every fail-point, and with every creation's answer cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sandbox.server
from sandbox.server import Sandbox
from tests.lab import letters
from tests.lab.deaths import deaths
from tests.lab.experiment import Order, Record, Verdict, line
from tests.lab.goals import Goal
from tests.lab.letters import CREATE, FLOW
from tests.lab.letters import PEOPLE as CONTACTS
from tests.lab.rig import Rig, rig

CUTS = 100
END = 300.0


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
        names = deaths(one, "flow")
        return _audited(order, one, played, names)


def _cut(order: Order, folder: Path, flows: int) -> tuple[list[Record], int]:
    """Every creation is taken and its answer cut off; the list, which says what became of it, is answered."""
    with sandbox.server.start() as played, _house(folder, played, order) as one:
        played.fault("cut", times=flows, method="POST", path=CREATE)
        names = [f"cut-{number}" for number in range(flows)]
        for name in names:
            one.call(FLOW, name, letters.flow(name))
        return _audited(order, one, played, names), played.faults()[0]["fired"]


@contextmanager
def _house(folder: Path, played: Sandbox, order: Order) -> Iterator[Rig]:
    with rig(folder, played.environment(), **order.ledger, DEVINO_PACE="1000/s") as one:
        one.workers.start()
        one.workers.ready()
        yield one


def _audited(order: Order, one: Rig, played: Sandbox, names: Iterable[str]) -> list[Record]:
    found = []
    for name in names:
        job = one.call(FLOW, name, letters.flow(name))  # the same key is the same job
        one.still(job, END)
        found.append({"flow": name, **_record(one.report(job), played, name)})
        order.keep(found[-1])
    return found


def _record(report: Mapping[str, Any], played: Sandbox, name: str) -> Record:
    """What the sandbox took beside what the report says. `lost`: accepted and never taken, or in no sum at all."""
    made = letters.cascades(played, [name])[name]
    took = letters.messages_taken(played, [name])[name].values()
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


def _goals(name: str, found: list[Record]) -> list[Goal]:
    return [
        Goal(f"flow {name}: flows without just one cascade", sum(one["cascades"] != 1 for one in found), 0),
        Goal(f"flow {name}: contacts sent to twice", sum(one["doubled"] for one in found), 0),
        Goal(f"flow {name}: contacts neither sent to nor unsure", sum(one["lost"] for one in found), 0),
        Goal(f"flow {name}: contacts refused", sum(one["refused"] for one in found), 0),
    ]
