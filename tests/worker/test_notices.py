"""Notices: told once, handed out until everybody has them, urgent ones first, hopeless ones kept aside."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update

from worker import notices, platforms
from worker.ledger import notices as ledger_notices
from worker.ledger import troubles
from worker.ledger.notices import announce
from worker.ledger.notices import notices as table
from worker.notices import HEARD_AFTER, Notice, Quarantine, hand_out
from worker.processes.process import Process
from worker.settings import settings

Follow = Callable[..., list[Notice]]


@pytest.fixture
def house(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", Fernet.generate_key().decode())
    process = Process(settings())
    yield process
    process.ledger.close()


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> Follow:
    """A follower of `test.happened` that answers as told, and the notices it was handed."""

    def declare(name: str, answer: Callable[[], bool] = lambda: True) -> list[Notice]:
        told: list[Notice] = []

        def follower(_process: Process, notice: Notice) -> bool:
            told.append(notice)
            return answer()

        follower.__name__ = name
        followers = [*notices._followers.get("test.happened", []), follower]
        monkeypatch.setitem(notices._followers, "test.happened", followers)
        return told

    return declare


def tell(house: Process, subject: str = "a", **words: Any) -> bool:
    return house.ledger.write(lambda tx: announce(tx, "test.happened", subject, **words))


def due(house: Process) -> None:
    house.ledger.write(lambda tx: tx.execute(update(table).values(not_before=0)))


def row(house: Process) -> Any:
    return house.ledger.read(lambda tx: tx.execute(select(table)).one())


def stumble() -> bool:
    raise ValueError("no")


def test_a_follower_gets_what_was_told(house: Process, follow: Follow) -> None:
    told = follow("one")
    content = house.seal.close({"email": "a@b.co"})
    tell(house, account="p/default", content=content, happened_at=5.0)
    hand_out(house)
    [one] = told
    assert one == Notice(1, "test.happened", "a", "p/default", 5.0, {"email": "a@b.co"}, one.told_at)
    assert "a@b.co" not in repr(told)
    assert row(house).state == "handed"


def test_the_same_told_twice_is_one(house: Process) -> None:
    assert [tell(house, mark="m"), tell(house, mark="m"), tell(house), tell(house)] == [True, False, True, True]


def test_the_urgent_go_first(house: Process, follow: Follow) -> None:
    told = follow("one")
    for subject in ("a", "b"):
        tell(house, subject)
    tell(house, "c", urgent=True)
    hand_out(house)
    assert [notice.subject for notice in told] == ["c", "a", "b"]


def test_one_that_stumbles_keeps_nobody_from_it_and_is_called_again_later_each_time(
    house: Process, follow: Follow
) -> None:
    follow("bad", stumble)
    good = follow("good")
    tell(house)
    waits = []
    for _ in range(3):
        hand_out(house)
        found = row(house)
        waits.append(found.not_before - found.created_at)
        hand_out(house)  # not due: nobody is called
        due(house)
    assert len(good) == 1
    assert [round(wait) for wait in waits] == [1, 2, 4]
    assert row(house).tries == 3


def test_one_that_says_no_is_called_until_it_says_yes(house: Process, follow: Follow) -> None:
    answers = iter([False, False, True])
    told = follow("late", lambda: next(answers))
    tell(house)
    for _ in range(4):
        hand_out(house)
        due(house)
    assert len(told) == 3
    assert row(house).state == "handed"


@pytest.mark.parametrize(("answer", "level"), [(stumble, logging.ERROR), (lambda: False, logging.INFO)])
def test_a_call_without_end_is_heard_of(
    house: Process, follow: Follow, caplog: pytest.LogCaptureFixture, answer: Callable[[], bool], level: int
) -> None:
    caplog.set_level(logging.INFO)
    follow("never", answer)
    tell(house)
    for _ in range(HEARD_AFTER - 1):
        hand_out(house)
        due(house)
    assert "still waits" not in caplog.text
    hand_out(house)
    assert [line.levelno for line in caplog.records if "still waits" in line.message] == [level]


def troubles_of(house: Process) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in house.ledger.read(lambda tx: troubles.all_of(tx, time.time(), 0.1))]


def test_what_a_follower_fails_on_is_a_trouble_until_it_is_handed_out(house: Process, follow: Follow) -> None:
    answers = [stumble] * HEARD_AFTER + [lambda: True]
    follow("stumbles", lambda: answers.pop(0)())
    tell(house)
    for round_ in range(HEARD_AFTER):
        assert (round_, troubles_of(house)) == (round_, [])
        hand_out(house)
        due(house)
    assert troubles_of(house) == [("notice.stuck", "test.happened")]
    hand_out(house)
    assert (row(house).state, troubles_of(house)) == ("handed", [])


def test_a_follower_that_waits_is_no_trouble(house: Process, follow: Follow) -> None:
    answers = iter([stumble, lambda: False] * HEARD_AFTER)
    follow("waits", lambda: next(answers)())
    tell(house)
    for _ in range(2 * HEARD_AFTER):
        hand_out(house)
        due(house)
    assert (row(house).tries, troubles_of(house)) == (2 * HEARD_AFTER, [])


def test_quarantine_is_a_trouble_for_a_day(house: Process, follow: Follow) -> None:
    def hopeless() -> bool:
        raise Quarantine("It names nobody.")

    follow("strict", hopeless)
    tell(house, account="p/default")
    hand_out(house)
    assert troubles_of(house) == [("notice.quarantined", "p/default")]
    house.ledger.write(lambda tx: tx.execute(update(table).values(created_at=time.time() - 90_000)))
    assert troubles_of(house) == []


def test_what_a_follower_finds_hopeless_is_kept_aside_and_the_others_have_it(house: Process, follow: Follow) -> None:
    def hopeless() -> bool:
        raise Quarantine("It names nobody.")

    found, others = follow("strict", hopeless), follow("late", iter([False, True]).__next__)
    tell(house)
    for _ in range(3):
        hand_out(house)
        due(house)
    assert (len(found), len(others)) == (1, 2)
    assert (row(house).state, row(house).why) == ("quarantined", "It names nobody.")


def test_what_is_told_as_hopeless_is_handed_to_nobody(house: Process, follow: Follow) -> None:
    told = follow("one")
    tell(house, quarantined="It is no JSON.")
    hand_out(house)
    assert (told, row(house).state, row(house).why) == ([], "quarantined", "It is no JSON.")


def test_a_thousand_are_handed_out_at_once(house: Process, follow: Follow) -> None:
    told = follow("one")
    house.ledger.write(lambda tx: [announce(tx, "test.happened", str(n)) for n in range(1000)])
    while hand_out(house):
        pass
    assert sorted(int(notice.subject) for notice in told) == list(range(1000))


def test_several_are_handed_out_side_by_side(house: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Followers mostly wait for a commit, which those who come together share: so four wait here for each other."""
    together = threading.Barrier(4)

    def waits(_process: Process, _notice: Notice) -> bool:
        together.wait(60)
        return True

    monkeypatch.setitem(notices._followers, "test.happened", [waits])
    for n in range(8):
        tell(house, str(n))
    assert not hand_out(house)
    assert house.ledger.read(ledger_notices.counts) == {"handed": 8}


def test_what_speaks_of_the_same_is_handed_out_in_its_order(house: Process, follow: Follow) -> None:
    told = follow("one")
    for n in range(40):
        tell(house, str(n % 3), content=house.seal.close(n))
    while hand_out(house):
        pass
    for subject in "012":
        said = [notice.content for notice in told if notice.subject == subject]
        assert said == sorted(said) and len(said) > 12


def test_after_one_that_takes_long_what_was_handed_is_booked_and_the_rest_goes_back(
    house: Process, follow: Follow
) -> None:
    told = follow("slow")
    for subject in ("a", "b"):
        tell(house, subject)
    assert notices._hand_some(house, until=0.0) == notices.AT_ONCE
    found = house.ledger.read(lambda tx: tx.execute(select(table).order_by(table.c.id)).all())
    assert [(row.state, row.owner, row.tries) for row in found] == [("handed", None, 0), ("waiting", None, 0)]
    assert [notice.subject for notice in told] == ["a"]


def test_nobody_waits_for_what_nobody_announces() -> None:
    known = {*notices.KINDS, *platforms.kinds()}
    platforms.operations()  # whoever declares an operation or a follow-up has been read
    assert {kind for kind, followers in notices._followers.items() if followers} <= known
