"""One row that kills whatever process makes it ready, among 15 chunks of innocent ones."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.lab import events
from tests.lab.ending import ending
from tests.lab.experiment import Order, Record, Verdict, line, promises
from tests.lab.goals import Goal
from tests.lab.platform import Platform
from tests.lab.rig import Rig, rig
from tests.lab.series import LATENCY, PACE
from tests.lab.waiting import TooLong

CHUNKS, CHUNK = 16, 500
END = 180.0
DEADLY = "poison"

# Python loads a module of this name at its start, from the first folder on its path that has one.
SITE = "sitecustomize.py"
POISONED = '''"""A row of the kind {deadly!r} kills the process that checks it, and leaves a byte in a file."""

import os
import signal
from pathlib import Path

import worker.checking.check

honest = worker.checking.check.check_lines


def deadly(numbers, lines, rows):
    if any(b'"{deadly}"' in bytes(line) for line in lines):
        with Path({deaths!r}).open("ab") as file:
            file.write(b"x")
        os.kill(os.getpid(), signal.SIGKILL)
    return honest(numbers, lines, rows)


worker.checking.check.check_lines = deadly
'''


def poison(order: Order) -> Verdict:
    """Expected: the chunk with that row is refused as poison, every other one is accepted."""
    dice = Random(order.seed)
    records = []
    for number in range(order.runs or 3):
        deadly_row = dice.randrange(CHUNKS * CHUNK)
        records.append({"run": number + 1, **_run(order, order.folder / f"poison-{number + 1}", deadly_row)})
        order.keep(records[-1])
    wrong = sum(record.get("refused_by") != {"poison": CHUNK} for record in records)
    deaths = sorted(record["deaths"] for record in records)
    goals = (*promises("poison", records), Goal("poison: runs that parked anything but the one chunk", wrong, 0))
    note = f"processes that died {deaths[0]}–{deaths[-1]}"
    return Verdict((line("one row that kills its process", CHUNKS * CHUNK, records, note),), goals)


def _run(order: Order, folder: Path, deadly_row: int) -> Record:
    folder.mkdir()
    file, deaths = folder / "events.ndjson", folder / "deaths"
    with file.open("w") as out:
        rows = range(CHUNKS * CHUNK)
        out.writelines(events.line(i, DEADLY if i == deadly_row else "product.order") for i in rows)
    (folder / SITE).write_text(POISONED.format(deadly=DEADLY, deaths=str(deaths)))
    deaths.touch()
    platform = Platform(LATENCY)
    try:
        with rig(folder / "run", platform.environ, folder, database=order.database, OMNISENSE_PACE=PACE) as one:
            found = _delivered(one, platform, file)
    finally:
        platform.stop()
    return {"deadly_row": deadly_row + 1, "deaths": deaths.stat().st_size, **found}


def _delivered(one: Rig, platform: Platform, file: Path) -> Record:
    one.workers.start()
    one.workers.ready()
    job = one.ask(file)
    try:
        return ending(one, platform, job, events.read(file), END, bad=CHUNK)
    except TooLong as error:
        return {"stuck": str(error), "report": one.report(job)}
