"""The one road to follow-up tasks: what happened is handed to each follower, at least once (design §8).

A follower must do its own work once, by keys derived from the notice. One that stumbles keeps nobody else from it: it
alone is called again, later each time, and is heard of when that does not end.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from worker.ledger import claims, notices
from worker.ledger.notices import STUCK_AFTER
from worker.ledger.types import Connection, Row
from worker.processes.process import Process

AT_ONCE, FEW = 50, 3
LEASE = 30.0
A_TURN = 1.0
HEARD_AFTER = STUCK_AFTER
# What the house itself announces.
OF_JOBS = ("job.ended", "job.undecided", "job.decided", "chunk.poison")
OF_CONSENT = ("consent.opted_out", "consent.once_more")
OF_ALARMS = ("alarm.raised", "alarm.ended", "alarm.untold")
KINDS = (*OF_JOBS, *OF_CONSENT, *OF_ALARMS)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """Something that happened: `kind` to `subject`, at `happened_at` by the clock of whoever told it. `content` is what
    was told besides; `id` is its own, and the same each time it is handed out; `told_at` is when it came, by our clock.
    """

    id: int
    kind: str
    subject: str
    account: str | None
    happened_at: float
    content: Any = field(default=None, repr=False)
    told_at: float = 0.0


Book = Callable[[Connection], object]
Follower = Callable[[Process, Notice], bool]  # of a module: its name is told when it stumbles
_followers: dict[str, list[Follower]] = defaultdict(list)


class Quarantine(Exception):
    """Raised by a follower: the notice proves nothing, or can't be understood. It is kept with this sentence, and
    nobody is handed it again."""


def follows(*kinds: str) -> Callable[[Follower], Follower]:
    """Declare a function a follow-up of these kinds of notice. It returns False to be called again later."""

    def declare(follower: Follower) -> Follower:
        for kind in kinds:
            _followers[kind].append(follower)
        return follower

    return declare


def hand_out(process: Process) -> bool:
    """Hand waiting notices to those who follow them, for about a second; True when some may be left."""
    if not process.ledger.read(notices.any_waiting):
        return False
    until = time.monotonic() + A_TURN
    while not process.stopping.is_set() and time.monotonic() < until:
        if _hand_some(process, time.monotonic() + LEASE / 3) < AT_ONCE:
            return False
    return True


def hand_out_apart(process: Process) -> None:
    """Hand out those whose followers may take long, one by one, each with a claim of its own, until none is due."""
    while not process.stopping.is_set():
        rows = process.ledger.write(lambda tx: notices.claim_apart(tx, process.owner, LEASE))
        if not rows:
            return
        process.ledger.write(_hand(process, rows[0]))


def _hand_some(process: Process, until: float) -> int:
    """How many were claimed, `AT_ONCE` when some are left. Those that had no turn until then go back: what was handed
    is booked long before its claim ends."""
    rows = process.ledger.write(lambda tx: notices.claim_waiting(tx, process.owner, LEASE, AT_ONCE))
    if not rows:
        return 0
    hands = process.hands.map if len(rows) > FEW else map
    # The first has its turn however late it is, or a process in a hurry would hand out none.
    lines = [[(row, math.inf if row is rows[0] else until) for row in line] for line in _lines(rows)]
    booked = [book for line in hands(partial(_hand_line, process), lines) for book in line]
    process.ledger.write(lambda tx: [book(tx) for book, _ in booked])
    return len(rows) if all(handed for _, handed in booked) else AT_ONCE


def _lines(rows: Sequence[Row[Any]]) -> list[list[Row[Any]]]:
    """What speaks of the same goes one after the other, whatever goes beside it: an alarm is raised before it ends."""
    lines: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        lines[row.subject or f"of nothing {row.id}"].append(row)
    return list(lines.values())


def _hand_line(process: Process, line: Sequence[tuple[Row[Any], float]]) -> list[tuple[Book, bool]]:
    """What is to be written of each, and whether its turn came in time."""
    found: list[tuple[Book, bool]] = []
    for row, until in line:
        in_time = time.monotonic() < until
        put_back = partial(notices.put_back, claim=claims.of(row))
        found.append((_hand(process, row) if in_time else put_back, in_time))
    return found


def _hand(process: Process, row: Row[Any]) -> Book:
    """What is to be written of one notice when everybody who follows it was asked."""
    taken: list[str] = json.loads(row.taken)
    why, stumbled = row.why, False
    for follower in _followers[row.kind]:
        try:
            if _name(follower) not in taken and follower(process, _notice(process, row)):
                taken.append(_name(follower))
        except Quarantine as found:
            why, taken = str(found), [*taken, _name(follower)]
            log.error("notice %s (%s) is quarantined: %s", row.id, row.kind, why)
        except Exception:
            stumbled = True
            log.exception("%s could not follow notice %s (%s)", _name(follower), row.id, row.kind)
    if {_name(follower) for follower in _followers[row.kind]} - set(taken):
        return lambda tx: _wait(tx, row, taken, why, stumbled)
    return lambda tx: notices.quarantine(tx, claims.of(row), why) if why else notices.handed_out(tx, claims.of(row))


def _wait(tx: Connection, row: Row[Any], taken: list[str], why: str | None, stumbled: bool) -> None:
    """Who says that it is too early is believed for as long as it likes; who stumbles on and on is a trouble
    (`ledger/troubles.py`)."""
    if row.tries + 1 >= HEARD_AFTER:
        level = logging.ERROR if stumbled else logging.INFO
        log.log(level, "notice %s (%s) was handed out %d times, and still waits", row.id, row.kind, row.tries + 1)
    notices.wait(tx, row, taken, row.stumbles + 1 if stumbled else 0, why)


def _notice(process: Process, row: Row[Any]) -> Notice:
    content = None if row.content is None else process.seal.open(row.content)
    happened = row.happened_at or row.created_at
    return Notice(row.id, row.kind, row.subject, row.account, happened, content, row.created_at)


def _name(follower: Follower) -> str:
    return f"{follower.__module__}.{follower.__name__}"
