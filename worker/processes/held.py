"""The folder `var/` belongs to one `up` at a time: two Redis on one folder lose writes (design §9).

Every child inherits the lock, so it is free only when the last process of an earlier `up` is gone.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from worker.processes import leftovers
from worker.processes.child import CannotStart
from worker.processes.said import say

OWNER = "up"
PIDS = "up.pids"
PATIENCE = 12.0  # seconds; a child outlives its parent by half of that at most


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """The folder's lock, as a file for children to hold too; what an earlier `up` left is ended first.

    Raises `CannotStart` when an `up` is running there.
    """
    with ExitStack() as at_the_end:
        lock = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        at_the_end.callback(os.close, lock)
        _take(lock, folder)
        at_the_end.callback((folder / PIDS).unlink, missing_ok=True)
        yield lock


def write_down(folder: Path, pids: dict[str, int]) -> None:
    """Writes down who must be ended before another `up` may open the folder.

    A full disk is no reason to stop those who run: they hold the lock, and end with their parent by themselves.
    """
    try:
        leftovers.write(folder / PIDS, {OWNER: os.getpid(), **pids})
    except OSError as error:
        say(f"{folder / PIDS} can't be written ({error.strerror}): make room; nobody is stopped for it.")


def _take(lock: int, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _locked(lock):
        _make_way(folder)
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Something still holds {folder / 'up.lock'}: perhaps an `up` in a container. Stop it first."
            )
        time.sleep(0.1)
    _make_way(folder)
    write_down(folder, {})


def _make_way(folder: Path) -> None:
    """Ends what an `up` left that was killed itself. One that lives is in the right."""
    written = leftovers.read(folder / PIDS)
    owner = next((process for process in written if process.name == OWNER and process.alive), None)
    if owner:
        place = folder.resolve().parent
        raise CannotStart(
            f"`omniworker up` is running in {place} already (process {owner.pid}). Stop it, or use another folder."
        )
    leftovers.end(written)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
