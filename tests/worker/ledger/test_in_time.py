"""Nothing of a job whose time has passed is claimed, marked or renewed, whoever comes before the sweeper."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from worker.ledger import chunks, claims, decisions, orders, outlook, planning
from worker.ledger.ledger import Ledger
from worker.ledger.orders import Asked
from worker.ledger.tables import jobs as table


@pytest.fixture
def job_id(ledger: Ledger) -> str:
    def work(tx: Any) -> str:
        asked = Asked("a.b", "a/default", "call", None, "hash", "content")
        made, _ = orders.record(tx, asked)
        planning.add_call(tx, planning.Load(made, "a/default", b"", 1, 1, 1, None))
        return made

    return ledger.write(work)


@pytest.fixture
def late(ledger: Ledger, job_id: str) -> Callable[[], None]:
    def pass_by() -> None:
        passed = update(table).where(table.c.id == job_id).values(give_up_at=time.time() - 1)
        ledger.write(lambda tx: tx.execute(passed))

    return pass_by


def test_it_is_not_claimed(ledger: Ledger, job_id: str, late: Callable[[], None]) -> None:
    assert ledger.read(lambda tx: outlook.any_waiting(tx, job_id))
    late()
    assert not ledger.read(lambda tx: outlook.any_waiting(tx, job_id))
    assert ledger.write(lambda tx: chunks.claim(tx, job_id, "me", 60)) == []


def test_what_is_claimed_already_does_not_go(ledger: Ledger, job_id: str, late: Callable[[], None]) -> None:
    (taken,) = ledger.write(lambda tx: chunks.claim(tx, job_id, "me", 60))
    held = claims.of(taken)
    assert ledger.read(lambda tx: outlook.still_goes(tx, held))
    assert ledger.write(lambda tx: chunks.renew(tx, held, 60))
    late()
    assert not ledger.read(lambda tx: outlook.still_goes(tx, held))
    assert not ledger.write(lambda tx: chunks.renew(tx, held, 60))
    assert not ledger.write(lambda tx: chunks.mark(tx, held))


def test_what_a_person_wants_sent_has_time_again(ledger: Ledger, job_id: str, late: Callable[[], None]) -> None:
    (taken,) = ledger.write(lambda tx: chunks.claim(tx, job_id, "me", 60))
    assert ledger.write(lambda tx: chunks.mark(tx, claims.of(taken)))
    assert ledger.write(lambda tx: chunks.lose(tx, claims.of(taken), "why"))
    late()
    ledger.write(lambda tx: decisions.decide(tx, job_id, "send", "anna"))
    assert len(ledger.write(lambda tx: chunks.claim(tx, job_id, "me", 60))) == 1
