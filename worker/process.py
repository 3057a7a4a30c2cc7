"""What one process holds open: ledger, seal, budget, client. Opened at first use, once a process, after any fork."""

from __future__ import annotations

import functools
import threading
from collections import defaultdict

from worker.client import Client
from worker.ledger import chunks, owners
from worker.ledger.ledger import Ledger
from worker.pace import Budget, connect
from worker.runner.slots import Slots
from worker.seal import Seal
from worker.settings import Settings, SettingsError, settings

PLANS_AT_ONCE = 2  # reading files must not take the threads that calls need


class Process:
    """One process's things. `stopping` is set when it was asked to leave: nothing more is claimed."""

    def __init__(self, told: Settings) -> None:
        self.settings = told
        self.ledger = Ledger(told.database_url)
        self.client = Client()
        self.stopping = threading.Event()
        self.owner = owners.me()
        self.slots = Slots(told.threads // 2)
        self.planning = threading.Semaphore(PLANS_AT_ONCE)
        self.latency: dict[str, Latency] = defaultdict(Latency)

    @functools.cached_property
    def seal(self) -> Seal:
        return Seal(self.settings.secret_key)

    @functools.cached_property
    def budget(self) -> Budget:
        if self.settings.redis_url is None:
            raise SettingsError("REDIS_URL is not set: it holds the budget that all processes share.")
        return Budget(connect(self.settings.redis_url), self._sent_since)

    def _sent_since(self, account: str, moment: float) -> int:
        return self.ledger.read(lambda tx: chunks.sent_since(tx, account, moment))


class Latency:
    """How long an account takes to answer, smoothed; None before the first answer."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def saw(self, seconds: float) -> None:
        self.seconds = seconds if self.seconds is None else self.seconds + 0.2 * (seconds - self.seconds)


@functools.cache
def process() -> Process:
    return Process(settings())
