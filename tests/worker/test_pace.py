"""The shared budget: never above the limit, seeded when Redis was wiped, nothing sent without Redis or in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import fakeredis
import pytest
from limits.storage import RedisStorage
from redis import Redis

from worker.errors import Busy
from worker.ledger import doors
from worker.ledger.ledger import Ledger
from worker.operation import Pace
from worker.pace import Budget, ClockOff, connect, window

ACCOUNT = "p/default"


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


def budget(redis: Redis, first: bool = True) -> Budget:
    return Budget(redis, lambda _account: first)


def taken_of(budget: Budget, pace: Pace, tries: int) -> int:
    taken = 0
    for _ in range(tries):
        try:
            take(budget, pace)
            taken += 1
        except Busy:
            continue
    return taken


def take(budget: Budget, pace: Pace) -> None:
    """As the runner does it: a short wait, like that for the seeding, is waited out in place."""
    try:
        budget.take(ACCOUNT, pace)
    except Busy as busy:
        if busy.wait > 0.01:
            raise
        budget.take(ACCOUNT, pace)


def test_a_window_hands_out_its_calls_and_no_more(redis: Redis) -> None:
    assert taken_of(budget(redis), Pace(20, 60), 100) == 20


def by_four(redis_url: str, pace: Pace) -> int:
    """What four processes get that ask at the same time."""
    taken: list[int] = []
    threads = [
        threading.Thread(target=lambda: taken.append(taken_of(budget(connect(redis_url)), pace, 40))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(taken)


def test_all_processes_share_one_budget(redis: Redis, redis_url: str) -> None:
    take(budget(redis), Pace(30, 60))
    assert by_four(redis_url, Pace(30, 60)) == 29


def test_processes_that_meet_at_a_budget_without_a_birth_mark_never_get_more(redis: Redis, redis_url: str) -> None:
    """What others took while one seeded is lost to the budget, more or less of it: too little is never wrong."""
    assert 0 < by_four(redis_url, Pace(30, 60)) <= 30


def test_busy_says_how_long_to_wait(redis: Redis) -> None:
    pace = Pace(1, 1)
    own = budget(redis)
    take(own, pace)
    with pytest.raises(Busy) as caught:
        while True:  # a call a second: the second at the latest, unless the machine stood still in between
            own.take(ACCOUNT, pace)
    assert 0 < caught.value.wait <= 1.0
    time.sleep(caught.value.wait)
    take(own, pace)


def test_a_platforms_window_is_ours_and_a_second_longer_a_rate_per_second_is_not() -> None:
    assert window(Pace(400, 60)).get_expiry() == 61
    assert window(Pace(5, 1)).get_expiry() == 1


def test_after_a_wipe_one_window_counts_as_used(redis: Redis) -> None:
    assert taken_of(budget(redis), Pace(20, 60), 15) == 15
    redis.flushall()
    assert taken_of(budget(redis, first=False), Pace(20, 60), 100) == 0


def test_after_that_window_the_budget_is_whole_again(redis: Redis) -> None:
    own, pace = budget(redis, first=False), Pace(2, 1)
    with pytest.raises(Busy) as caught:
        take(own, pace)
    assert 0 < caught.value.wait <= 1.0
    time.sleep(caught.value.wait)
    assert taken_of(own, pace, 2) == 2


def test_another_pace_does_not_hand_out_a_second_window(redis: Redis, ledger: Ledger) -> None:
    own = Budget(redis, lambda account: ledger.write(lambda tx: doors.first_asked(tx, account)))
    assert taken_of(own, Pace(20, 60), 100) == 20
    assert taken_of(own, Pace(30, 60), 100) == 0


def test_the_ledger_knows_whether_an_account_was_ever_asked(ledger: Ledger) -> None:
    def asked(account: str) -> bool:
        return ledger.write(lambda tx: doors.first_asked(tx, account))

    assert [asked("p/a"), asked("p/a"), asked("p/b")] == [True, False, True]


def test_while_one_process_seeds_the_others_wait(redis: Redis, redis_url: str) -> None:
    asked = threading.Event()
    answer = threading.Event()

    def slow(_account: str) -> bool:
        asked.set()
        answer.wait(60)
        return False

    seeding = threading.Thread(target=lambda: taken_of(Budget(redis, slow), Pace(20, 60), 1))
    seeding.start()
    assert asked.wait(60)
    assert taken_of(budget(connect(redis_url)), Pace(20, 60), 5) == 0
    answer.set()
    seeding.join()


def test_without_redis_nothing_is_sent() -> None:
    away = connect("redis://127.0.0.1:1/0")
    with pytest.raises(Busy, match="Redis"):
        Budget(away, lambda _account: True).take(ACCOUNT, Pace(5, 1))


def test_a_clock_that_is_off_refuses_to_start_and_stops_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fakeredis.FakeRedis()
    monkeypatch.setattr(fake, "time", lambda: (int(time.time()) - 3, 0))
    own = Budget(fake, lambda _account: True, storage=_storage(fake))
    with pytest.raises(ClockOff, match="NTP"):
        own.check_clock()
    with pytest.raises(Busy, match="clock"):
        own.take(ACCOUNT, Pace(5, 1))


def test_a_clock_in_time_may_start(redis: Redis) -> None:
    budget(redis).check_clock()


def _storage(fake: fakeredis.FakeRedis) -> RedisStorage:
    return RedisStorage("redis://", connection_pool=fake.connection_pool)
