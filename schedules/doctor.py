"""What `omniworker doctor` says of schedules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from schedules.beat import EVERY
from schedules.declared import declared
from schedules.schedule import Schedule
from worker.cli import office
from worker.cli.sentences import Failed
from worker.cli.verdicts import NOTE, OK, WRONG, Check
from worker.ledger import schedules
from worker.ledger.migrate import OldSchema
from worker.ledger.types import LedgerError, Row
from worker.settings import SettingsError

PATIENCE = 12 * EVERY


def checks() -> Iterator[Check]:
    """Raises `SettingsError` with every mistake of SCHEDULES_FILE."""
    found = declared()
    yield Check("schedules", OK, f"{', '.join(one.name for one in found) or 'None'}.")
    if not found:
        return
    known = _known(found)
    if known is None:
        return
    looked = max((row.known_until for row in known.values()), default=0.0)
    if looked < time.time() - PATIENCE:
        yield Check("beat", WRONG, "Nobody looks at the schedules: run `beat` and `urgent`, or `omniworker up`.")
    for row in known.values():
        if row.paused_by and row.rule:
            yield Check(
                f"schedule {row.id}", NOTE, f"Paused by {row.paused_by}: `omniworker schedules resume {row.id}`."
            )


def _known(found: list[Schedule]) -> dict[str, Row[Any]] | None:
    """None while there are none but the house's own reads, and nobody has started the house yet."""
    only_reads = all(one.reads for one in found)
    try:
        known = office.for_reading().ledger.read(schedules.all_of)
    except (Failed, LedgerError, OldSchema, SettingsError):
        if not only_reads:
            raise
        return None
    return None if only_reads and not known else known
