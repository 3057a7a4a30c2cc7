"""Who gets how much of an account's budget (docs/decisions/0014).

Files leave the last tenth of a window to calls: they take of it one at a time, evenly over the window, and nothing as
long as a call waits. So a call finds a free place at once, or soon, and where there are no calls nothing is lost.
Files of one account share evenly: who has had its share of the window waits, as long as others take theirs or wait for
it. One that is too slow to take its share keeps nobody from taking it.

What is known of that lies in Redis beside the budget, and expires by itself.
"""

from __future__ import annotations

import time
from typing import Any

from limits import RateLimitItem
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis

LOOK_AGAIN = 1.0
UNTIL_WOKEN = 7.0  # a job that nobody moves is woken by a sweeper, who looks every 5 s
A_TENTH = 10
CALLS_MISSED = 4  # so many times its even distance between two calls: then it doesn't use its share
SHORTEST = 0.2
JOBS_KEPT = 1000


def free_to_files(item: RateLimitItem) -> int:
    """How many calls of a window go to whoever comes first; the rest files take one at a time."""
    return int(item.amount - _last_tenth(item))


def _last_tenth(item: RateLimitItem) -> int:
    return min(-(-int(item.amount) // A_TENTH), int(item.amount) - 1)


class Shares:
    """What this process knows of the others is as old as its last look at the budget."""

    def __init__(self, redis: Redis, storage: RedisStorage) -> None:
        self._redis = redis
        self._storage = storage
        self._limiter = MovingWindowRateLimiter(storage)
        self._sharing: dict[str, frozenset[bytes]] = {}
        self._says_again: dict[tuple[str, str], float] = {}

    def ask(self, pipe: Any, account: str, item: RateLimitItem, job: str) -> None:
        """Along with the budget: count the call for the job, as if it had been taken, say that it shares, ask who does.

        A job shares as long as its calls follow one another about as they would with an even share. One whose calls
        follow faster says so no more often than that: each word more costs the processor as much as the budget itself.
        """
        now = time.time()
        even = item.get_expiry() / item.amount * (1 + len(self._others(account, job)))
        script = self._storage.lua_acquire_moving_window
        pipe.evalsha(script.sha, 1, self._own(account, item, job), now, item.amount, item.get_expiry(), 1)
        if now >= self._says_again.get((account, job), 0.0):
            lasts = max(SHORTEST, CALLS_MISSED * even)
            _shares_until(pipe, account, job, now + lasts)
            pipe.zrangebyscore(_sharing(account), now, "+inf")
            self._say_again(account, job, now + lasts / CALLS_MISSED)

    def _say_again(self, account: str, job: str, when: float) -> None:
        if len(self._says_again) >= JOBS_KEPT:
            self._says_again.clear()  # they say it once too often
        self._says_again[account, job] = when

    def learn(self, account: str, found: Any) -> None:
        """Who shares, as `ask` found it: the last answer to what it added, which is no list where it did not ask."""
        if isinstance(found, list):
            self._sharing[account] = frozenset(found)

    def over(self, account: str, item: RateLimitItem, job: str) -> float | None:
        """The seconds to wait for a job that has had its share; None for one that may go on."""
        others = self._others(account, job)
        if not others:
            return None
        self.learn(account, self._redis.zrangebyscore(_sharing(account), time.time(), "+inf"))
        had = self._limiter.get_window_stats(item, account, job)
        if item.amount - had.remaining < -(-item.amount // (1 + len(self._others(account, job)))):
            return None
        return float(min(LOOK_AGAIN, max(0.0, had.reset_time - time.time())))

    def missed(self, account: str, item: RateLimitItem, job: str) -> None:
        """There was nothing to take: what `ask` counted was not."""
        self._redis.lpop(self._own(account, item, job))

    def short(self, account: str, job: str, wait: float) -> None:
        """It waits for its share, and asks again in `wait` seconds."""
        pipe = self._redis.pipeline(transaction=False)
        _shares_until(pipe, account, job, time.time() + wait + UNTIL_WOKEN)
        pipe.execute()

    def leave(self, account: str, job: str) -> None:
        """Nothing of it is left to send."""
        self._redis.zrem(_sharing(account), job)

    def call_waits(self, account: str, wait: float) -> None:
        """A call got nothing, and asks again in `wait` seconds: until then files stay out of the last tenth."""
        self._redis.set(_call(account), 1, px=int((wait + LOOK_AGAIN) * 1000))

    def one_of_the_last(self, account: str, key: str, item: RateLimitItem) -> bool:
        """Whether a file's turn in the last tenth has come. Who then finds the window full gives it back.

        What is left is spread over the time until the first nine tenths begin to come free: turns that nobody took
        are made up for.
        """
        left = self._limiter.get_window_stats(item, account).remaining
        if not left or self._redis.exists(_call(account)):
            return False
        rest = until_free(self._redis.lindex(key, free_to_files(item) - 1), item)
        return bool(self._redis.set(_turn(account), 1, nx=True, px=max(1, int(1000 * rest / left))))

    def give_back(self, account: str) -> None:
        self._redis.delete(_turn(account))

    def wait(self, account: str, key: str, item: RateLimitItem) -> float:
        """Seconds until a file may find something: among the first nine tenths, or its next turn in the last."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.lindex(key, free_to_files(item) - 1)
        pipe.lindex(key, item.amount - 1)
        pipe.pttl(_turn(account))
        pipe.exists(_call(account))
        first, last, turn, calls = pipe.execute()
        step = LOOK_AGAIN if calls else max(0.0, int(turn) / 1000)
        return min(until_free(first, item), max(until_free(last, item), step))

    def _others(self, account: str, job: str) -> frozenset[bytes]:
        return self._sharing.get(account, frozenset()) - {job.encode()}

    def _own(self, account: str, item: RateLimitItem, job: str) -> str:
        return str(self._storage.prefixed_key(item.key_for(account, job)))


def _shares_until(pipe: Any, account: str, job: str, until: float) -> None:
    now = time.time()
    pipe.zremrangebyscore(_sharing(account), 0, now)
    pipe.zadd(_sharing(account), {job: until}, gt=True)
    pipe.expire(_sharing(account), int(until - now) + 60)


def until_free(taken: bytes | str | None, item: RateLimitItem) -> float:
    """Seconds until what was taken at this moment counts no more."""
    return 0.0 if taken is None else max(0.0, float(taken) + item.get_expiry() - time.time())


def _sharing(account: str) -> str:
    return f"omniworker:sharing:{account}"


def _call(account: str) -> str:
    return f"omniworker:call-waits:{account}"


def _turn(account: str) -> str:
    return f"omniworker:last-tenth:{account}"
