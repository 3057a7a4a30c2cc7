"""Real processes: `omniworker up` in a folder of its own, and how a journey talks to it."""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from celery import Celery
from celery.result import AsyncResult

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


class Answer(AsyncResult):  # type: ignore[type-arg]
    """A result that the collector may find after its Redis has gone with the house: there is nothing to cancel then,
    and trying for twenty seconds, in the middle of whatever another test does, has failed that other test."""

    def __del__(self) -> None:
        self.backend = None


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
        status = self.process.wait(60)
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
        return self.application_on(self.redis_url)

    def application_on(self, broker: str) -> Celery:
        app = Celery("shop", broker=broker, backend=self.redis_url, set_as_current=False)
        app.conf.result_backend_always_retry = False
        app.AsyncResult = app.subclass_with_self(Answer, name="AsyncResult")
        return app


def flower(house: House, page: str) -> bytes:
    """A page of Flower, or what it answers in its place."""
    password = base64.b64encode((house.folder / "var" / "flower.auth").read_bytes().strip()).decode()
    request = Request(f"http://127.0.0.1:{house.environ['FLOWER_PORT']}{page}")
    request.add_header("Authorization", f"Basic {password}")
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - our own loopback address
            found: bytes = answer.read()
            return found
    except HTTPError as error:
        return error.read()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
