"""Which processes an `up` started, written down so that the next one can end what was left of it.

A process is known by its id and the moment it started: a process id alone is used again for somebody else's program.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worker.processes.folder import write_private
from worker.processes.parent import ORPHAN_SECONDS

PROC = Path("/proc")


@dataclass(frozen=True)
class Started:
    """One process as it was written down."""

    name: str
    pid: int
    since: str

    @property
    def alive(self) -> bool:
        return since(self.pid) == self.since


def since(pid: int) -> str | None:
    """When the process started, in the system's own words; None when it is gone or only waits to be reaped."""
    return _since_proc(pid) if (PROC / "self/stat").exists() else _since_ps(pid)


def write(path: Path, pids: Mapping[str, int]) -> None:
    """Writes down these processes, by name, instead of what the file held."""
    lines = (f"{name} {pid} {since(pid) or 'gone'}\n" for name, pid in pids.items())
    write_private(path, "".join(lines))


def read(path: Path) -> list[Started]:
    """What the file holds; none when there is no file."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    parts = [line.split(" ", 2) for line in lines]
    return [Started(name, int(pid), start) for name, pid, start in parts]


def end(left: Iterable[Started], seconds: float = ORPHAN_SECONDS + 1) -> None:
    """Ends those that are alive: asked first, killed with all they started after `seconds`."""
    alive = [process for process in left if process.alive]
    _tell(alive, os.kill, signal.SIGTERM)
    if not _gone(alive, seconds):
        _tell(alive, os.killpg, signal.SIGKILL)
        _gone(alive, seconds)


def _tell(processes: Iterable[Started], send: Callable[[int, int], None], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            if process.alive:
                send(process.pid, number)


def _gone(processes: list[Started], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(process.alive for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _since_proc(pid: int) -> str | None:
    """Field 22 of proc(5) stat, in clock ticks since boot. The name in field 2 may hold spaces and brackets."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _since_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    words = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    state, _, start = " ".join(words.stdout.split()).partition(" ")
    return None if not start or state.startswith("Z") else start
