"""A nightly file of subscribers that is as it was the night before: no call is made for it."""

from __future__ import annotations

import time
from pathlib import Path

from sandbox.omnisense import Omnisense
from tests.bench.figures import Run
from tests.bench.stand import LONGEST, PACE, sink
from tests.lab import processes
from tests.lab.people import SUBSCRIBERS
from tests.lab.rig import Rig, rig

HEAD = "email,first_name,last_name,lang,city,optin\n"
LINE = "customer%08d@shop.example.com,Foo %d,Bar,fr,Perpignan,true\n"
AT_ONCE = 10_000


def write(path: Path, rows: int) -> Path:
    with path.open("w") as file:
        file.write(HEAD)
        for start in range(0, rows, AT_ONCE):
            file.writelines(LINE % (n, n) for n in range(start, min(start + AT_ONCE, rows)))
    return path


def two_nights(folder: Path, file: Path, rows: int) -> tuple[Run, Run, int]:
    """The first night, the second, and how many requests the second one made."""
    with sink(0.0) as platform:
        connection = Omnisense().environment(f"{platform.url}{Omnisense().prefix}")
        with rig(folder, connection, OMNISENSE_PACE=PACE, LOG_LEVEL="WARNING") as one:
            one.workers.start()
            one.workers.ready()
            first = _night(one, file, rows, "the first night", "accepted")
            before = platform.told()["requests"]
            second = _night(one, file, rows, "the second, unchanged", "skipped")
            return first, second, platform.told()["requests"] - before


def _night(one: Rig, file: Path, rows: int, name: str, what: str) -> Run:
    pids = one.workers.pids()
    busy, began = processes.cpu(pids), time.perf_counter()
    job = one.ask(file, SUBSCRIBERS, key=name, options={"changed_only": True})
    state = one.still(job, LONGEST)
    wall = time.perf_counter() - began
    found = one.report(job)["rows"]
    assert (state, found[what]) == ("finished", rows), f"the job is {state}: {found}"
    return Run(f"(i) {name}", rows, wall, processes.cpu(pids) - busy, tuple(map(processes.peak, pids[1:])))
