"""The comparisons, each with its runs and the goals they are held to (design §6 and the first issue's list)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median

from tests.bench import calls, delta, profile, rivals
from tests.bench import sizes as files
from tests.bench.callbacks import bare_route, receiver
from tests.bench.calls import Calls
from tests.bench.figures import Run
from tests.bench.opt_outs import opt_outs
from tests.bench.stand import Sink, bare_loop, omniworker
from tests.lab import events, people
from tests.lab.goals import Goal
from tests.lab.people import SUBSCRIBERS
from tests.lab.rig import Rig
from tests.lab.waiting import until

PROCESSES = 2
IN_FLIGHT = 16  # of one account in one process
MOST_MB = 150
NOISE_MB = 15
CHUNK = 500
LEAST_OF_PLAIN = 0.6  # of its calls a second; we write everything down, twice
LEAST_OF_BARE = 0.6
MOST_IDLE_MS = 25
SPARE_BYTES = 1 << 30
SIZES = (10_000_000, 100_000_000, 1_000_000_000)
MOST_MORE_MB = 20
UNCHANGED_SECONDS = 10

Found = Iterator[Run | Calls | Goal]


class NoRoom(Exception):
    """The disk can't hold the file; the sentence says how much it would take."""


@dataclass
class Bench:
    """`folder` is for files; every run gets one of its own in it."""

    folder: Path
    rows: int
    celery_rows: int
    rounds: int
    calls: int = 1500
    profiled: Path | None = None
    _runs: int = 0

    @cached_property
    def file(self) -> Path:
        return self.write("events.ndjson", self.rows)

    def write(self, name: str, rows: int) -> Path:
        wanted, free = rows * events.BYTES * 1.1 + SPARE_BYTES, shutil.disk_usage(self.folder).free
        if free < wanted:
            raise NoRoom(
                f"{rows:,} rows take {wanted / 1e9:.1f} GB and {self.folder} has {free / 1e9:.1f} GB free: "
                "name another folder with --folder, or take fewer --rows."
            )
        return events.write(self.folder / name, rows)

    def fresh(self) -> Path:
        self._runs += 1
        return self.folder / f"run-{self._runs}"


def speed(bench: Bench) -> Found:
    """(a) and (b), in turns."""
    limits, ours = [], []
    for _ in range(bench.rounds):
        limits.append(replace(bare_loop(bench.file), name="(a) bare loop, the limit"))
        yield limits[-1]
        with profile.watching(bench.profiled) as watch:
            ours.append(replace(omniworker(bench.fresh(), bench.file, bench.rows, watch=watch), name="(b) omniworker"))
        yield ours[-1]
    yield Goal("wall of (b) / wall of (a)", _wall(ours) / _wall(limits), 2.0)
    yield Goal("peak memory of a worker process, MB", _peak(ours), MOST_MB)


def subscribers(bench: Bench) -> Found:
    """(j) CSV by multipart: of cells that need no quotes, of some that do, and with an opt-in in each row, for which is
    looked who opted out."""
    plain, yes = (people.LINE, people.HEADER), (people.LINE, people.SAYS_YES)
    for kind, rows in {"plain": plain, "quoted": (people.QUOTED, people.HEADER), "opt-in": yes}.items():
        file = people.write(bench.folder / f"{kind}.csv", bench.rows, 0, *rows)
        limits, ours = [], []
        for _ in range(bench.rounds):
            limits.append(replace(bare_loop(file), name=f"(j) {kind} CSV in forms: bare loop"))
            yield limits[-1]
            with profile.watching(bench.profiled and bench.profiled / kind) as watch:
                run = omniworker(bench.fresh(), file, bench.rows, watch=watch, operation=SUBSCRIBERS)
            ours.append(replace(run, name=f"(j) {kind} CSV in forms: omniworker"))
            yield ours[-1]
        file.unlink()
        yield Goal(f"{kind} CSV in forms: wall / wall of the bare loop", _wall(ours) / _wall(limits), 1.5)
        yield Goal(f"{kind} CSV in forms: peak memory of a worker process, MB", _peak(ours), MOST_MB)


def celery(bench: Bench) -> Found:
    yield replace(
        rivals.plain_celery(bench.fresh(), bench.celery_rows), name="(c) plain Celery, prefork -c 2, a task a row"
    )


def latency(bench: Bench) -> Found:
    """(d) against 50 ms, beside a loop with as many calls in flight."""
    limit = replace(bare_loop(bench.file, 0.05, IN_FLIGHT * PROCESSES), name="(d) sink at 50 ms: bare loop")
    yield limit
    ours = replace(omniworker(bench.fresh(), bench.file, bench.rows, 0.05), name="(d) sink at 50 ms: omniworker")
    yield ours
    yield Goal("rows/s at 50 ms / rows/s of the bare loop", ours.rate / limit.rate, 0.9, most=False)


