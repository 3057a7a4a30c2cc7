"""What is looked for often never reads through a table that grows: SQLite tells beforehand how it would look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, event

from worker.ledger import (
    agenda,
    decisions,
    handlings,
    leases,
    messages,
    notices,
    outcomes,
    retention,
    slots,
    traces,
    troubles,
    under_way,
    watched,
)
from worker.ledger.ledger import Ledger
from worker.ledger.migrate import migrate
from worker.ledger.prepared import Prepared

MANY = re.compile(
    r"SCAN (?:jobs|chunks|notices|slots|messages|tickets|refusals|traces)(?:_\d+)?\b(?P<how>.*)"
    # All of an account: as bad.
    r"|SEARCH chunks(?:_\d+)? USING (?P<wide>.* \(account=\?\))$"
)
# Indexes that hold few rows: reading one from end to end is the point of it. Of `ix_jobs_file`, a row a file.
FEW = re.compile(r" USING (?:COVERING )?INDEX ix_(?:jobs_file|chunks_(?:held|unsure|awaiting)|\w+_owner)\b.*$")
LOOKS: dict[str, Callable[[Connection], Any]] = {
    "on its way to an account": lambda tx: under_way.to(tx, "a/default"),
    "of some operations": lambda tx: under_way.to(tx, "a/default", ("a.b", "a.c")),
    "whether it has ended": lambda tx: under_way.any_of(tx, [(1, 1)]),
    "rows or calls that went": lambda tx: under_way.rows_went(tx, "a/default", 1.0, 2.0, ("a.b", "a.c")),
    "unsure, to be sent again": decisions.any_to_send_again,
    "sending them again": decisions.send_unsure_again,
    "all unsure": decisions.unsure,
    "claims of the dead": lambda tx: agenda.end_leases_of(tx, lambda _owner: True),
    "leases that ended": lambda tx: leases.end_leases(tx, ["a"]),
    "what is due next": lambda tx: agenda.next_due(tx, 1.0),
    "ended unnoticed": agenda.ended_unnoticed,
    "whether a schedule still runs": lambda tx: slots.still_runs(tx, "nightly"),
    "the size of its last file": lambda tx: slots.last_size(tx, "nightly"),
    "troubles": lambda tx: troubles.all_of(tx, 1.0, 0.1),
    "jobs to let go": lambda tx: retention.due(tx, 1.0, 20),
    "undecided for long": lambda tx: retention.drop_undecided(tx, 1.0, 20),
    "notices to let go": lambda tx: notices.let_go(tx, 1.0, 20),
    "slots to let go": lambda tx: slots.let_go(tx, 1.0, 20),
    "rows that name somebody": lambda tx: traces.of(tx, "w", 100),
    "what became of a row": lambda tx: outcomes.of_row(tx, "j", 1),
    "traces to let go": lambda tx: traces.let_go(tx, "j", 500),
    "what is in quarantine": lambda tx: handlings.waiting(tx, 100),
    "how much is": handlings.counts,
    "nobody dealt with for long": lambda tx: handlings.expire(tx, 1.0, "retention", 500),
    "the channel of a trigger": lambda tx: watched.channel(tx, "a/default", "1", "2"),
    "a message": lambda tx: messages.of_id(tx, "m"),
}


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    migrate(url)
    ledger = Ledger(url)
    yield ledger
    ledger.close()


def plans(ledger: Ledger, look: Callable[[Connection], Any]) -> list[str]:
    """How each statement of it would be carried out."""
    said: list[tuple[str, Any]] = []

    def note(_tx: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, values))

    def run(one: Prepared, tx: Connection, **values: Any) -> Any:
        made: Any = one._statement.compile(dialect=tx.dialect)  # type: ignore[attr-defined]
        said.append((made.string, tuple((made.params | values)[name] for name in made.positiontup)))
        return real(one, tx, **values)

    event.listen(ledger.engine, "before_cursor_execute", note)
    real = Prepared.__call__
    with patch.object(Prepared, "__call__", run):  # they go past SQLAlchemy's events
        ledger.write(look)
    event.remove(ledger.engine, "before_cursor_execute", note)
    explained = [
        (f"EXPLAIN QUERY PLAN {text}", values) for text, values in said if re.match("SELECT|UPDATE|DELETE|WITH", text)
    ]
    return ledger.read(lambda tx: [row[3] for text, values in explained for row in tx.exec_driver_sql(text, values)])


@pytest.mark.parametrize("what", LOOKS)
def test_no_table_that_grows_is_read_through(migrated: Ledger, what: str) -> None:
    found = plans(migrated, LOOKS[what])
    through = [
        line for line in found if (scan := MANY.match(line)) and not FEW.match(scan["how"] or f" USING {scan['wide']}")
    ]
    assert found
    assert through == []


def test_a_table_that_is_read_through_is_found(migrated: Ledger) -> None:
    found = plans(migrated, lambda tx: tx.exec_driver_sql("SELECT id FROM chunks WHERE why = ?", ("x",)).all())
    assert [bool(MANY.match(line)) for line in found] == [True]
