"""Wakes whoever hands notices out, from a thread of its own: the caller has its answer already, and Redis may be away.

However many callbacks came meanwhile, they are one wake-up; and should it be lost, the sweeper looks twice a second.
"""

from __future__ import annotations

import logging
import threading
import time

from worker.wake import hand_out_now

# Between two wake-ups; and while no broker is there, where each try costs as much as ten callbacks.
PAUSE, AWAY = 0.02, 1.0
log = logging.getLogger(__name__)


class Waker:
    """`wake` comes back at once. The thread begins with the first of them, in the process that it is for."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        if not self._asked.is_set():
            self._asked.set()
        if self._thread is None:
            with self._starting:
                self._thread = self._thread or self._begin()

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="waker", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while self._asked.wait():
            self._asked.clear()
            time.sleep(PAUSE if _told() else AWAY)


def _told() -> bool:
    try:
        return hand_out_now()
    except Exception:
        log.exception("notices could not be announced; the sweeper looks")
        return False
