"""An account's shared budget: one for all processes on all machines, kept in Redis, never above the limit.

Where a platform counts a window, ours is one second longer: an equal one overshoots by 8 % on arrival, and
less volume does not help (measured, design §6). A rate per second is our own assumption and needs no margin.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis
from redis.exceptions import NoScriptError, RedisError

from worker.errors import Busy
from worker.operation import Pace
from worker.shares import Shares, free_to_files, until_free

MOST_SKEW = 0.5
CHECK_CLOCK_EVERY = 10.0
SEEDING = b"seeding"
BORN = b"born"
SOCKET = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0, "health_check_interval": 30}


# What others have to expect of Redis, without knowing its library.
RedisAway = RedisError


class ClockOff(Exception):
    """This machine's clock is not Redis's: what it counts as a window would not be one."""


class Budget:
    """Hands out the right to make one call. `first_asked(account)` notes in the ledger that the account is asked from
    now on, and says whether it never was before."""

    def __init__(
        self,
        redis: Redis,
        first_asked: Callable[[str], bool],
        *,
        storage: RedisStorage | None = None,
        check_clock: bool = True,
    ) -> None:
        self._redis = redis
        self._first_asked = first_asked
        self._storage = storage or _storage(redis)
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._shares = Shares(redis, self._storage)
        self._check_clock = check_clock
        self._clock_checked = 0.0
        self._lock = threading.Lock()

    def take(self, account: str, pace: Pace, job: str | None = None) -> None:
        """One call's worth, or `Busy` with the seconds to wait. Redis away: nothing is sent.

        `job` is that of a file, which shares the budget with others and leaves the last tenth of it to calls.
        """
        item = window(pace)
        try:
            self._clock_in_time()
            wait = self._for_call(account, item) if job is None else self._for_file(account, item, job)
        except RedisError as error:
            raise Busy(1.0, f"Redis, which keeps the budget, is away ({type(error).__name__})") from error
        except ClockOff as error:
            raise Busy(5.0, str(error)) from error
        if wait is not None:
            raise Busy(max(0.005, wait), "the budget of this window is used")

    def leave(self, account: str, job: str) -> None:
        """Nothing of this file is left to send: others need not share with it any more."""
        try:
            self._shares.leave(account, job)
        except RedisError:
            return  # it is forgotten by itself in a few seconds

    def check_clock(self) -> None:
        """Refuses a clock more than half a second from Redis's."""
        before = time.time()
        seconds, micros = self._redis.time()
        after = time.time()
        skew = (before + after) / 2 - (seconds + micros / 1e6)
        if abs(skew) - (after - before) / 2 > MOST_SKEW:
            raise ClockOff(
                f"The clock of this machine is {skew:+.1f} s from that of Redis; at most {MOST_SKEW} s is allowed. "
                "Set both by NTP: budgets and leases are counted by the clock."
            )

    def _clock_in_time(self) -> None:
        if self._check_clock and time.monotonic() - self._clock_checked > CHECK_CLOCK_EVERY:
            self.check_clock()
            self._clock_checked = time.monotonic()

    def _for_call(self, account: str, item: RateLimitItem) -> float | None:
        """None when it was taken, else the seconds to wait."""
        if self._taken(account, item, item.amount):
            return None
        wait = until_free(self._redis.lindex(self._key(account, item), item.amount - 1), item)
        self._shares.call_waits(account, wait)
        return wait

    def _for_file(self, account: str, item: RateLimitItem, job: str) -> float | None:
        wait = self._shares.over(account, item, job)
        if wait is None:
            if self._taken(account, item, free_to_files(item), job) or self._taken_of_the_last(account, item, job):
                return None
            wait = self._shares.wait(account, self._key(account, item), item)
        self._shares.short(account, job, wait)
        return wait

    def _taken_of_the_last(self, account: str, item: RateLimitItem, job: str) -> bool:
        if not self._shares.one_of_the_last(account, self._key(account, item), item):
            return False
        taken = self._taken(account, item, item.amount, job)
        if not taken:
            self._shares.give_back(account)
        return taken

    def _key(self, account: str, item: RateLimitItem) -> str:
        return str(self._storage.prefixed_key(item.key_for(account)))

    def _taken(self, account: str, item: RateLimitItem, most: int, job: str | None = None) -> bool:
        """One call's worth out of a budget that is known to be complete, in one round trip, if there are fewer than
        `most` in its window."""
        mark = f"omniworker:pace:{item.key_for(account)}"
        state, taken = self._ask(mark, account, item, most, job)
        if state != BORN:
            # What was just taken, if anything, is lost to the budget: too little is never wrong.
            self._seed(mark, state, account, item)
        if job is not None and not taken:
            self._shares.missed(account, item, job)
        return bool(taken)

    def _ask(
        self, mark: str, account: str, item: RateLimitItem, most: int, job: str | None
    ) -> tuple[bytes | None, object]:
        """The birth mark, and whether the limiter's own script had room for one more."""
        script = self._storage.lua_acquire_moving_window
        pipe = self._redis.pipeline(transaction=False)
        pipe.get(mark)
        pipe.evalsha(script.sha, 1, self._key(account, item), time.time(), most, item.get_expiry(), 1)
        if job is not None:
            self._shares.ask(pipe, account, item, job)
        state, taken, *shares = pipe.execute(raise_on_error=False)
        if isinstance(taken, NoScriptError):
            self._redis.script_load(script.script)
            raise Busy(0.01, "Redis was restarted")
        if isinstance(taken, RedisError):
            raise taken
        if shares:
            self._shares.learn(account, shares[-1])
        return state, taken

    def _seed(self, mark: str, state: bytes | None, account: str, item: RateLimitItem) -> None:
        """A budget without its birth mark is empty where the account was never asked. Else Redis was wiped, or the
        pace is another: nobody knows how many requests went out lately, questions and tries that were put back among
        them, so one window counts as used."""
        if state is not None or not self._redis.set(mark, SEEDING, nx=True, ex=10):
            raise Busy(0.1, "the budget is being read from the ledger")
        self._limiter.storage.clear(item.key_for(account))
        if not self._first_asked(account):
            self._limiter.hit(item, account, cost=item.amount)
        self._redis.set(mark, BORN)
        raise Busy(0.001, "the budget was just read from the ledger")


def window(pace: Pace) -> RateLimitItem:
    return RateLimitItemPerSecond(pace.calls, pace.seconds + (1 if pace.seconds > 1 else 0))


def connect(url: str) -> Redis:
    """A connection pool that fails within seconds when Redis hangs."""
    return Redis.from_url(url, **SOCKET)


def _storage(redis: Redis) -> RedisStorage:
    return RedisStorage("redis://", connection_pool=redis.connection_pool)
