"""The register of who may be written to: events go in, and anybody can be asked for where an address stands.

What the events lead to is decided by the rule in `tasks/consent.py`. Addresses lie in the ledger as keyed hashes that
are the same for every account and platform, for consent is about the address.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from typing import Any

from worker import platforms
from worker.ledger import consents, notices, receipts
from worker.ledger.consents import Entry, Place
from worker.ledger.receipts import Change
from worker.ledger.types import Connection, Row
from worker.orders.words import MARKETING
from worker.people.consent import Event, Known
from worker.processes.process import Process

OPTED_OUT = "consent.opted_out"
CLOCKS_DIFFER = 300.0
A_SECOND = 1.0
LONGEST = 200  # of the columns `source` and `said_by`


class NoAddress(Exception):
    """Nothing that anybody could be written to at."""


def enter(process: Process, tx: Connection, event: Event, said_by: str) -> int | None:
    """Take an event in: the number of its receipt, None when it says nothing new. Raises `NoAddress`.

    An opt-out that holds is announced, for the other platforms to be told.
    """
    rule, who = platforms.consent(), hashed(process, tx, event.address)
    event = _in_our_time(event)
    consents.begin_change(tx)
    changed = [
        purpose for purpose in rule.purposes(event) if _learn(process, tx, Place(who, event.channel, purpose), event)
    ]
    if not changed:
        return None
    now = consents.at(tx, Place(who, event.channel, changed[0]))
    assert now is not None  # noqa: S101 - written in the lines above
    source, by = event.source[:LONGEST], said_by[:LONGEST]
    change = Change(who, event.channel, changed[0], now.state, event.reason, event.at, source, by)
    number = receipts.write(tx, change)
    if event.reason in rule.opt_outs and now.state == "out":
        notices.announce(tx, OPTED_OUT, str(number), urgent=True)
    return number


def opted_out_by(process: Process, tx: Connection, address: str, channel: str, at: float) -> bool:
    """Whether an opt-out from marketing is known that is as late as this; a platform may keep whole seconds alone.
    Raises `NoAddress`."""
    row = consents.at(tx, Place(hashed(process, tx, address), channel, MARKETING))
    known: Known = json.loads(row.known) if row else {}
    return any(known[reason][0] + A_SECOND > at for reason in platforms.consent().opt_outs if reason in known)


def standings(process: Process, tx: Connection, addresses: Collection[str]) -> dict[tuple[str, str], Row[Any]]:
    """Where these addresses stand on each channel, for marketing, by address and channel; those nobody knows are left
    out. An empty address is nobody's."""
    rule = platforms.consent()
    named: dict[str, list[str]] = {}
    for address in addresses:
        if rule.same(address) is not None:
            named.setdefault(hashed(process, tx, address), []).append(address)
    rows = consents.standings(tx, named, MARKETING)
    return {(address, row.channel): row for row in rows for address in named[row.who]}


def hashed(process: Process, tx: Connection, address: str) -> str:
    """The hash by which the register knows an address. Raises `NoAddress`."""
    same = platforms.consent().same(address)
    if same is None:
        raise NoAddress("The address is empty.")
    return process.people.everywhere(tx, same)


def _learn(process: Process, tx: Connection, place: Place, event: Event) -> bool:
    """Whether the event says anything new of this place."""
    rule, row = platforms.consent(), consents.at(tx, place)
    before: Known = json.loads(row.known) if row else {}
    known = rule.learn(before, event)
    if known == before:
        return False
    address = row.address if row else process.seal.close(rule.same(event.address))
    consents.put(tx, Entry(place, address, known, rule.standing(known)))
    return True


def _in_our_time(event: Event) -> Event:
    """A clock that runs ahead must not make an event that nothing later could ever outdo."""
    now = time.time()
    return event if event.at <= now + CLOCKS_DIFFER else Event(**{**vars(event), "at": now})
