"""`omniworker demo`: the main job on this machine, with a SIGKILL in the middle, and the sums at the end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from subprocess import Popen
from typing import Any

import click

from sandbox import demo_events
from sandbox.demo_events import OPERATION
from sandbox.server import Sandbox, start
from worker.cli import office, show
from worker.cli.demo_console import decide_all
from worker.cli.demo_house import check_alive, house, running, workers
from worker.cli.progress import done
from worker.cli.refused import refusals, write_text
from worker.cli.watch import follow
from worker.ledger import leases
from worker.orders.intake import put
from worker.orders.order import read_order
from worker.platforms import operation, platforms
from worker.processes.process import Process

ROWS = 100_000
FILE = "events.ndjson"
LATENCY = 0.1
PACE = "25/s"  # with this latency two or three calls are on the wire at any moment: the kill meets them
SHOWN = 8


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Deliver 100,000 events to a sandbox, kill a worker half-way, and compare both sides' sums.

    Everything happens in a folder of its own, on a private Redis and SQLite, and nothing is left of it.
    """
    try:
        ctx.exit(_play())
    except KeyboardInterrupt:
        show.aside("The demo was stopped; nothing of it is left.")
        ctx.exit(130)


def _play() -> int:
    platform = platforms()[operation(OPERATION).platform]
    with start(latency=LATENCY) as sandbox:
        environ = {**sandbox.environment(), platform.pace.name: PACE, "WORKER_PROCESSES": "2"}
        with house(environ) as folder:
            click.echo(f"The sandbox plays {platform.title} at {sandbox.url}, {LATENCY * 1000:g} ms an answer.")
            _write_file(folder)
            with running() as up:
                click.echo(f"`omniworker up` runs in {folder}: two workers, Redis, SQLite, {PACE} to the platform.")
                return _deliver(up, sandbox)


def _write_file(folder: Path) -> None:
    demo_events.write(folder / FILE, ROWS)
    broken = ROWS // demo_events.BROKEN_EVERY
    click.echo(f"{FILE} holds {ROWS:,} events, {broken:,} of them broken on purpose.")


def _deliver(up: Popen[str], sandbox: Sandbox) -> int:
    own = office.for_recording()
    click.echo(f"$ omniworker import {OPERATION} {FILE} --wait")
    job = put(own, read_order(operation(OPERATION), {"source": str(Path(FILE).absolute()), "key": "demo"}))
    office.hand_to_workers(own, job)
    report = follow(own, job.id, HalfWay(own, up))
    if report["state"] == "undecided":
        decide_all(own, job, sandbox.taken)
        report = follow(own, job.id)
    return _ended(own, report, sandbox)


class HalfWay:
    """Told of every look at the job: kills a worker at half of the rows, and says when it is there again."""

    def __init__(self, own: Process, up: Popen[str]) -> None:
        self._own, self._up = own, up
        self._killed: tuple[str, int] | None = None
        self._at = 0.0

    def __call__(self, report: show.Report) -> str | None:
        check_alive(self._up)
        if self._killed is None:
            return self._kill() if done(report) >= ROWS // 2 else None
        return self._look_for_it(*self._killed) if self._at else None

    def _kill(self) -> str:
        """The busiest one: whose id is in most of the claims."""
        held = self._own.ledger.read(leases.owners)
        name, pid = max(workers().items(), key=lambda one: sum(f":{one[1]}:" in owner for owner in held))
        os.killpg(pid, signal.SIGKILL)
        self._killed, self._at = (name, pid), time.monotonic()
        return f"Half-way: SIGKILL to {name} (process {pid}) and to all it started."

    def _look_for_it(self, name: str, killed: int) -> str | None:
        pid = workers().get(name)
        if pid is None or pid == killed:
            return None
        seconds, self._at = time.monotonic() - self._at, 0.0
        return f"{name} was started again after {seconds:.1f} s (process {pid})."


def _ended(own: Process, report: show.Report, sandbox: Sandbox) -> int:
    click.echo(f"\n{show.report_text(report)}\n\nThe first refused rows (`omniworker jobs refused {report['job']}`):")
    write_text(islice(refusals(own, report["job"]), SHOWN), click.echo)
    counts = sandbox.counts()
    click.echo(f"\n{_side_by_side(report, counts)}\n")
    wrong = differences(report, counts, ROWS)
    click.echo("\n".join(wrong) or "The sums meet: every row is accounted for, and none was taken twice.")
    return 1 if wrong else 0


def _side_by_side(report: show.Report, counts: Mapping[str, Any]) -> str:
    rows = report["rows"]
    return show.columns(
        [
            ("", "the report", "the sandbox's own count"),
            ("events taken", rows["accepted"], counts["events"]),
            ("different ones", rows["accepted"], counts["distinct"]),
            ("taken twice", rows["repeated"], counts["doubled"]),
        ],
        right=(1, 2),
    )


def differences(report: show.Report, counts: Mapping[str, Any], rows: int) -> list[str]:
    """What does not meet, a sentence each."""
    found = report["rows"]
    told = sum(found[name] for name in ("accepted", "refused", "unsure", "skipped"))
    checks = {
        f"The job is {report['state']}, not finished.": report["state"] == "finished",
        f"The file has {rows:,} rows, the report tells of {told:,}.": told == rows,
        f"{found['accepted']:,} rows are reported as accepted, {counts['distinct']:,} were taken.": (
            found["accepted"] == counts["distinct"]
        ),
        f"{counts['doubled']:,} rows were taken twice.": counts["doubled"] == 0,
    }
    return [sentence for sentence, true in checks.items() if not true]
