"""A receiver in a process of its own, on a free port, whose Redis is away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from cryptography.fernet import Fernet

from worker.ledger.migrate import migrate

SECRET, OLD = "näw-secret", "old secret"
DEAD_REDIS = "redis://127.0.0.1:1/0"


class Web:
    """`omniworker run web` on a port of its own, its ledger and its words."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'web.db'}"
        migrate(self.url)
        self.key = Fernet.generate_key().decode()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        told = {"DATABASE_URL": self.url, "SECRET_KEY": self.key, "REDIS_URL": DEAD_REDIS, "ALLOW_LOCAL": "1"}
        told |= {"PORT": str(self.port), "DEVINO_CALLBACK_SECRETS": "s3cr3t-of-devino", "LOG_LEVEL": "DEBUG"}
        self.log = folder / "web.log"
        words = (sys.executable, "-P", "-m", "worker.cli", "run", "web")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, cwd=folder, env={**os.environ, **told}, stdout=log, stderr=log)
        self._until_it_answers()

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=60):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)
