"""The register on both databases: what is written, what leaves a receipt, what is announced, and what a mark sees."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from worker.ledger import consents, receipts
from worker.ledger.notices import notices
from worker.people import register
from worker.people.consent import Event
from worker.people.people import People
from worker.processes.process import Process
from worker.seal import Seal

ANN = "ann@example.com"
Enter = Callable[..., int | None]


class House:
    """As much of a process as the register needs."""

    def __init__(self, ledger: Any) -> None:
        self.ledger = ledger
        self.seal = Seal(Fernet.generate_key().decode())
        self.people = People(self.seal)


@pytest.fixture
def house(ledger: Any) -> Iterator[Any]:
    yield House(ledger)


@pytest.fixture
def enter(house: Process) -> Enter:
    def put(reason: str, at: float = 1.0, address: str = ANN, channel: str = "email", **more: Any) -> int | None:
        said: dict[str, Any] = {"source": "omnisense/default", "purpose": "marketing", **more}
        event = Event(address, channel, reason, at, **said)
        return house.ledger.write(lambda tx: register.enter(house, tx, event, "a test"))

    return put


def of(house: Process, address: str = ANN) -> dict[tuple[str, str], tuple[str, str, float]]:
    def look(tx: Any) -> dict[tuple[str, str], tuple[str, str, float]]:
        rows = consents.of(tx, register.hashed(house, tx, address))
        return {(row.channel, row.purpose): (row.state, row.reason, row.at) for row in rows}

    return house.ledger.read(look)


def announced(house: Process) -> list[str]:
    found = select(notices.c.subject).where(notices.c.kind == register.OPTED_OUT).order_by(notices.c.id)
    return list(house.ledger.read(lambda tx: tx.execute(found).scalars().all()))


def test_an_opt_out_is_written_with_a_receipt_and_announced(house: Process, enter: Enter) -> None:
    number = enter("unsubscription", 5, " Ann@Example.com")
    assert of(house) == {("email", "marketing"): ("out", "unsubscription", 5)}
    assert announced(house) == [str(number)]
    receipt = house.ledger.read(lambda tx: receipts.get(tx, number or 0))
    assert receipt is not None
    assert (receipt.state, receipt.reason, receipt.source, receipt.said_by, receipt.account) == (
        "out", "unsubscription", "omnisense/default", "a test", None,
    )  # fmt: skip


def test_the_same_again_leaves_no_trace(house: Process, enter: Enter) -> None:
    assert enter("unsubscription", 5) is not None
    assert enter("unsubscription", 5) is None
    assert enter("unsubscription", 4) is None
    assert len(announced(house)) == 1


def test_an_opt_out_that_was_lifted_later_is_not_announced(house: Process, enter: Enter) -> None:
    enter("act", 9)
    assert enter("unsubscription", 5) is not None
    assert announced(house) == []
    assert of(house)["email", "marketing"][0] == "in"


def test_no_address_lies_open_in_the_ledger(house: Process, enter: Enter) -> None:
    enter("complaint", 5)
    rows = house.ledger.read(lambda tx: consents.following(tx, 0, 10))
    assert len(rows) == 2
    assert all(ANN not in str(tuple(row)) for row in rows)
    assert {house.seal.open(row.address) for row in rows} == {ANN}


def test_a_clock_that_runs_ahead_makes_nothing_that_lasts(house: Process, enter: Enter) -> None:
    enter("act", time.time() + 9e8)
    enter("unsubscription", time.time() + 200)
    assert of(house)["email", "marketing"][0] == "out"


def test_whatever_the_order_the_end_is_the_same(house: Process, enter: Enter) -> None:
    taken = [("complaint", 3.0), ("act", 4.0), ("unsubscription", 5.0), ("claim", 9.0)]
    ends = set()
    for number, order in enumerate(itertools.permutations(taken)):
        address = f"p{number}@example.com"
        for reason, at in order:
            enter(reason, at, address)
        ends.add(tuple(sorted(of(house, address).items())))
    assert len(ends) == 1


def test_a_change_is_seen_by_every_mark_that_begins_after_it(house: Process, enter: Enter) -> None:
    """A mark that looks holds changes up until its commit; so whatever was stored before the mark was seen by it."""
    enter("unsubscription", 1, "first@example.com")
    seen = house.ledger.read(consents.last_change)
    looked, go_on, stored = threading.Event(), threading.Event(), threading.Event()
    found: list[Any] = []

    def mark() -> None:
        with house.ledger.begin() as tx:
            consents.begin_mark(tx)
            found.extend(consents.out_since(tx, seen))
            looked.set()
            go_on.wait(60)

    def opt_out() -> None:
        enter("unsubscription", 2)
        stored.set()

    marking, storing = threading.Thread(target=mark), threading.Thread(target=opt_out)
    marking.start()
    assert looked.wait(60)
    storing.start()
    assert not stored.wait(0.5)
    go_on.set()
    assert stored.wait(60)
    marking.join(60)
    storing.join(60)
    assert found == []
    assert len(house.ledger.read(lambda tx: consents.out_since(tx, seen))) == 1


def test_changes_are_numbered_in_the_order_of_their_commits(house: Process, enter: Enter) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [enter("unsubscription", m, f"p{n}@example.com") for m in range(1, 6)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    rows = house.ledger.read(lambda tx: consents.following(tx, 0, 100))
    assert len({row.change for row in rows}) == len(rows) == 4
    assert house.ledger.read(consents.last_change) == 20
