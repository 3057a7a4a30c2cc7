"""Two accounts of one platform: that the balance of one is empty, the other does not notice."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import sandbox.server
from sandbox.devino import Devino
from sandbox.server import Sandbox
from tests.lab.experiment import Order, Record, Verdict, line
from tests.lab.goals import Goal
from tests.lab.rig import Rig, rig

SEND, CASCADE = "devino.send_messages", 7004
WELL, EMPTY = "default", "empty"
CALLS = 300
EVERY = 0.05  # seconds from one call to the next: the account may make twice as many
PACE = "40/s"
END = 60.0
LEAST_SHARE = 0.95


def two_accounts(order: Order) -> Verdict:
    """The same calls twice by an account with a balance: alone, then beside as many of one without."""
    calls = order.rows or CALLS
    with sandbox.server.start() as played, _house(order, played) as one:
        alone = _well(one, played, _asked(one, calls, {"alone": WELL})["alone"])
        both = _asked(one, calls, {"none": EMPTY, "beside": WELL})
        beside, empty = _well(one, played, both["beside"]), _empty(one, played, both["none"])
    for found in (alone, beside, empty):
        order.keep(found)
    note = f"{alone['rate']:.1f} calls/s alone, {beside['rate']:.1f} beside the empty one, {1 / EVERY:g} asked for"
    return Verdict(
        (line("another account without balance", calls, [alone, beside], note),), _goals(alone, beside, empty)
    )


@contextmanager
def _house(order: Order, played: Sandbox) -> Iterator[Rig]:
    order.folder.mkdir(exist_ok=True)
    told = {"ACCOUNTS_FILE": str(_accounts(order.folder / "accounts.toml", played)), "EMPTY_KEY": Devino().blocked_key}
    with (
        patch.dict(os.environ, told),
        rig(order.folder / "rig", played.environment(), **order.ledger, **told, DEVINO_PACE=PACE) as one,
    ):
        one.workers.start()
        one.workers.ready()
        yield one


def _accounts(path: Path, played: Sandbox) -> Path:
    where = played.environment()["DEVINO_BASE_URL"]
    path.write_text(f'[devino.{EMPTY}]\nbase_url = "{where}"\npace = "{PACE}"\napi_key = {{ env = "EMPTY_KEY" }}\n')
    return path


def _asked(one: Rig, calls: int, who: Mapping[str, str]) -> dict[str, list[str]]:
    """Jobs by name: each account asks for one call at a time, as evenly as an application does."""
    jobs: dict[str, list[str]] = {name: [] for name in who}
    began = time.monotonic()
    for number in range(calls):
        time.sleep(max(0.0, began + number * EVERY - time.monotonic()))
        for name, account in who.items():
            jobs[name].append(_ask(one, account, f"{name}-{number}"))
    return jobs


def _ask(one: Rig, account: str, name: str) -> str:
    return one.call(SEND, name, {"taskId": CASCADE, "contacts": [_contact(name)]}, account)


def _contact(name: str) -> dict[str, Any]:
    return {"contact": {"email": f"{name}@shop.example.com"}}


def _times(played: Sandbox, names: Iterable[str]) -> list[int]:
    """How often each contact was sent to."""
    return played.taken([{"taskId": CASCADE, **_contact(name)} for name in names], "Devino")


def _well(one: Rig, played: Sandbox, jobs: list[str]) -> Record:
    """All are delivered, at the rate at which they were asked for."""
    ends = [one.still(job, END) for job in jobs]
    times = _times(played, [str(one.job(job).key) for job in jobs])
    began, settled = one.job(jobs[0]).created_at, [one.chunks(job)[0].settled_at for job in jobs]
    waits = [then - one.job(job).created_at for job, then in zip(jobs, settled, strict=True)]
    return {
        "accepted": ends.count("finished"),
        "lost": times.count(0),
        "doubled": sum(n > 1 for n in times),
        "rate": len(jobs) / (max(settled) - began),
        "median_wait": median(waits),
    }


def _empty(one: Rig, played: Sandbox, jobs: list[str]) -> Record:
    """Nobody was sent to, no call is over, and the account says what has to be done."""
    return {
        "taken": sum(_times(played, [str(one.job(job).key) for job in jobs])),
        "over": sum(one.job(job).state != "running" for job in jobs),
        "asked": played.counts()["requests"] - 2 * len(jobs),
        "says_why": "Not enough money" in one.door(f"devino/{EMPTY}"),
    }


def _goals(alone: Record, beside: Record, empty: Record) -> tuple[Goal, ...]:
    share = beside["rate"] / alone["rate"]
    amiss = sum(one["lost"] + one["doubled"] for one in (alone, beside))
    return (
        Goal("two accounts: contacts of the well one not sent to once", amiss, 0),
        Goal("two accounts: its rate, as a share of that alone", share, LEAST_SHARE, most=False),
        Goal("two accounts: contacts of the empty one that were sent to", empty["taken"], 0),
        Goal("two accounts: calls of the empty one that did not wait", empty["over"], 0),
        Goal("two accounts: the empty one says why it waits", empty["says_why"], 1, most=False),
    )
