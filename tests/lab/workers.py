"""The worker side of an experiment: `omniworker run worker` and everything it starts, as one thing to strike at."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.lab import processes
from tests.lab.waiting import TooLong
from worker.processes.parent import PIPE, READY
from worker.processes.run import command

START = 180.0  # on a machine that is busy with other things; usual are 3
LEAVE = 40.0


class Workers:
    """Started in `folder` with `environ`; what they say goes to `workers.log` there."""

    def __init__(self, folder: Path, environ: Mapping[str, str], argv: tuple[str, ...] = command("worker")) -> None:
        self._folder, self._environ, self._argv = folder, environ, argv
        self.log = folder / "workers.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Two pipes as a supervisor gives them: one tells us that they take work, one ends them with us."""
        self._hears, tells = os.pipe()
        watched, self._life = os.pipe()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv,
                cwd=self._folder,
                env={**self._environ, READY: str(tells), PIPE: str(watched)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(tells, watched),
                process_group=0,
            )
        os.close(tells)
        os.close(watched)

    def ready(self) -> None:
        """Comes back when work is taken."""
        if not select.select([self._hears], [], [], START)[0] or not os.read(self._hears, 100):
            raise TooLong(f"the workers take no work; the end of their log:\n{self.last_words()}")

    def pids(self) -> list[int]:
        return processes.tree(self._process.pid) if self._process else []

    def carriers(self) -> list[int]:
        """The processes that deliver: those that a supervisor started, or the only one."""
        return self.pids()[1:] or self.pids()

    def kill(self) -> float:
        """SIGKILL to the whole tree; the moment before the first of them, by the monotonic clock."""
        pids = self.pids()
        moment = time.monotonic()
        processes.kill(pids)
        self._reap()
        return moment

    def leave(self) -> float:
        """SIGTERM, as a deploy sends it; the seconds until they were gone. After 40 s they are killed."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            self.kill()
            return LEAVE
        self._reap()
        return time.monotonic() - began

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _reap(self) -> None:
        if self._process:
            self._process.wait()
            self._process = None
            os.close(self._hears)
            os.close(self._life)

    def stop(self) -> None:
        if self._process:
            self.kill()
