"""The platform answers 502 to everything for two minutes in the middle of an import, then it is well again."""

from __future__ import annotations

import time
from pathlib import Path

from tests.lab import events
from tests.lab.ending import ending
from tests.lab.experiment import Order, Record, Verdict, line, promises
from tests.lab.goals import Goal
from tests.lab.platform import Platform
from tests.lab.rig import rig
from tests.lab.series import LATENCY, PACE
from tests.lab.waiting import TooLong, until

ROWS = 250_000
SECONDS = 120.0
CLOSED_AFTER = 4.0  # the first probe goes out 5 s after the door closes: what comes later is a probe
CLOSES_AFTER = 3  # two in a row close it, and one more may be between its mark and the wire
END = 600.0


def outage(order: Order) -> Verdict:
    rows = order.rows or ROWS
    records = []
    for number in range(order.runs or 1):
        folder = order.folder / f"outage-{number + 1}"
        folder.mkdir()
        records.append({"run": number + 1, **_run(order, folder, rows)})
        order.keep(records[-1])
    beyond = max(record.get("beyond", 0) for record in records)
    note = f"in flight {records[0]['wire']}, refused at once {records[0]['at_once']}, probes {records[0]['probes']}"
    goals = (
        *promises("outage", records),
        Goal("outage: unsure chunks beyond those in flight, three, and the probes", beyond, 0),
    )
    return Verdict((line(f"502 for {SECONDS:g} s", rows, records, note),), goals)


def _run(order: Order, folder: Path, rows: int) -> Record:
    file = events.write(folder / "events.ndjson", rows)
    platform = Platform(LATENCY)
    try:
        with rig(folder / "run", platform.environ, **order.ledger, OMNISENSE_PACE=PACE) as one:
            one.workers.start()
            one.workers.ready()
            job = one.ask(file)
            until(lambda: platform.requests() > rows / 500 / 3, 60, "a third is delivered")
            seen, again = _ill(platform)
            try:
                return _held_to(seen, ending(one, platform, job, events.read(file), END, again))
            except TooLong as error:
                return {**seen, "stuck": str(error), "report": one.report(job)}
    finally:
        platform.stop()


def _held_to(seen: Record, found: Record) -> Record:
    allowed = seen["wire"] + CLOSES_AFTER + seen["probes"]
    return {**seen, **found, "beyond": max(0, found["unsure_chunks"] - allowed)}


def _ill(platform: Platform) -> tuple[Record, float]:
    """The outage from its beginning to its end: what was on the wire, and what came while it lasted."""
    platform.fault(fault="status", status=502)
    began, wire = time.time(), platform.wire(time.monotonic())
    time.sleep(SECONDS)
    platform.clear()
    refused = [entry["at"] - began for entry in platform.log() if entry["end"] == "502"]
    probes = sum(after > CLOSED_AFTER for after in refused)
    return {"wire": wire, "at_once": len(refused) - probes, "probes": probes}, time.time()
