"""`python -m tests.lab [NAME …]`: the experiments, one table, and exit 1 when a promise was not kept."""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import struck
from tests.lab.callbacks import callbacks
from tests.lab.consent import consent
from tests.lab.database import DATABASES
from tests.lab.experiment import HEADS, Order, Record, Verdict, text
from tests.lab.fair import fair
from tests.lab.flow import flow
from tests.lab.goals import Goal
from tests.lab.hang import hang
from tests.lab.inserts import inserts
from tests.lab.last_two import last_two
from tests.lab.naive_kills import naive
from tests.lab.newsletters import newsletters
from tests.lab.outage import outage
from tests.lab.pace import pace
from tests.lab.poison import poison
from tests.lab.two_accounts import two_accounts
from tests.lab.waiting import TooLong
from tests.lab.week import week

EXPERIMENTS: dict[str, Callable[[Order], Verdict]] = {
    "kills": struck.kills,
    "parts": struck.parts,
    "batches": struck.batches,
    "poison": poison,
    "sigterm": struck.sigterm,
    "outage": outage,
    "redis": struck.redis,
    "inserts": inserts,
    "last-two": last_two,
    "flow": flow,
    "newsletters": newsletters,
    "two-accounts": two_accounts,
    "naive": naive,
    "pace": pace,
    "fair": fair,
    "hang": hang,
    "consent": consent,
    "callbacks": callbacks,
    "week": week,
}


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lines = [text(HEADS)]
    goals: list[Goal] = []
    for name in options.names or EXPERIMENTS:
        verdict = _performed(name, options)
        lines += map(text, verdict.lines)
        goals += verdict.goals
    sys.stdout.write("\n".join(["", *lines, "", *(goal.line() for goal in goals), ""]))
    return 0 if all(goal.met for goal in goals) else 1


def _performed(name: str, options: argparse.Namespace) -> Verdict:
    """One experiment in a folder of its own; one that could not be carried through is a goal missed."""
    began = time.monotonic()
    _aside(f"{name}: --seed {options.seed}")
    with _folder(name, options.keep) as folder:
        order = Order(
            folder, options.seed, _keeper(name, options), options.runs, options.rows, options.database, options.full
        )
        try:
            verdict = EXPERIMENTS[name](order)
        except TooLong as error:
            _aside(f"{name}: {error}")
            verdict = Verdict((), (Goal(f"{name}: could not be carried through", 1, 0),))
    _aside(f"{name}: done in {time.monotonic() - began:.0f} s")
    return verdict


@contextmanager
def _folder(name: str, keep: Path | None) -> Iterator[Path]:
    """The experiment's own, gone after it unless somebody wants to look at the workers' logs and the ledgers."""
    if keep:
        kept = keep.absolute() / f"{name}-{time.time():.0f}"
        kept.mkdir(parents=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix=f"omniworker-lab-{name}-") as folder:
        yield Path(folder)


def _keeper(name: str, options: argparse.Namespace) -> Callable[[Record], None]:
    """Writes each run's record as a line of JSON, to the file of `--out` and, briefly, to standard error."""

    def keep(record: Record) -> None:
        whole = {"experiment": name, "seed": options.seed, **record}
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps(whole) + "\n")
        _aside(json.dumps({key: value for key, value in record.items() if value not in (0, None, [], {})}))

    return keep


def _aside(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.lab", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(EXPERIMENTS))
    parser.add_argument("--runs", type=int, help="times a fault is repeated (default: the experiment's own count)")
    parser.add_argument("--rows", type=int, help="rows of each import (default: the experiment's own count)")
    parser.add_argument("--full", action="store_true", help="pace, fair: the platform's own window; callbacks: 50,000")
    parser.add_argument("--database", choices=DATABASES, default="sqlite", help="postgresql: with two machines")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same blows again")
    parser.add_argument("--out", type=Path, help="a file that gets every run as a line of JSON")
    parser.add_argument("--keep", type=Path, help="a folder in which logs and ledgers are left to be looked at")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(EXPERIMENTS))
    if unknown:
        parser.error(f"there is no experiment {', '.join(unknown)}: {', '.join(EXPERIMENTS)} are the names.")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
