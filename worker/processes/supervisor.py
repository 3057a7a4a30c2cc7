"""Keeps a set of processes running: starts them, starts again what dies, stops them in order.

One thread does it all, the main one. Redis needs that (its parent-death signal follows the thread that started it),
and it makes it safe to run code between fork and exec.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from worker.processes.child import Child, how, kill_group, popen
from worker.processes.parent import NAME, PIPE, READY
from worker.processes.said import Said, say

GRACE = 28.0  # a worker leaves within 25 s of SIGTERM (design §6)
SHORTEST, LONGEST = 0.5, 10.0  # seconds before what died is started again
STEADY = 30.0  # seconds of life after which a death counts as the first
TICK = 0.1


@dataclass
class Life:
    """One child as it is now: its process and output while it lives, else when it is due again."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    said: Said | None = None
    began: float = 0.0
    due: float = 0.0
    pause: float = SHORTEST


def nobody(_: dict[str, int]) -> None:
    """Who is told of a start when nobody asked to be."""


class Supervisor:
    """A set of children. Leaving the `with` block stops them in order.

    `keep_open`: files that every child holds open. `started(pids)` is called after each start with name and process
    id of all that live. `ready` holds the names of those that said so (`parent.tell_ready`), `falls` how
    often each one died.
    """

    def __init__(
        self,
        grace: float = GRACE,
        keep_open: Iterable[int] = (),
        started: Callable[[dict[str, int]], None] = nobody,
    ) -> None:
        self.ready: set[str] = set()
        self.falls: Counter[str] = Counter()
        self._stopping = False
        self._grace = grace
        self._keep_open = tuple(keep_open)
        self._started = started
        self._lives: dict[str, Life] = {}

    def __enter__(self) -> Supervisor:
        self._selector = selectors.DefaultSelector()
        hears_our_end, self._our_end = os.pipe()  # nobody writes: it closes when we are gone
        self._news, tells_us = os.pipe()
        self._handed = (hears_our_end, tells_us)
        self._selector.register(self._news, selectors.EVENT_READ, self._hear)
        self._before = {number: signal.signal(number, self._told_to_stop) for number in _signals()}
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping = True
        try:
            self._stop([life for life in self._lives.values() if not life.child.last])
            self._stop([life for life in self._lives.values() if life.child.last])
        finally:
            self._close()

    def start(self, child: Child) -> None:
        """Starts the child and, while `until` runs, keeps it running."""
        self._lives[child.name] = Life(child)
        self._spawn(self._lives[child.name])

    def pids(self) -> dict[str, int]:
        """Name and process id of all that live."""
        return {name: life.process.pid for name, life in self._lives.items() if life.process}

    def until(self, done: Callable[[], bool]) -> bool:
        """Looks after the children until `done()`, then True; False as soon as a signal told us to stop."""
        while not self._stopping:
            if done():
                return True
            self._turn()
            self._revive()
        return False

    def keep_running(self) -> None:
        """Looks after the children until a signal tells us to stop."""
        self.until(lambda: False)

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the shape of a handler
        self._stopping = True

    def _turn(self) -> None:
        """Passes on what the children say, and notices who died."""
        for key, _ in self._selector.select(TICK):
            key.data()
        for life in self._lives.values():
            if life.process and life.process.poll() is not None:
                self._bury(life, life.process)

    def _hear(self) -> None:
        self.ready.update(os.read(self._news, 4096).decode().split())

    def _spawn(self, life: Life) -> None:
        try:
            life.process = popen(life.child, self._told(life.child), (*self._handed, *self._keep_open))
        except OSError as error:
            self._fell(life, f"can't be started ({error})")
            return
        life.began = time.monotonic()
        life.said = self._listen(life.child.name, life.process)
        self._started(self.pids())

    def _told(self, child: Child) -> dict[str, str]:
        return {NAME: child.name, PIPE: str(self._handed[0]), READY: str(self._handed[1])}

    def _listen(self, name: str, process: subprocess.Popen[bytes]) -> Said | None:
        if process.stdout is None:
            return None
        said = Said(name, process.stdout)
        self._selector.register(said.file, selectors.EVENT_READ, lambda: self._pass_on(said))
        return said

    def _pass_on(self, said: Said) -> None:
        if not said.pass_on():
            self._selector.unregister(said.file)

    def _bury(self, life: Life, process: subprocess.Popen[bytes]) -> None:
        kill_group(process)
        if life.said:
            with suppress(KeyError):  # it closed its output before it died
                self._selector.unregister(life.said.file)
            life.said.close()
        if time.monotonic() - life.began > STEADY:
            life.pause = SHORTEST
        self._fell(life, how(process.returncode))

    def _fell(self, life: Life, how: str) -> None:
        life.process, life.due = None, time.monotonic() + life.pause
        self.falls[life.child.name] += 1
        self.ready.discard(life.child.name)
        if not self._stopping:
            say(f"{life.child.name} {how}; next start in {life.pause:g} s")
        life.pause = min(life.pause * 2, LONGEST)

    def _revive(self) -> None:
        for life in self._lives.values():
            if life.process is None and time.monotonic() >= life.due:
                self._spawn(life)

    def _stop(self, lives: list[Life]) -> None:
        for life in lives:
            if life.process:
                life.process.terminate()
        if not self._gone(lives, self._grace):
            self._kill(lives)

    def _kill(self, lives: list[Life]) -> None:
        for life in lives:
            if life.process:
                say(f"{life.child.name} did not stop within {self._grace:g} s and is killed")
                kill_group(life.process)
        self._gone(lives, self._grace)

    def _gone(self, lives: list[Life], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while any(life.process for life in lives) and time.monotonic() < deadline:
            self._turn()
        return not any(life.process for life in lives)

    def _close(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.close()
        for file in (*self._handed, self._our_end, self._news):
            os.close(file)


def _signals() -> list[signal.Signals]:
    """What tells us to stop: a closed terminal too, unless we were started with nohup."""
    hangup = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGTERM, signal.SIGINT, *hangup]
