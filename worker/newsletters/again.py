"""A newsletter that recurs: approved once by a person, it goes by itself as long as it is what was approved."""

from __future__ import annotations

from typing import Any

from worker.ledger import newsletters
from worker.ledger.types import Row
from worker.newsletters import moves, plan
from worker.newsletters.document import Document
from worker.newsletters.people import INVALID
from worker.newsletters.plan import Plan
from worker.processes.process import Process

MOST_DIFFERENT = 0.2


def again(process: Process, said: Document, by: str, key: str | None = None) -> Row[Any]:
    """Plan it once more; approved at once if its guards hold, else it waits for a person, and its `why` says for what.

    The same `key`, that of the slot, is the same newsletter, should somebody die in between. Raises as planning does.
    """
    made = plan.make(process, said)
    before = process.ledger.read(lambda tx: newsletters.approved_before(tx, said.name))
    why = waits_for(made, before)
    return _let_go(process, _row(process, plan.keep(process, made, by, why, key)), before, by)


def taken_up(process: Process, by: str, key: str) -> Row[Any] | None:
    """The newsletter that was planned with this key by one who died since; None when there is none.

    It is not planned anew: it may be on its way already, and its file may say something else by now.
    """
    row = process.ledger.read(lambda tx: newsletters.by_key(tx, key))
    if row is None:
        return None
    return _let_go(process, row, process.ledger.read(lambda tx: newsletters.approved_before(tx, row.name)), by)


def _let_go(process: Process, row: Row[Any], before: Row[Any] | None, by: str) -> Row[Any]:
    """Approve it, if it waits for nobody."""
    if row.state == "planned" and row.why is None and before is not None:
        moves.approve(process, row, _as(by, before.approved_by)[:80], recurs=True)
    return _row(process, row.id)


def _as(by: str, approved_by: str) -> str:
    """Of a person's word it lives, however many went by it in between."""
    person = approved_by.removeprefix(f"{by}, as ").removesuffix(" approved")
    return f"{by}, as {person} approved"


def _row(process: Process, newsletter_id: str) -> Row[Any]:
    row = process.ledger.read(lambda tx: newsletters.get(tx, newsletter_id))
    assert row is not None  # noqa: S101 - it was just written
    return row


def waits_for(made: Plan, before: Row[Any] | None) -> str | None:
    """Why a person has to look first; None when everything is as it was approved."""
    if before is None:
        return "nobody approved a newsletter of this name to recur (newsletters approve --recurring)"
    if before.letter != plan.letter_of(made.document):
        return "it says something else than the one that was approved to recur"
    if invalid := made.dropped.get(INVALID):
        return f"{invalid:,} rows of its list are no recipients"
    if abs(made.people - before.people) > MOST_DIFFERENT * before.people:
        return f"it would go to {made.people:,} people, and the last one went to {before.people:,}"
    return None
