"""Several machines' worth of workers as one thing to strike at. Each has a host name of its own, so that none can see
whether another's processes live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.lab.workers import Workers

HOST_NAME = "LAB_HOST_NAME"
# Python loads a module of this name at its start, from the first folder on its path that has one.
SITE = f'''import os
import socket

socket.gethostname = lambda: os.environ["{HOST_NAME}"]
'''


def site(folder: Path) -> Path:
    """A folder that gives whoever has it on PYTHONPATH the host name it was told."""
    place = folder / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(SITE)
    return place


class Machines:
    """`environ` needs a `site` on its PYTHONPATH. They are started, struck and stopped together."""

    def __init__(self, folder: Path, environ: Mapping[str, str], count: int) -> None:
        self.each = [
            Workers(_made(folder / f"machine-{n}"), {**environ, HOST_NAME: f"machine-{n}"}) for n in range(1, count + 1)
        ]
        self.log = folder / "machine-*" / self.each[0].log.name

    def start(self) -> None:
        for one in self.each:
            one.start()

    def ready(self) -> None:
        for one in self.each:
            one.ready()

    def pids(self) -> list[int]:
        return [pid for one in self.each for pid in one.pids()]

    def carriers(self) -> list[int]:
        return [pid for one in self.each for pid in one.carriers()]

    def kill(self) -> float:
        """SIGKILL to every tree, one right after the other; the moment after the last of them."""
        return [one.kill() for one in self.each][-1]

    def leave(self) -> float:
        return max(one.leave() for one in self.each)

    def stop(self) -> None:
        for one in self.each:
            one.stop()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
