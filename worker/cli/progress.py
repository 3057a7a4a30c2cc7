"""How far a job is: one moving line on a terminal, plain lines elsewhere. Both on standard error."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Protocol

from worker.cli import show
from worker.cli.show import Report, span
from worker.ledger.jobs import MOVING
from worker.operation import Pace

LINES_APART = 2.0
SPEED_OVER = 10.0


class Progress(Protocol):
    """Draws one look at a job after another."""

    def draw(self, report: Report) -> None: ...
    def say(self, sentence: str) -> None: ...
    def close(self) -> None: ...


def progress(pace: Pace) -> Progress:
    """A bar where a person looks at standard error, else lines."""
    return Bar(pace) if sys.stderr.isatty() else Lines(pace)


def done(report: Report) -> int:
    """Rows of which it is known, or will only be known through a person, what became of them."""
    rows = report["rows"]
    return int(rows["total"] - rows["pending"])


class Speed:
    """Rows a second over the last ten seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def saw(self, rows: int, now: float) -> float:
        self._seen.append((now, rows))
        while now - self._seen[0][0] > SPEED_OVER:
            self._seen.popleft()
        then, before = self._seen[0]
        return (rows - before) / (now - then) if now > then else 0.0


def words(report: Report, pace: Pace, speed: float) -> str:
    """`50,000 of 100,000 rows, 50 %, 9,870 rows/s, 5 s left at 20 calls/s, 3 refused`."""
    rows, chunks = report["rows"], report["chunks"]
    left = chunks["waiting"] + chunks["sending"] - chunks.get("awaiting", 0)
    share = done(report) * 100 // rows["total"] if rows["total"] else 0
    parts = [f"{done(report):,} of {rows['total']:,} rows", f"{share} %"]
    if report["state"] in MOVING:
        parts.append(f"{speed:,.0f} rows/s")
    if left and report["state"] == "running":
        parts.append(f"{span(max(1, left * pace.seconds / pace.calls))} left at {_pace(pace)}")
    parts += [f"{n:,} requests taken, to be told of"] if (n := chunks.get("awaiting")) else []
    parts += [f"{rows[name]:,} {name}" for name in ("refused", "unsure") if rows[name]]
    return ", ".join(parts if report["state"] == "running" else [report["state"], *parts])


def _pace(pace: Pace) -> str:
    return f"{pace.calls} calls/s" if pace.seconds == 1 else f"{pace.calls} calls in {pace.seconds} s"


class Lines:
    """A line at most every two seconds, and only when something changed."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._speed = pace, Speed()
        self._said, self._last = -LINES_APART, ""

    def draw(self, report: Report) -> None:
        now = time.monotonic()
        speed = self._speed.saw(done(report), now)
        state = f"{report['state']} {report['rows']} {report['chunks']}"
        if state == self._last or now - self._said < LINES_APART:
            return
        self._said, self._last = now, state
        show.aside(words(report, self._pace, speed))

    def say(self, sentence: str) -> None:
        show.aside(sentence)

    def close(self) -> None:
        """Nothing is left open."""


class Bar:
    """One line that moves."""

    def __init__(self, pace: Pace) -> None:
        from rich.console import Console  # workers load this package too and draw nothing
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Drawing

        self._pace, self._speed = pace, Speed()
        columns = (BarColumn(bar_width=30), TextColumn("{task.description}"))
        self._drawing = Drawing(*columns, console=Console(stderr=True), auto_refresh=False)
        self._task = self._drawing.add_task("", total=None)
        self._drawing.start()

    def draw(self, report: Report) -> None:
        speed = self._speed.saw(done(report), time.monotonic())
        total = report["rows"]["total"] or None
        self._drawing.update(
            self._task, total=total, completed=done(report), description=words(report, self._pace, speed), refresh=True
        )

    def say(self, sentence: str) -> None:
        """Above the line, which stays the last one."""
        self._drawing.console.print(sentence, markup=False, highlight=False)

    def close(self) -> None:
        self._drawing.stop()
