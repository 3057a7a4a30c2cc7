"""Where the workers' CPU goes: py-spy on each process where it is installed, and the seconds of each thread."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.figures import Run
from tests.bench.stand import Sink, Watch
from tests.lab.rig import Rig

HOW = (
    "--duration",
    "600",
    "--rate",
    "50",
    "--nonblocking",
    "--format",
    "raw",
)  # pausing them made it five times slower
LEAST = 0.05


@contextmanager
def watching(folder: Path | None) -> Iterator[Watch | None]:
    """Something to watch a run with; its files, one a process, are whole when the block ends."""
    spy = shutil.which("py-spy")
    if folder is None or spy is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    spies: list[subprocess.Popen[bytes]] = []

    def watch(one: Rig, _: Sink) -> None:
        for pid in one.workers.carriers():
            words = [spy, "record", "-p", str(pid), *HOW, "-o", str(folder / f"{pid}.txt")]
            spies.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    try:
        yield watch
    finally:
        for one in spies:  # each ends with the process it looks at
            one.wait(60)


def threads(run: Run) -> Iterator[str]:
    """A line for each thread that used CPU, the busiest first."""
    for pid, seconds in run.more.get("threads", {}).items():
        yield f"process {pid}: {sum(seconds.values()):.1f} s of CPU since its start"
        busiest = sorted(seconds.items(), key=lambda pair: -pair[1])
        yield from (f"    {used:7.2f} s  {name}" for name, used in busiest if used >= LEAST)
