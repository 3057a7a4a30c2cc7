"""Watches for what nobody writes down as it happens: work that waits for long, accounts that stay shut, a full disk.

What was found and is gone again ends its alarm.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import alarms, troubles
from worker.ledger.troubles import Trouble
from worker.ledger.types import Connection, Row
from worker.processes.process import Process
from worker.settings import VAR

EVERY = 15.0
FREE = 0.05  # of a disk; below it SQLite and the sealed copies are about to fail
DISK = "disk.full"
SENT_TWICE = "rows.sent_twice"  # raised by whoever learns of it, told for a day
KINDS = (*troubles.KINDS, DISK, SENT_TWICE)


def watch(process: Process) -> None:
    """Raise what is wrong now, end what is not any more."""
    share = process.settings.alarm_refused / 100
    raised = process.ledger.read(alarms.raised)
    now = [*process.ledger.read(lambda tx: troubles.all_of(tx, time.time(), share)), *_disks(), *_lately(raised)]
    told = {(row.kind, row.subject) for row in raised if row.kind in KINDS}
    found = {(one.kind, one.subject): one for one in now}
    if found.keys() != told:
        process.ledger.write(lambda tx: _tell(tx, found, told))


def _tell(tx: Connection, found: dict[tuple[str, str], Trouble], told: set[tuple[str, str]]) -> None:
    for name in found.keys() - told:
        raise_alarm(tx, *found[name])
    for kind, subject in told - found.keys():
        end_alarm(tx, kind, subject)


def _lately(raised: Sequence[Row[Any]]) -> Iterator[Trouble]:
    for row in raised:
        if row.kind == SENT_TWICE and row.since > time.time() - troubles.LATELY:
            yield Trouble(row.kind, row.subject, row.sentence)


def _disks() -> Iterator[Trouble]:
    """The folder of the ledger, the copies and what people put in."""
    folder = VAR if VAR.is_dir() else Path()
    disk = shutil.disk_usage(folder)
    if disk.free < FREE * disk.total:
        sentence = f"The disk of {folder.absolute()} has {disk.free / 2**20:,.0f} MiB left: make room."
        yield Trouble(DISK, str(folder.absolute()), sentence)
