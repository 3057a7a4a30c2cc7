"""Opt-outs in the middle of sends and imports to the same people, judged by what the platforms have in the end.

Each of many people opts out at a moment of chance; at another one they are sent a newsletter or a message, saved as
subscribed by a call, or imported as subscribed from a file. Whoever was sent to has to have been marked before their
opt-out was stored, and nobody may be left subscribed. The same again while the processes that deliver are killed in
turns.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import sandbox.server
from sandbox.devino import Devino
from sandbox.omnisend import Omnisend
from sandbox.omnisense import Omnisense
from sandbox.server import Sandbox
from sandbox.window import Window
from tests.lab.experiment import Order, Record, Verdict, line
from tests.lab.goals import Goal
from tests.lab.killing import killing
from tests.lab.rig import Rig, rig
from tests.lab.surroundings import bare
from tests.lab.waiting import until
from tests.lab.workers import Workers
from worker.ledger import jobs, notices, receipts
from worker.people import register
from worker.people.consent import Event
from worker.processes.run import command

PEOPLE, SECONDS, END = 1000, 25.0, 300.0
PAUSE = 4.0  # between two kills, beside what a start takes
CASCADE, TEMPLATE = 7004, 45
FILE_OF = 25
PACES = dict.fromkeys(("OMNISENSE_PACE", "DEVINO_PACE", "OMNISEND_PACE"), "200/s")
SENDS = ("letter", "message")
KINDS = (*SENDS, "saved", "imported")


@dataclass
class Played:
    """What was asked for whom, and when their opt-outs were on disk."""

    rig: Rig
    jobs: dict[str, str] = field(default_factory=dict)
    stored: dict[str, float] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def consent(order: Order) -> Verdict:
    """One run with everybody in it, and one in which workers are killed."""
    calm, struck = _run(order, "undisturbed", killed=False), _run(order, "workers killed", killed=True)
    return Verdict(calm.lines + struck.lines, calm.goals + struck.goals)


def _run(order: Order, name: str, killed: bool) -> Verdict:
    people, dice = order.rows or PEOPLE, random.Random(order.seed)
    roles = (Omnisense(), Devino(), Omnisend(window=Window(100_000, 1.0)))
    with sandbox.server.start(roles=roles, latency=0.02) as played, _house(order, name, played) as (one, parties):
        found = Played(one)
        with killing(parties if killed else (), PAUSE) as kills:
            _both(_asking(found, people, dice), _opting_out(found, people, random.Random(order.seed + 1)))
        _quiet(found)
        record = _judged(found, people, roles[0], roles[2]) | {"kills": len(kills)}
    order.keep(record)
    note = "opt-out stored → accepted elsewhere: p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f} s; {kills} kills"
    what = f"opt-outs amid sends, {name}"
    return Verdict((line(what, people, [record], note.format(**record)),), _goals(record, name, killed))


@contextmanager
def _house(order: Order, name: str, played: Sandbox) -> Iterator[tuple[Rig, tuple[Any, ...]]]:
    folder = order.folder / name.partition(" ")[0] / "rig"
    with rig(folder, played.environment(), **order.ledger, **PACES, LOG_LEVEL="WARNING") as one:
        urgent = Workers(folder.parent, bare(**one.told), command("urgent"))
        try:
            for workers in (one.workers, urgent):
                workers.start()
                workers.ready()
            yield one, (one.workers, urgent)
        finally:
            urgent.stop()


def _whom(number: int) -> str:
    return f"p{number}@shop.example.com"


def _kind(number: int) -> str:
    return KINDS[number % len(KINDS)]


def _asking(found: Played, people: int, dice: random.Random) -> list[tuple[float, Callable[[], None]]]:
    """What is asked for, each at its moment."""
    single = [number for number in range(people) if _kind(number) != "imported"]
    imported = [number for number in range(people) if _kind(number) == "imported"]
    asked: list[tuple[float, Callable[[], None]]] = [
        (dice.uniform(0, SECONDS), lambda number=number: _ask(found, number)) for number in single
    ]
    files = [imported[place : place + FILE_OF] for place in range(0, len(imported), FILE_OF)]
    return asked + [(dice.uniform(0, SECONDS), lambda some=some: _import(found, some)) for some in files]


def _ask(found: Played, number: int) -> None:
    whom = _whom(number)
    match _kind(number):
        case "letter":
            payload = {"newsletter": {"newsletter_template_id": TEMPLATE}, "emails": [whom]}
            found.jobs[whom] = found.rig.call("omnisense.send_newsletter", whom, payload)
        case "message":
            payload = {"taskId": CASCADE, "contacts": [{"contact": {"email": whom}}]}
            found.jobs[whom] = found.rig.call("devino.send_messages", whom, payload)
        case _:
            said = {"type": "email", "id": whom, "channels": {"email": {"status": "subscribed"}}}
            found.others.append(found.rig.call("omnisend.save_contact", whom, {"identifiers": [said]}))
            user = {"email": whom, "optin": True}
            found.others.append(found.rig.call("omnisense.save_subscriber", whom, {"user": user}))


def _import(found: Played, some: list[int]) -> None:
    agreed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    rows = [{"email": _whom(number), "status": "subscribed", "statusDate": agreed} for number in some]
    found.others.append(found.rig.rows("omnisend.import_contacts", rows))


def _opting_out(found: Played, people: int, dice: random.Random) -> list[tuple[float, Callable[[], None]]]:
    return [(dice.uniform(0, SECONDS), lambda n=n: _opt_out(found, _whom(n))) for n in range(people)]


def _opt_out(found: Played, whom: str) -> None:
    own = found.rig.own
    event = Event(whom, "email", "unsubscription", time.time(), "lab", "marketing")
    own.ledger.write(lambda tx: register.enter(own, tx, event, "lab"))
    found.stored[whom] = time.time()


def _both(*plans: list[tuple[float, Callable[[], None]]]) -> None:
    began = time.monotonic()

    def carry(plan: list[tuple[float, Callable[[], None]]]) -> None:
        for moment, act in sorted(plan, key=lambda one: one[0]):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            act()

    beside = [threading.Thread(target=carry, args=(plan,)) for plan in plans[1:]]
    for thread in beside:
        thread.start()
    carry(plans[0])  # what wakes workers does so from the thread whose app knows their broker
    for thread in beside:
        thread.join()


def _quiet(found: Played) -> None:
    """Nothing waits to be told, and every job has ended."""
    own = found.rig.own

    def over() -> bool:
        waiting = own.ledger.read(notices.counts).get("waiting", 0)
        moving = own.ledger.read(lambda tx: jobs.newest(tx, 1, jobs.MOVING))
        return not waiting and not moving

    until(over, END, "every opt-out was told and every job ended")


def _judged(found: Played, people: int, omnisense: Omnisense, omnisend: Omnisend) -> Record:
    own, waits = found.rig.own, []
    sent = late = unsure = 0
    for whom, job in found.jobs.items():
        [chunk] = found.rig.chunks(job)
        went = bool(chunk.accepted) or chunk.state == "unsure"
        sent += bool(chunk.accepted)
        unsure += chunk.state == "unsure"
        late += went and chunk.sent_at > found.stored[whom]
    left = 0
    for number in range(people):
        whom = _whom(number)
        left += _subscribed_at_omnisend(omnisend, whom) + _subscribed_at_omnisense(omnisense, whom)
        waits += own.ledger.read(lambda tx, whom=whom: waits_of(found.rig, tx, whom))
    ends = quantiles(waits, n=100)
    return {
        "accepted": sent,
        "unsure": unsure,
        "late": late,
        "left": left,
        "opted_out": len(found.stored),
        "told": len(waits),
        **{"p50": ends[49], "p95": ends[94], "p99": ends[98]},
    }


def _subscribed_at_omnisend(role: Omnisend, whom: str) -> int:
    contacts = role.state({"email": whom})["contacts"]
    return int(not contacts or contacts[0]["identifiers"][0]["channels"]["email"]["status"] != "unsubscribed")


def _subscribed_at_omnisense(role: Omnisense, whom: str) -> int:
    known = role.subscribers.find(whom)
    return int(known is None or known["user"].get("optin") is not False)


def waits_of(one: Rig, tx: Any, whom: str, stored: float | None = None) -> list[float]:
    """Seconds from the opt-out's being on disk, if nothing else is said, to each platform's yes; the first one of each.
    What has none is left out."""
    told = receipts.of(tx, register.hashed(one.own, tx, whom))
    if stored is None:
        stored = next(row.written_at for row in told if row.account is None)
    first = {row.account: row.job_id for row in reversed(told) if row.job_id}
    moments = [one.chunks(job)[0].settled_at for job in first.values()]
    return [moment - stored for moment in moments if moment is not None]


def _goals(record: Record, name: str, killed: bool) -> tuple[Goal, ...]:
    return (
        Goal(f"consent, {name}: sends begun after a stored opt-out", record["late"], 0),
        Goal(f"consent, {name}: addresses left subscribed", record["left"], 0),
        Goal(
            f"consent, {name}: opt-outs that reached both platforms",
            record["told"],
            2 * record["opted_out"],
            most=False,
        ),
        Goal(f"consent, {name}: kills", record["kills"], 1 if killed else 0, most=False),
    )
