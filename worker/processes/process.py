"""What one process holds open: ledger, seal, budget, client. Opened at first use, once a process, after any fork."""

from __future__ import annotations

import functools
import threading
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor

from worker.client import Client
from worker.ledger import doors, owners
from worker.ledger.ledger import Ledger
from worker.pace import Budget, connect
from worker.people.people import People
from worker.runner.slots import Slots
from worker.seal import Seal
from worker.settings import Settings, SettingsError, settings

ANSWERS_KEPT = 32
PREPARERS = 2
HANDS = 8  # that hand out notices side by side: they share commits, which are most of what that takes
PLANS_AT_ONCE = 2  # reading files must not take the threads that calls need


class Process:
    """One process's things. `stopping` is set when it was asked to leave: nothing more is claimed.

    `failing` names, for each account, who has a failure in hand that is not in the ledger yet.
    """

    def __init__(self, told: Settings) -> None:
        self.settings = told
        self.ledger = Ledger(told.database_url)
        self.client = Client()
        self.stopping = threading.Event()
        self.owner = owners.me()
        self.slots = Slots(told.threads // 2)
        self.preparing = ThreadPoolExecutor(PREPARERS, "preparing")
        self.hands = ThreadPoolExecutor(HANDS, "hands")
        self.planning = threading.Semaphore(PLANS_AT_ONCE)
        self.failing: dict[str, set[str]] = defaultdict(set)
        self.latency: dict[str, Latency] = defaultdict(Latency)

    @functools.cached_property
    def seal(self) -> Seal:
        return Seal(self.settings.secret_key)

    @functools.cached_property
    def people(self) -> People:
        return People(self.seal)

    @functools.cached_property
    def secret(self) -> bytes:
        """The key of hashes, for those who are in no transaction."""
        return self.ledger.write(self.people.key)

    @functools.cached_property
    def budget(self) -> Budget:
        if self.settings.redis_url is None:
            raise SettingsError("REDIS_URL is not set: it holds the budget that all processes share.")
        return Budget(connect(self.settings.redis_url), self._first_asked)

    def _first_asked(self, account: str) -> bool:
        return self.ledger.write(lambda tx: doors.first_asked(tx, account))


class Latency:
    """How long an account takes to answer: the shortest of its last answers, None before the first.

    The shortest, because the others hold our own crowding, and lanes must not breed lanes.
    """

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=ANSWERS_KEPT)

    @property
    def seconds(self) -> float | None:
        return min(self._last.copy(), default=None)

    def saw(self, seconds: float) -> None:
        self._last.append(seconds)


@functools.cache
def process() -> Process:
    return Process(settings())
