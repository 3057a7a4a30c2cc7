"""What every comparison stands on: a folder, a sink, and omniworker in front of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from sandbox.omnisense import Omnisense
from tests.bench.figures import Run
from tests.lab import processes
from tests.lab.rig import IMPORT, Rig, rig
from tests.lab.surroundings import bare
from tests.lab.waiting import until
from worker.processes.embedded import HOST, free_port

PACE = "1000000/s"  # no brake: the sink sets none
LONGEST = 3600.0


class Sink:
    """A sink that answers after `latency` seconds, in a process of its own."""

    def __init__(self, latency: float) -> None:
        port = free_port(HOST, 0)
        self.url = f"http://{HOST}:{port}"
        words = ["-m", "tests.bench.sink", "--port", str(port), "--latency", str(latency)]
        self._process = started(words)
        until(self._answers, 15, "the sink answers")

    def told(self) -> dict[str, Any]:
        with urlopen(f"{self.url}/_sink", timeout=10) as answer:  # noqa: S310 - our own loopback address
            found: dict[str, Any] = json.load(answer)
            return found

    def cpu(self) -> float:
        return processes.cpu([self._process.pid])

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.told())
        except URLError:
            return False


Watch = Callable[[Rig, Sink], None]


@contextmanager
def sink(latency: float = 0.0) -> Iterator[Sink]:
    one = Sink(latency)
    try:
        yield one
    finally:
        one.stop()


def started(words: Sequence[str], **more: Any) -> subprocess.Popen[bytes]:
    """A Python of ours with these words, in a process group of its own."""
    return subprocess.Popen([sys.executable, *words], env=bare(), stdin=subprocess.DEVNULL, process_group=0, **more)


def bare_loop(file: Path, latency: float = 0.0, threads: int = 1) -> Run:
    """The limit on this machine, now."""
    with sink(latency) as platform:
        words = ["-m", "tests.bench.bare", str(file), f"{platform.url}/import", "--threads", str(threads)]
        words += ["--csv"] if file.suffix == ".csv" else []
        process = started(words, stdout=subprocess.PIPE)
        try:
            said = json.loads(process.communicate()[0])
        finally:
            process.kill()
        note = f"{threads} threads" if threads > 1 else ""
        return Run("bare loop", said["rows"], said["wall"], said["cpu"], (said["peak"],), _others(note, platform))


def omniworker(
    folder: Path,
    file: Path,
    rows: int,
    latency: float = 0.0,
    watch: Watch | None = None,
    operation: str = IMPORT,
) -> Run:
    """From the recording of the job to its end; CPU of the workers' processes in that time, and their peak memory."""
    with sink(latency) as platform:
        connection = Omnisense().environment(f"{platform.url}{Omnisense().prefix}")
        with rig(folder, connection, OMNISENSE_PACE=PACE, LOG_LEVEL="WARNING") as one:
            one.workers.start()
            one.workers.ready()
            return _measured(one, platform, file, rows, watch, operation)


def _measured(one: Rig, platform: Sink, file: Path, rows: int, watch: Watch | None, operation: str) -> Run:
    pids, redis = one.workers.pids(), [one.redis.process.pid]
    busy, redis_busy, began = processes.cpu(pids), processes.cpu(redis), time.perf_counter()
    job = one.ask(file, operation)
    if watch:
        watch(one, platform)
    state = one.still(job, LONGEST)
    wall = time.perf_counter() - began
    used = processes.cpu(pids) - busy
    found = one.report(job)["rows"]
    assert state == "finished", f"the job is {state}: {one.report(job)}"
    assert found["accepted"] == rows, f"of {rows} rows the report says {found}"
    note = _others(f"Redis {processes.cpu(redis) - redis_busy:.1f} s", platform)
    more = {"sink": platform.told(), "threads": {pid: processes.cpu_by_thread(pid) for pid in pids}}
    return Run(f"omniworker, {len(pids) - 1} processes", rows, wall, used, _peaks(pids), note, more)


def _peaks(pids: Sequence[int]) -> tuple[float, ...]:
    """Of the processes that deliver; the first is their supervisor."""
    return tuple(map(processes.peak, pids[1:]))


def _others(note: str, platform: Sink) -> str:
    return ", ".join(filter(None, (note, f"sink {platform.cpu():.1f} s CPU")))
