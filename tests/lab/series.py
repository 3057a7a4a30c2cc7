"""Imports of one file, each with a folder, Redis, ledger, sandbox and workers of its own, struck at a random moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.lab.cargo import EVENTS, Cargo
from tests.lab.ending import ending
from tests.lab.experiment import Order, Record
from tests.lab.platform import Platform
from tests.lab.rig import Rig, rig
from tests.lab.strikes import Blow, Strike
from tests.lab.waiting import TooLong

LATENCY = 0.04
PACE = "200/s"
PROCESSES = 2
END = 90.0
STRIKES_TRIED = 20


class Series:
    """`revived`: after the strike a further small import has to finish, which proves that the processes came back."""

    def __init__(self, order: Order, rows: int, revived: bool = False, cargo: Cargo = EVENTS) -> None:
        self._order, self._dice, self._revived, self._cargo = order, Random(order.seed), revived, cargo
        self._file = cargo.write(order.folder / f"file.{cargo.suffix}", rows, 0)
        self._small = cargo.write(order.folder / f"small.{cargo.suffix}", 1000, rows)
        self._rows = cargo.read(self._file)
        self._rigs = 0
        self.usual = self._undisturbed()

    @property
    def processes(self) -> int:
        return PROCESSES * self._order.machines

    def run(self, strike: Strike) -> Record:
        """One import that was struck while it moved; one that was quicker than the blow is made again."""
        for _ in range(STRIKES_TRIED):
            record = self._once(strike, self._dice.uniform(0, self.usual))
            if record is not None:
                return record
        raise TooLong(f"in {STRIKES_TRIED} imports none was still moving when it was to be struck")

    def _undisturbed(self) -> float:
        """The seconds that an import of this file takes when nobody strikes: the moments are drawn from them."""
        with self._stage() as (one, _):
            began = time.monotonic()
            job = one.ask(self._file, self._cargo.operation)
            one.still(job, END)
            return time.monotonic() - began

    def _once(self, strike: Strike, delay: float) -> Record | None:
        with self._stage() as (one, platform):
            job = one.ask(self._file, self._cargo.operation)
            time.sleep(delay)
            if one.job(job).state not in ("planning", "running"):
                return None
            blow = strike(one, self._dice)
            struck = {"struck_after": delay, "took": blow.took, **_at_the_blow(one, platform, job, blow)}
            try:
                found = ending(one, platform, job, self._rows, END, blow.again, cargo=self._cargo)
                return {**struck, **found, **(self._revival(one) if self._revived else {})}
            except TooLong as error:
                return {**struck, "stuck": str(error), "report": one.report(job)}

    def _revival(self, one: Rig) -> Record:
        began = time.monotonic()
        end = one.still(one.ask(self._small, self._cargo.operation), END)
        well = end == "finished" and one.at_work() == self.processes
        return {"revived": well, "revived_in": time.monotonic() - began}

    @contextmanager
    def _stage(self) -> Iterator[tuple[Rig, Platform]]:
        self._rigs += 1
        platform = Platform(LATENCY)
        try:
            folder = self._order.folder / f"run-{self._rigs}"
            with rig(folder, platform.environ, **self._order.ledger, OMNISENSE_PACE=PACE, OMNISEND_PACE=PACE) as one:
                one.workers.start()
                one.workers.ready()
                yield one, platform
        finally:
            platform.stop()


def _at_the_blow(one: Rig, platform: Platform, job: str, blow: Blow) -> Record:
    """Calls on the wire; after a kill also those that were answered, and whose answer was not yet on disk."""
    if not blow.dead:
        return {"wire": platform.wire(blow.moment)}
    seen = platform.left_by(blow.moment, blow.at)
    settled = sum(chunk.settled_at is not None for chunk in one.chunks(job))
    return {"wire": seen["wire"], "answered_not_settled": seen["answered"] - settled}
