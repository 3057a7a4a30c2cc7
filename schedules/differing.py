"""What a comparison found is kept: how many of each kind in its slot, and the first thousand of each sealed, for
`omniworker schedules differences`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from schedules.comparing import KINDS, MISSING, Difference
from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import differences
from worker.ledger.types import Connection
from worker.people import register
from worker.processes.process import Process

KEPT = 1000  # of each kind
DIFFERS = "consent.differs"


def note(
    process: Process, tx: Connection, slot_id: int, found: Iterable[Difference], before: Mapping[str, int]
) -> None:
    """Keep these, of which so many of each kind were found before."""
    counted = Counter(before)
    for one in found:
        counted[one.kind] += 1
        if counted[one.kind] <= KEPT:
            who = register.hashed(process, tx, one.shown.address)
            differences.write(tx, slot_id, one.kind, who, one.shown.channel, process.seal.close(one.content))


def alarm_missing(tx: Connection, schedule: str, counted: Mapping[str, int]) -> None:
    """Until a comparison finds that everybody who opted out here may not be written to there either."""
    missing = counted.get(MISSING, 0)
    if not missing:
        end_alarm(tx, DIFFERS, schedule)
        return
    sentence = f"{KINDS[MISSING].capitalize()}: {missing:,}. `omniworker schedules differences {schedule}` names them, "
    raise_alarm(tx, DIFFERS, schedule, sentence + "`omniworker consent set ADDRESS out` tells it there once more.")
