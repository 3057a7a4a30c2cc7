"""Many rows in few statements: however many they are, each is there once."""

from __future__ import annotations

from sqlalchemy import select

from worker.ledger import notices
from worker.ledger.ledger import Ledger


def test_any_number_of_rows_is_there_once_and_in_their_order(ledger: Ledger) -> None:
    names = [f"{size}.{n}" for size in (0, 1, 3, 127, 300) for n in range(size)]
    told = [[notices.worded("devino.opened", name, account="devino/default", mark=name)] for name in names]
    ledger.write(lambda tx: notices.announce_all(tx, [*told, told[0], *told[-5:]]))
    ledger.write(lambda tx: notices.announce_all(tx, [[], [*told[2], *told[3]]]))
    wanted = select(notices.notices.c.subject).order_by(notices.notices.c.id)
    assert ledger.read(lambda tx: list(tx.execute(wanted).scalars())) == names


def test_what_has_no_mark_is_always_new(ledger: Ledger) -> None:
    told = [notices.worded("job.ended", "a", quarantined=why, urgent=not why) for why in (None, "It proves nothing.")]
    ledger.write(lambda tx: notices.announce_all(tx, [told, told]))
    assert ledger.read(notices.counts) == {"waiting": 2, "quarantined": 2}
