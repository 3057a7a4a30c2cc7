"""Newsletters and cascades, planned and approved: whoever gets one gets it once, or a person is asked.

Three faults: the platform takes a request and cuts its answer off, one in five; the workers are killed as well; and
whoever plans, approves and delivers dies at each fail-point there is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import sandbox.server
from sandbox.server import Sandbox
from tests.lab import letters, roads, strikes
from tests.lab.court import Court
from tests.lab.deaths import deaths
from tests.lab.experiment import Order, Record, Verdict, line, promises
from tests.lab.goals import Goal
from tests.lab.letters import CASCADE, NEWSLETTER, PEOPLE, Kind
from tests.lab.rig import Rig, rig
from tests.lab.waiting import until
from worker import outage

EACH = 400
SHARE = 0.2
BLOWS = 5
END = 600.0
PACE = "1000/s"
ACCOUNTS = ("omnisense/default", "devino/default")
SETTLED = ("started", "missed")
MOST_KNOWN = 100  # more points than a road has


def newsletters(order: Order) -> Verdict:
    """`--runs` is how many of each kind are sent while answers are cut."""
    lines: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    for fault, found, note in _performed(order):
        lines.append(line(fault, PEOPLE, found, note))
        goals += _goals(fault, found)
    return Verdict(tuple(lines), tuple(goals))


def _performed(order: Order) -> Iterator[tuple[str, list[Record], str]]:
    many = order.runs or EACH
    for kind in (NEWSLETTER, CASCADE):
        found = _cut(order, kind, many, 0)
        yield f"{kind.called}s, 20 % of answers cut", found, f"{sum(map(_is_unsure, found))} unsure, all listed"
    for kind in (NEWSLETTER, CASCADE):
        yield f"{kind.called}s, cut, workers killed", _cut(order, kind, many // 4, BLOWS), f"{BLOWS} kills"
    for kind, road in ((NEWSLETTER, "newsletter"), (CASCADE, "cascade"), (NEWSLETTER, "recurring")):
        found = _killed(order, kind, road)
        yield f"{road}, SIGKILL at each point", found, f"{len(found) - 1} points"


def _is_unsure(record: Record) -> bool:
    return bool(record["unsure"])


def _cut(order: Order, kind: Kind, many: int, blows: int) -> list[Record]:
    with _house(order, f"{kind.called}-cut-{blows}") as (one, played):
        names = [f"cut-{number}" for number in range(many)]
        for name in names:
            letters.made_known(played, name)
            roads.planned(one.own, kind.said(name))
            roads.approved(one.own, name)
        played.fault("cut", share=SHARE)
        one.workers.start()
        one.workers.ready()
        dice = Random(order.seed)
        with _doors_opened(one):
            for _ in range(blows):
                time.sleep(dice.uniform(1, 4))
                strikes.kill_workers(one, dice)
            return _judged(order, one, played, kind, names)


@contextmanager
def _doors_opened(one: Rig) -> Iterator[None]:
    """Two lost answers in a row close a door; somebody opens it at once each time, so that nothing is spared."""
    over = threading.Event()

    def opening() -> None:
        while not over.wait(0.2):
            for account in filter(one.door, ACCOUNTS):
                one.own.ledger.write(partial(outage.resume, account=account))

    opener = threading.Thread(target=opening)
    opener.start()
    try:
        yield
    finally:
        over.set()
        opener.join()


def _killed(order: Order, kind: Kind, road: str) -> list[Record]:
    """Each fail-point has a newsletter of its own. When all have died, a person and the workers carry on."""
    with _house(order, f"{road}-killed") as (one, played):
        for number in range(1, MOST_KNOWN):
            letters.made_known(played, f"{road}-{number}")
        names = deaths(one, road)
        one.workers.start()
        one.workers.ready()
        for name in names:
            _carried_on(one, kind, road, name)
        return _judged(order, one, played, kind, names)


def _carried_on(one: Rig, kind: Kind, road: str, name: str) -> None:
    """What was not planned or approved is, by whoever wanted it; a schedule looks again by itself."""
    if road == "recurring":
        until(lambda: roads.slot_started(one.own, name) in SETTLED, END, f"the slot of {name} starts", every=0.5)
        return
    if roads.row_of(one.own, name) is None:
        roads.planned(one.own, kind.said(name))
    if roads.row_of(one.own, name).state == "planned":
        roads.approved(one.own, name)


@contextmanager
def _house(order: Order, name: str) -> Iterator[tuple[Rig, Sandbox]]:
    folder: Path = order.folder / name
    with sandbox.server.start(seed=order.seed) as played:
        told = {"OMNISENSE_PACE": PACE, "DEVINO_PACE": PACE}
        with rig(folder / "run", played.environment(), **order.ledger, **told) as one:
            yield one, played


def _judged(order: Order, one: Rig, played: Sandbox, kind: Kind, names: Sequence[str]) -> list[Record]:
    court = Court(one, played, kind)
    found = court.judged(names, END)
    for record in found:
        order.keep({"kind": kind.called, **record})
    return found


def _goals(fault: str, found: Sequence[Record]) -> list[Goal]:
    return [
        *promises(fault, found),
        Goal(f"{fault}: people refused", sum(one["refused"] for one in found), 0),
        Goal(f"{fault}: unsure people whom `jobs unsure` does not list", sum(one["unlisted"] for one in found), 0),
        Goal(f"{fault}: unsure requests listed without what to look for", sum(one["nameless"] for one in found), 0),
    ]
