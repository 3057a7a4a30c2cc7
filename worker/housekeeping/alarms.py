"""Alarms: what is wrong and a person should know of; told once when it begins and once when it ends.

Whoever finds something wrong calls `raise_alarm` in the transaction that writes it down, as often as it likes. The
change travels as a notice, so it is told although the process dies (`worker/housekeeping/telling.py`).
"""

from __future__ import annotations

from worker.ledger import alarms, notices
from worker.ledger.types import Connection

RAISED, ENDED = "alarm.raised", "alarm.ended"
LONGEST_SUBJECT = 160  # of its column


def raise_alarm(tx: Connection, kind: str, subject: str, sentence: str) -> bool:
    """`kind` is what is wrong (`slot.missed`), `subject` what with; `sentence` says so and what to do, and holds no
    value of a customer. True when it is new."""
    begun = alarms.begin(tx, kind, subject[:LONGEST_SUBJECT], sentence)
    if begun is not None:
        notices.announce(tx, RAISED, begun)
    return begun is not None


def end_alarm(tx: Connection, kind: str, subject: str) -> bool:
    """It is no longer wrong. True when it was alarmed."""
    ended = alarms.end(tx, kind, subject[:LONGEST_SUBJECT])
    if ended is not None:
        notices.announce(tx, ENDED, ended)
    return ended is not None
