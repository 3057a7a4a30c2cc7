"""A Redis of an experiment's own, that can be wiped, killed and started again at the same address."""

from __future__ import annotations

import subprocess
from pathlib import Path

from redis import Redis

from tests.lab.waiting import until
from worker.processes.embedded import answers, embedded

PATIENCE = 60.0


class OwnRedis:
    """Runs from the start to `stop`; it ends when this process does. Started as `omniworker up` starts its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start()

    def start(self) -> None:
        own = embedded(self._folder)
        self.url = own.url
        self.process = subprocess.Popen(
            own.child.argv, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=own.child.before_exec
        )
        until(lambda: answers(own.url, self.process.pid), PATIENCE, "Redis answers")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def flush(self) -> None:
        with Redis.from_url(self.url) as client:
            client.flushall()

    def waiting(self, queue: str) -> int:
        """How many messages lie in a queue, taken by nobody."""
        with Redis.from_url(self.url) as client:
            return int(client.llen(queue))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
