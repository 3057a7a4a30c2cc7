"""Who gets how much of a budget: calls before files, files of one account evenly, and nothing lost by it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from worker.errors import Busy
from worker.operation import Pace
from worker.pace import Budget, connect
from worker.shares import CALLS_MISSED, SHORTEST

ACCOUNT = "p/default"
PACE = Pace(20, 60)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def budget(redis: Redis) -> Budget:
    """One that is born."""
    own = Budget(redis, lambda _account: True)
    with pytest.raises(Busy):
        own.take(ACCOUNT, PACE)
    return own


def gets(budget: Budget, job: str | None = None, tries: int = 40, pace: Pace = PACE) -> int:
    """How many of so many tries got something."""
    got = 0
    for _ in range(tries):
        try:
            budget.take(ACCOUNT, pace, job)
            got += 1
        except Busy:
            continue
    return got


def test_a_file_takes_nine_tenths_at_once_and_of_the_last_one_call_at_a_time(budget: Budget) -> None:
    assert gets(budget, "one") == 18 + 1


def test_what_a_file_left_is_there_for_calls(budget: Budget) -> None:
    gets(budget, "one")
    assert gets(budget) == 1


def test_calls_alone_have_all_of_it(budget: Budget) -> None:
    assert gets(budget) == 20


def test_while_a_call_waits_a_file_takes_nothing_of_the_last_tenth(budget: Budget, redis: Redis) -> None:
    pace = Pace(20, 2)
    assert gets(budget, pace=pace) <= 20
    with pytest.raises(Busy):
        budget.take(ACCOUNT, pace)
    assert redis.exists(f"omniworker:call-waits:{ACCOUNT}")
    redis.ltrim(next(iter(redis.scan_iter("LIMITS*20/3/*"))), 0, 17)
    assert gets(budget, "one", pace=pace) == 0
    assert gets(budget, pace=pace, tries=2) == 2


def test_the_last_tenth_comes_evenly_and_whoever_is_told_to_wait_is_told_how_long(redis: Redis) -> None:
    pace = Pace(20, 1)
    budget = Budget(redis, lambda _account: True)
    gets(budget, "one", pace=pace)
    with pytest.raises(Busy) as caught:
        while True:  # its share and one of the last tenth, unless the machine stood still in between
            budget.take(ACCOUNT, pace, "one")
    assert 0 < caught.value.wait <= 0.5
    time.sleep(caught.value.wait)
    budget.take(ACCOUNT, pace, "one")


def test_two_files_share_evenly_though_one_asks_more_often(budget: Budget) -> None:
    got = {"one": 0, "two": 0}
    for turn in range(40):
        got["one"] += gets(budget, "one", tries=3)
        got["two"] += gets(budget, "two", tries=1) if turn % 2 else 0
    assert sum(got.values()) == 19
    assert abs(got["one"] - got["two"]) <= 2


def test_three_files_share_evenly(budget: Budget) -> None:
    got = [0, 0, 0]
    for _ in range(40):
        for number, tries in enumerate((1, 2, 5)):
            got[number] += gets(budget, f"job{number}", tries=tries)
    assert sum(got) == 19
    assert max(got) - min(got) <= 2


def test_one_that_does_not_use_its_share_keeps_nobody_from_it(redis: Redis) -> None:
    pace = Pace(40, 2)
    budget = Budget(redis, lambda _account: True)
    gets(budget, "slow", tries=2, pace=pace)
    time.sleep(0.9)  # it would have sent several calls by now, were it using half of the budget
    assert gets(budget, "quick", tries=60, pace=pace) > 30


def test_one_that_has_nothing_left_is_shared_with_no_more(budget: Budget) -> None:
    gets(budget, "one", tries=1)
    gets(budget, "two", tries=1)
    budget.leave(ACCOUNT, "two")
    assert gets(budget, "one") == 17


def test_jobs_of_another_account_are_strangers(budget: Budget) -> None:
    gets(budget, "one")
    with pytest.raises(Busy, match="read from the ledger"):
        budget.take("p/other", PACE, "two")
    budget.take("p/other", PACE, "two")


def test_a_job_that_leaves_without_redis_is_no_failure() -> None:
    Budget(connect("redis://127.0.0.1:1/0"), lambda _account: True).leave(ACCOUNT, "one")


def test_who_calls_fast_says_that_it_shares_no_more_often_than_it_has_to(redis: Redis, budget: Budget) -> None:
    pace = Pace(100_000, 1)
    with pytest.raises(Busy):
        budget.take(ACCOUNT, pace, "one")
    redis.config_resetstat()
    began = time.monotonic()
    assert gets(budget, "one", 200, pace) == 200
    said = redis.info("commandstats").get("cmdstat_zadd", {"calls": 0})["calls"]
    assert said <= 1 + (time.monotonic() - began) / (SHORTEST / CALLS_MISSED)
