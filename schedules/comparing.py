"""Where a list of a platform says otherwise of somebody than the register does.

An opt-out that was not known here is announced by whoever reads the list; everything else is only reported, for nobody
can say from a list whose act it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.consent import ACT, BOUNCE, OPT_OUTS
from worker.facts.listed import Shown
from worker.ledger.reports import iso
from worker.ledger.types import Connection, Row
from worker.operation import JSON
from worker.people import register
from worker.people.register import A_SECOND
from worker.processes.process import Process

MISSING, LATER, UNKNOWN, LIFTED = "opt_out_missing", "opt_in_later", "opt_in_unknown", "opt_out_lifted"
# What is said of an address.
KINDS: Mapping[str, str] = {
    MISSING: "subscribed there though opted out here",
    LATER: "agreed there after opting out here",
    UNKNOWN: "subscribed there and unknown here",
    LIFTED: "opted out there before agreeing here",
}
TRAVELS = 3600.0  # seconds that an opt-out of ours may need until it is there

Standings = Mapping[tuple[str, str], Row[Any]]


@dataclass(frozen=True)
class Difference:
    """One address, and what each of the two says of it; `ours` is empty where nothing is known here."""

    kind: str
    shown: Shown
    ours: JSON = field(repr=False)

    @property
    def content(self) -> JSON:
        there = {"address": self.shown.address, "channel": self.shown.channel, "there_since": self.shown.said}
        return there | {"here": self.ours}


def compared(process: Process, tx: Connection, out: Iterable[Shown], agreed: Iterable[Shown]) -> list[Difference]:
    """What is other than here, of those that a page of the list shows."""
    left, joined = list(out), list(agreed)
    known = register.standings(process, tx, {one.address for one in (*left, *joined)})
    return [*_of_opt_outs(left, known), *_of_opt_ins(process, joined, known)]


def _of_opt_outs(shown: Iterable[Shown], known: Standings) -> Iterator[Difference]:
    for one in shown:
        row = known.get((one.address, one.channel))
        if row is not None and row.reason == ACT and one.at is not None and row.at > one.at:
            yield Difference(LIFTED, one, _ours(row))


def _of_opt_ins(process: Process, shown: Iterable[Shown], known: Standings) -> Iterator[Difference]:
    for one in shown:
        row = known.get((one.address, one.channel))
        if row is None:
            yield Difference(UNKNOWN, one, {})
        elif row.state == "out" and not _stays_here(process, row) and row.changed_at < time.time() - TRAVELS:
            later = one.at is not None and one.at > _last_opt_out(row) + A_SECOND
            yield Difference(LATER if later else MISSING, one, _ours(row))


def _stays_here(process: Process, row: Row[Any]) -> bool:
    """Nobody was told of it."""
    return row.reason == BOUNCE and not process.settings.bounces_travel


def _last_opt_out(row: Row[Any]) -> float:
    known = json.loads(row.known)
    return max(float(known[reason][0]) for reason in OPT_OUTS if reason in known)


def _ours(row: Row[Any]) -> JSON:
    return {"state": row.state, "reason": row.reason, "at": iso(row.at), "source": row.source}
