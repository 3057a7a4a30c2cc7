"""Notices and slots are forgotten after a while, a few at a time, on both databases; what is still needed stays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from worker.ledger import notices, slots
from worker.ledger.ledger import Ledger
from worker.ledger.notices import notices as notices_table
from worker.ledger.slots import slots as slots_table
from worker.ledger.tables import jobs

OLD, NOW = 100.0, 1000.0


def notice(ledger: Ledger, subject: str, state: str, at: float = OLD) -> None:
    values = {"kind": "a.b", "subject": subject, "state": state, "created_at": at, "content": b"sealed"}
    ledger.write(lambda tx: tx.execute(insert(notices_table).values(values)))


def slot(ledger: Ledger, moment: int, state: str = "started", job_state: str | None = None, **more: Any) -> None:
    values = {"schedule": "nightly", "slot": moment, "state": state, "settled_at": OLD} | more

    def work(tx: Any) -> None:
        if job_state is not None:
            values["job_id"] = name = f"job-{values['schedule']}-{moment}"
            job = {"id": name, "operation": "a.b", "account": "a/default", "kind": "file", "key_hash": name}
            job |= {"content_hash": "", "state": job_state, "created_at": OLD, "give_up_at": NOW}
            ended = OLD if job_state in ("finished", "failed", "cancelled") else None
            tx.execute(insert(jobs).values(job | {"finished_at": ended}))
        tx.execute(insert(slots_table).values(values))

    ledger.write(work)


def left(ledger: Ledger, column: Any) -> list[Any]:
    return list(ledger.read(lambda tx: tx.execute(select(column).order_by(column)).scalars().all()))


def test_notices_that_were_handed_out_are_forgotten(ledger: Ledger) -> None:
    for state in ("handed", "waiting", "quarantined"):
        notice(ledger, state, state)
    notice(ledger, "young", "handed", NOW)
    assert ledger.write(lambda tx: notices.let_go(tx, NOW, 10)) == 1
    assert left(ledger, notices_table.c.subject) == ["quarantined", "waiting", "young"]


def test_notices_go_a_few_at_a_time_the_oldest_first(ledger: Ledger) -> None:
    for number in range(5):
        notice(ledger, str(number), "handed", OLD - number)
    gone = [ledger.write(lambda tx: notices.let_go(tx, NOW, 2)) for _ in range(2)]
    assert (gone, left(ledger, notices_table.c.subject)) == ([2, 2], ["0"])


def test_slots_are_forgotten_but_for_the_youngest_of_each_schedule(ledger: Ledger) -> None:
    for moment in (1, 2, 3):
        slot(ledger, moment, "missed")
        slot(ledger, moment, "missed", schedule="frequent")
    gone = [ledger.write(lambda tx: slots.let_go(tx, NOW, 3)) for _ in range(3)]
    assert (gone, left(ledger, slots_table.c.slot)) == ([3, 1, 0], [3, 3])


def test_a_slot_that_was_settled_lately_or_is_still_due_stays(ledger: Ledger) -> None:
    slot(ledger, 1, "due", settled_at=None)
    slot(ledger, 2, "missed", settled_at=NOW)
    slot(ledger, 3, "missed", settled_at=NOW)
    assert ledger.write(lambda tx: slots.let_go(tx, NOW, 10)) == 0


@pytest.mark.parametrize("state", ["planning", "running", "paused", "undecided"])
def test_a_slot_whose_job_is_not_over_stays(ledger: Ledger, state: str) -> None:
    slot(ledger, 1, job_state=state)
    slot(ledger, 2, "missed")
    assert ledger.write(lambda tx: slots.let_go(tx, NOW, 10)) == 0


def test_the_size_that_the_next_file_is_compared_with_stays(ledger: Ledger) -> None:
    slot(ledger, 1, job_state="finished", size=10)
    slot(ledger, 2, job_state="finished", size=20)
    slot(ledger, 3, job_state="cancelled", size=7)
    slot(ledger, 4, "missed")
    assert ledger.write(lambda tx: slots.let_go(tx, NOW, 10)) == 1
    assert left(ledger, slots_table.c.slot) == [2, 3, 4]
    assert ledger.read(lambda tx: slots.last_size(tx, "nightly")) == 20
