"""`up` driven from outside: a process of its own whose children only say what they were told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

import worker
from worker.processes import leftovers
from worker.processes.embedded import NoRedis, server

ROOT = Path(worker.__file__).parents[1]
DRIVER = """
import sys
import worker.processes.up
from worker.processes.child import CannotStart
from worker.settings import settings

CHILD = '''
import os, signal
from worker.processes.parent import end_with_parent, own_name, tell_ready
if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_parent()
for name in ("DATABASE_URL", "REDIS_URL", "ALLOW_LOCAL", "SECRET_KEY_FILE", "WORKER_PROCESSES"):
    print(name, os.environ.get(name), flush=True)
tell_ready()
while True:
    signal.pause()
'''
worker.processes.up._migrate = lambda url: None  # the ledger is tested elsewhere
worker.processes.up.command = lambda name: (sys.executable, "-c", CHILD)
try:
    sys.exit(worker.processes.up.up(settings(), tuple(sys.argv[1:])))
except CannotStart as error:
    sys.exit(str(error))
"""
UNSET = ("REDIS_URL", "DATABASE_URL", "SECRET_KEY", "FLOWER_BASIC_AUTH", "CELERY_BROKER_URL")


class Up:
    """One `up` in `folder`, its words collected as they come."""

    def __init__(self, folder: Path, *only: str, **environ: str) -> None:
        base = {name: value for name, value in os.environ.items() if name not in UNSET}
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, *only],
            cwd=folder,
            env={**base, "PYTHONPATH": str(ROOT), "WORKER_PROCESSES": "2", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._collect, args=(self.process.stdout, self.out)),
            threading.Thread(target=self._collect, args=(self.process.stderr, self.err)),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _collect(file: IO[str], lines: list[str]) -> None:
        lines.extend(line.rstrip("\n") for line in iter(file.readline, ""))

    def ready(self) -> Up:
        assert eventually(lambda: "ready" in self.out or self.process.poll() is not None)
        assert "ready" in self.out, self.err
        return self

    def ended(self) -> int:
        status = self.process.wait(timeout=60)
        for reader in self._readers:
            reader.join(timeout=60)
        return status

    def runs(self, *names: str) -> Up:
        assert eventually(lambda: self.pids().keys() >= set(names)), self.err
        return self

    def kill(self) -> None:
        self.process.kill()
        self.ended()

    @property
    def url(self) -> str:
        return (self.folder / "var/redis.url").read_text().strip()

    def pids(self) -> dict[str, int]:
        return {process.name: process.pid for process in leftovers.read(self.folder / "var/up.pids")}


def eventually(done: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pids: dict[str, int]) -> bool:
    return all(leftovers.since(pid) is None for pid in pids.values())


def need_a_server() -> None:
    """Skips on a machine without any Redis server; in CI that is a failure."""
    try:
        server()
    except NoRedis as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
