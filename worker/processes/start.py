"""What a worker process checks before it takes work, and what it does when it begins and when it ends."""

from __future__ import annotations

import ctypes
import gc
import logging
import sys

from worker.housekeeping.sweeper import Sweeper
from worker.ledger import posts
from worker.ledger.migrate import OldSchema, check_schema
from worker.ledger.postgresql import BadAddress
from worker.ledger.sqlite import NetworkFileSystem
from worker.pace import ClockOff, RedisAway
from worker.platforms import account_ids
from worker.processes.child import CannotStart
from worker.processes.parent import tell_ready
from worker.processes.process import process
from worker.processes.run import check_rooms, check_settings
from worker.settings import SettingsError, settings

log = logging.getLogger(__name__)
# Every row is a few dictionaries, none of them in a cycle: looking through them every 700 costs more than it finds.
COLLECT_EVERY = (50_000, 20, 20)
# M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of mallopt(3).
MALLOC = {-8: 2, -3: 128 << 10, -1: 128 << 10}


def keep_memory_flat() -> None:
    """glibc gives each of many threads a heap of its own and keeps what was freed in all of them: a process with 32
    threads grew by 80 MB over a file of 100 MB. Two heaps do, and large blocks go back at once (other C libraries: as
    they are)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in MALLOC.items():
            mallopt(option, value)


def check_worker() -> None:
    """Refuses, with a sentence, what would go wrong later: settings, keys, a shadowed `tasks`, schema, clock."""
    keep_memory_flat()
    try:
        check_settings(settings())
        check_rooms()
        account_ids()  # raises where ACCOUNTS_FILE is wrong
        own = process()
        own.seal  # noqa: B018 - raises where SECRET_KEY is missing or wrong
        check_schema(own.ledger)
        own.budget.check_clock()
    except RedisAway:
        return  # Celery waits for Redis, and nothing is sent without it; the clock is looked at again then
    except (CannotStart, SettingsError, BadAddress, NetworkFileSystem, OldSchema, ClockOff) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None


def began_or_end(name: str) -> None:
    """Celery swallows what goes wrong in a signal; a worker without its sweeper must not seem to be one."""
    try:
        began(name)
    except Exception as error:
        log.exception("the worker could not begin")
        raise SystemExit(1) from error


def began(name: str) -> None:
    """The worker takes work from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_EVERY)
    Sweeper(process(), name).start()
    tell_ready()


def ended() -> None:
    """The last thread is done: nobody has to wait for this process's leases."""
    own = process()
    own.ledger.write(lambda tx: posts.gone(tx, own.owner))
    own.ledger.close()
