"""Real processes: `omniworker up` in a folder of its own, the sandbox as the platform, a bare Celery application."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

import sandbox.server
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


def until(what: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Wait for something to be true, and give it back; a deadline, never a guess."""
    deadline = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {patience} s"
        time.sleep(0.05)
    return found


@dataclass
class House:
    """An `up` that runs, and how to talk to it."""

    folder: Path
    environ: dict[str, str] = field(repr=False)
    platform: Sandbox
    process: subprocess.Popen[str] | None = None
    said: list[str] = field(default_factory=list)

    def start(self, *words: str) -> None:
        command = [sys.executable, "-P", "-m", "worker.cli", "up", *words]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()
        until(lambda: "ready" in self.said or self.process is None or self.process.poll() is not None)
        assert "ready" in self.said, "\n".join(self.said[-30:])

    def _listen(self, stream: Any) -> None:
        for line in stream:
            self.said.append(line.rstrip("\n"))

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        status = self.process.wait(40)
        self.said = []
        return status

    def run(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command, as a person types it in the folder."""
        command = [sys.executable, "-P", "-m", "worker.cli", *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    @property
    def redis_url(self) -> str:
        return (self.folder / "var" / "redis.url").read_text().strip()

    def application(self) -> Celery:
        """An application that has nothing but Celery and the address of Redis."""
        app = Celery("shop", broker=self.redis_url, backend=self.redis_url, set_as_current=False)
        app.conf.result_backend_always_retry = False
        return app


@pytest.fixture(scope="module")
def platform() -> Iterator[Sandbox]:
    with sandbox.server.start(latency=0.01) as server:
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, platform: Sandbox) -> Iterator[House]:
    if shutil.which("redis-server") is None and os.environ.get("CI"):
        pytest.fail("redis-server is not installed")
    folder = tmp_path_factory.mktemp("house")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    told = {"PYTHONPATH": str(ROOT), "OMNISENSE_PACE": "500/s", "WORKER_PROCESSES": "2", "LOG_LEVEL": "DEBUG"}
    own = House(folder, kept | told | platform.environment(), platform)
    own.start("--only", "worker", "--only", "urgent")
    yield own
    own.stop()
