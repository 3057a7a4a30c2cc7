"""`python -m tests.bench [--only NAME] [--rows N]`: every comparison on one table, and exit 1 when a goal is missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench import profile
from tests.bench.calls import HEAD, Calls
from tests.bench.comparisons import ASKED_FOR, COMPARISONS, Bench, Found, NoRoom
from tests.bench.figures import HEADS, Run, row
from tests.lab.goals import Goal
from tests.lab.waiting import TooLong


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = options.only or [name for name in COMPARISONS if name not in ASKED_FOR or options.ten_million]
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="omniworker-bench-") as folder:
        bench = Bench(Path(folder), options.rows, options.celery_rows, options.rounds, options.calls, options.profile)
        _say(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start")
        _say(row(HEADS))
        try:
            found = [one for name in names for one in _told(COMPARISONS[name](bench), options)]
        except (NoRoom, TooLong) as error:
            _say(str(error))
            return 2
    goals = [one for one in found if isinstance(one, Goal)]
    _say("")
    for goal in goals:
        _say(goal.line())
    return 0 if all(goal.met for goal in goals) else 1


def _told(found: Found, options: argparse.Namespace) -> Found:
    for one in found:
        if isinstance(one, Calls):
            _say(f"{HEAD}\n{one.line()}")
        if isinstance(one, Run):
            _say(row(one.cells()))
            if options.profile:
                _say("\n".join(profile.threads(one)))
            if options.out:
                _keep(options.out, one)
        yield one


def _keep(path: Path, run: Run) -> None:
    with path.open("a") as file:
        file.write(json.dumps(run.record()) + "\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=COMPARISONS, help="one comparison; may be given again")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--celery-rows", type=int, default=20_000, help="for plain Celery, which is scaled")
    parser.add_argument("--calls", type=int, default=1500, help="single calls a burst")
    parser.add_argument("--rounds", type=int, default=1, help="times that (a) and (b) take turns; medians count")
    parser.add_argument("--ten-million", action="store_true", help="memory with ten times the rows as well")
    parser.add_argument("--profile", type=Path, help="a folder for what py-spy sees; prints each thread's CPU too")
    parser.add_argument("--folder", type=Path, help="where files lie meanwhile (default: the system's temporary one)")
    parser.add_argument("--out", type=Path, help="a file that gets every run as a line of JSON")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
