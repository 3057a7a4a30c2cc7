"""Reads the list of a slot, a few pages a look, and goes on where it was: opt-outs that its platform announces nowhere,
and, each night, whatever else it says otherwise than the register (`comparing.py`).

The new opt-outs of a page are announced, and differences noted, in the transaction that keeps the place of the next
page. Whoever dies in between has that page read again, and what was announced is known by its mark. One page is asked
for at a time, and few a look: a list of any length leaves the account's budget to those who send.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from schedules.comparing import Difference, compared
from schedules.differing import alarm_missing, note
from schedules.missed import MISSED, alarm_missed
from schedules.place import Place
from schedules.schedule import Schedule
from worker.facts.callback import Told
from worker.facts.listed import Listed, Shown
from worker.housekeeping.alarms import end_alarm
from worker.ledger import claims, differences, slots
from worker.ledger.claims import Claim
from worker.ledger.types import Connection, Row
from worker.operation import NotConnected
from worker.people import register
from worker.platforms import Account, account, operation
from worker.processes.process import Process
from worker.receiver.told import tell
from worker.runner.results import Refused
from worker.runner.walk import Page, Stopped, Walk
from worker.settings import SettingsError

PAGES = 3  # a look
TURN, PATIENCE = 10.0, 5.0  # seconds: after the one no further page is asked for, and none is waited for the other
FIRST_WAIT, LONGEST_WAIT = 10.0, 600.0
ANEW = 3
DAY = 86400.0
log = logging.getLogger(__name__)


class NotOurs(Exception):
    """Somebody else has the slot by now."""


@dataclass(frozen=True)
class Reading:
    """One slot of a schedule that reads a list, held."""

    process: Process
    schedule: Schedule
    row: Row[Any]

    @property
    def held(self) -> Claim:
        return claims.of(self.row)

    @property
    def listed(self) -> Listed:
        assert self.schedule.reads is not None  # noqa: S101 - asked of those alone
        return self.schedule.reads

    @property
    def account(self) -> Account:
        platform = self.listed.operation.partition(".")[0]
        return account(f"{platform}/{self.schedule.account or 'default'}")

    def run(self) -> None:
        """Read on; what was new, and where to go on, is in the ledger."""
        if not self.process.ledger.write(self._begun):
            return
        try:
            self._read(self._place)
        except NotOurs:
            log.info("somebody else reads for %s", self.schedule.name)
        except (Stopped, NotConnected, SettingsError) as error:
            self._wait(self._place, str(error))
        except Refused as error:
            self._anew(self._place, " ".join(error.reasons))

    def _begun(self, tx: Connection) -> bool:
        """False while the list is read for another slot: a person asked for this one."""
        if self.row.state == "due" and slots.being_read(tx, self.schedule.name):
            self._miss(tx, "overlap", "The list is being read for an earlier slot.")
            return False
        if self.row.state == "due":  # somebody may ask anew for one that was missed half read
            differences.forget(tx, self.row.id)
        end_alarm(tx, MISSED, self.schedule.name)
        return True

    @property
    def _place(self) -> Place:
        kept = self.process.ledger.read(lambda tx: slots.get(tx, self.row.id)).place
        return Place(self.listed.payload) if kept is None else Place(**self.process.seal.open(kept))

    def _read(self, place: Place) -> None:
        until = time.monotonic() + TURN
        for page in self._pages(place):
            place = self._kept(place, page)
            if page.following is None or place.comes_again:
                return self._over(place)
            if self.process.stopping.is_set() or time.monotonic() > until:
                break
        self.process.ledger.write(lambda tx: slots.put_back(tx, self.held, 0.0))
        return None

    def _pages(self, place: Place) -> Iterator[Page]:
        walk = Walk(self.process, operation(self.listed.operation), self.account, log.info, PATIENCE)
        return (page for _, page in zip(range(PAGES), walk.steps(place.payload), strict=False))

    def _kept(self, place: Place, page: Page) -> Place:
        """The place behind this page, whose new opt-outs are announced. Raises `NotOurs`."""
        found = [one for row in page.rows for one in self.listed.read(row)]
        new, differs = self._unknown(found), self._differing(page, found)

        def work(tx: Connection) -> Place:
            note(self.process, tx, self.row.id, differs, place.differs)
            behind = place.after(page, sum([self._tell(tx, one) for one in new]), [one.kind for one in differs])
            if not slots.go_on_at(tx, self.held, self.process.seal.close(asdict(behind)), f"It reads: {behind}."):
                raise NotOurs
            return behind

        return self.process.ledger.write(work)

    def _differing(self, page: Page, out: list[Shown]) -> list[Difference]:
        """Of a list that is compared."""
        agreed = self.listed.agreed
        if agreed is None:
            return []
        joined = [one for row in page.rows for one in agreed(row)]
        return self.process.ledger.read(lambda tx: compared(self.process, tx, out, joined))

    def _unknown(self, found: list[Shown]) -> list[Shown]:
        """Those that the register doesn't know yet: it also knows what we told the platform ourselves."""
        self.process.secret  # noqa: B018 - makes the key of hashes, should nobody have needed it yet

        def known(tx: Connection, one: Shown) -> bool:
            at = time.time() if one.at is None else one.at
            return register.opted_out_by(self.process, tx, one.address, one.channel, at)

        return self.process.ledger.read(lambda tx: [one for one in found if not known(tx, one)])

    def _tell(self, tx: Connection, one: Shown) -> bool:
        """True when it was not told before. What happened long ago goes behind what happens now."""
        told = Told(
            self.listed.kind,
            one.address,
            (one.address, one.channel, one.said),
            one.at,
            {"address": one.address, "channel": one.channel, "at": one.said},
            personal=True,
            urgent=one.at is None or one.at > time.time() - DAY,
        )
        return tell(self.process, tx, self.account, told)

    def _over(self, place: Place) -> None:
        def work(tx: Connection) -> None:
            if slots.read_through(tx, self.held, f"It read {place}.") and self.listed.agreed is not None:
                alarm_missing(tx, self.schedule.name, place.differs)

        self.process.ledger.write(work)

    def _wait(self, place: Place, why: str) -> None:
        """What it has read stays read."""
        seconds = min(FIRST_WAIT * 2 ** min(place.waits, 30), LONGEST_WAIT)
        waiting = replace(place, waits=place.waits + 1)
        self.process.ledger.write(lambda tx: self._put_back(tx, waiting, why, seconds))

    def _anew(self, place: Place, why: str) -> None:
        """A place can grow too old for the platform: then from the first page, some times."""
        if place.pages == 0 or place.anew == ANEW:
            self.process.ledger.write(lambda tx: self._miss(tx, "refused", why))
        else:
            first = Place(self.listed.payload, new=place.new, anew=place.anew + 1)
            self.process.ledger.write(lambda tx: self._forgotten(tx, first, why))

    def _forgotten(self, tx: Connection, first: Place, why: str) -> None:
        """What was noted goes with the place, and only if nobody else reads by now."""
        if self._put_back(tx, first, why, FIRST_WAIT):
            differences.forget(tx, self.row.id)

    def _put_back(self, tx: Connection, place: Place, why: str, seconds: float) -> bool:
        sealed = self.process.seal.close(asdict(place))
        return slots.put_back(tx, self.held, seconds, place=sealed, why=why)

    def _miss(self, tx: Connection, reason: str, why: str) -> None:
        if slots.missed(tx, self.held, reason, why):
            alarm_missed(tx, self.schedule, [self.row.slot], why)