def flight(bench: Bench) -> Found:
    """(e) calls in flight between a quarter and three quarters of the way, as the sink sees them."""
    seen: list[float] = []

    def watch(_: Rig, platform: Sink) -> None:
        first, last = (_when(platform, bench.rows / CHUNK * share) for share in (0.25, 0.75))
        seen.append((last["busy"] - first["busy"]) / (last["at"] - first["at"]) / PROCESSES)

    run = omniworker(bench.fresh(), bench.file, bench.rows, 0.2, watch)
    yield replace(run, name="(e) sink at 200 ms: omniworker", note=f"at most {run.more['sink']['most']} in flight")
    yield Goal("mean calls in flight a process at 200 ms", seen[0], IN_FLIGHT * 0.95, most=False)


def memory(bench: Bench) -> Found:
    """(f) ten times the rows, in the same memory."""
    one = replace(omniworker(bench.fresh(), bench.file, bench.rows), name="(f) omniworker, the file")
    yield one
    ten = bench.write("ten.ndjson", bench.rows * 10)
    run = replace(omniworker(bench.fresh(), ten, bench.rows * 10), name="(f) omniworker, ten times the file")
    ten.unlink()
    yield run
    yield Goal("peak memory of a worker process, MB", _peak([run]), MOST_MB)
    yield Goal("MB more for ten times the rows", _peak([run]) - _peak([one]), NOISE_MB)


def sizes(bench: Bench) -> Found:
    """(h) CSV of 10 MB, 100 MB and 1 GB, plain and gzip."""
    runs: dict[str, list[Run]] = {"CSV": [], "gzip": []}
    for size in SIZES:
        plain = bench.folder / f"{size}.csv"
        rows = files.write_csv(plain, size)
        for kind, file in (("CSV", plain), ("gzip", files.packed(plain))):
            run = replace(omniworker(bench.fresh(), file, rows), name=f"(h) {kind}, {size // 1_000_000:,} MB")
            runs[kind].append(run)
            yield run
            file.unlink()
    for kind, found in runs.items():
        peaks = [_peak([run]) for run in found]
        yield Goal(f"MB more for a hundred times the {kind}", max(peaks) - peaks[0], MOST_MORE_MB)


def unchanged(bench: Bench) -> Found:
    """(i) the same file two nights running, with `changed_only`."""
    file = delta.write(bench.folder / "subscribers.csv", bench.rows)
    first, second, requests = delta.two_nights(bench.fresh(), file, bench.rows)
    yield first
    yield second
    yield Goal("seconds for 1,000,000 unchanged rows", second.wall / bench.rows * 1e6, UNCHANGED_SECONDS)
    yield Goal("calls for unchanged rows", requests, 0)


def single(bench: Bench) -> Found:
    """(g) calls from `send_task` to the platform's answer, in turns."""
    limits, plain, ours = [], [], []
    for _ in range(bench.rounds):
        limits.append(calls.requests_loop(bench.calls))
        plain.append(calls.plain_celery(bench.fresh(), bench.calls))
        ours.append(calls.omniworker(bench.fresh(), bench.calls))
        yield from (limits[-1], plain[-1], ours[-1])
    ratio = median(one.rate for one in ours) / median(one.rate for one in plain)
    yield Goal("calls/s / calls/s of plain Celery", ratio, LEAST_OF_PLAIN, most=False)
    yield Goal("p50 of one call at a time, ms", median(calls.at(one.idle, 0.5) for one in ours), MOST_IDLE_MS)


def told_elsewhere(bench: Bench) -> Found:
    """(j) from an opt-out's being on disk until the other platforms have taken it."""
    yield from opt_outs(bench.fresh(), bench.rows)


def stored(bench: Bench) -> Found:
    """(k) callbacks a second that are on disk when they are answered, in turns with a route that only answers."""
    limits, ours = [], []
    for _ in range(bench.rounds):
        limits.append(replace(bare_route(bench.fresh()), name="(k) a bare Flask route, only answers"))
        yield limits[-1]
        ours.append(replace(receiver(bench.fresh()), name="(k) the receiver, stored durably"))
        yield ours[-1]
    ratio = median(run.rate for run in ours) / median(run.rate for run in limits)
    yield Goal("callbacks/s stored / callbacks/s of a bare route", ratio, LEAST_OF_BARE, most=False)


COMPARISONS: dict[str, Callable[[Bench], Found]] = {
    "speed": speed,
    "subscribers": subscribers,
    "celery": celery,
    "latency": latency,
    "flight": flight,
    "memory": memory,
    "sizes": sizes,
    "delta": unchanged,
    "calls": single,
    "opt-outs": told_elsewhere,
    "callbacks": stored,
}
ASKED_FOR = ("memory", "sizes")  # takes minutes and gigabytes: run with --ten-million, or by name


def _wall(runs: Iterable[Run]) -> float:
    return median(run.wall for run in runs)


def _peak(runs: Iterable[Run]) -> float:
    return max(max(run.peaks) for run in runs)


def _when(platform: Sink, requests: float) -> dict[str, float]:
    """What the sink tells once it has had so many requests."""
    until(lambda: platform.told()["requests"] >= requests, 3600, "half of the way", every=0.05)
    return platform.told()
