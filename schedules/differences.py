"""`omniworker schedules differences`: whom a platform's list says otherwise of than the register, as last compared."""

from __future__ import annotations

from typing import Any

import click

from schedules.comparing import KINDS
from schedules.differing import KEPT
from worker.cli import office, options, show
from worker.cli.sentences import Failed
from worker.ledger import differences as ledger_differences
from worker.ledger import reports, slots
from worker.ledger.types import Row
from worker.operation import JSON
from worker.processes.process import Process

COMPARED = ("reading", "started")


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only these.")
@click.option(
    "--most", default=100, type=click.IntRange(1, KEPT * len(KINDS)), show_default=True, help="How many at most."
)
@options.as_json
def differences(name: str, kind: str | None, most: int, as_json: bool) -> None:
    """What the last comparison of NAME found: who, on which channel, what the platform says and what is known here.

    It shows addresses. The counts stand in `schedules history NAME`; of each kind the first 1,000 are kept.
    """
    own = office.for_reading()
    slot = _last(own, name)
    rows = own.ledger.read(lambda tx: ledger_differences.of(tx, slot.id, KEPT * len(KINDS)))
    found = [_facts(own, row) for row in rows if kind in (None, row.kind)][:most]
    if as_json:
        show.document({"schedule": name, "slot": reports.iso(slot.slot), "why": slot.why, "differences": found})
        return
    show.aside(f"Slot {reports.iso(slot.slot)}: {slot.why}")
    if found:
        click.echo(show.table([_line(one) for one in found]))


def _last(own: Process, name: str) -> Row[Any]:
    """Raises `Failed`."""
    for row in own.ledger.read(lambda tx: slots.newest(tx, name, 100)):
        if row.state in COMPARED and row.job_id is None:
            return row
    raise Failed(f"Nothing was compared by a schedule {name!r} yet: `omniworker schedules list` shows what there is.")


def _facts(own: Process, row: Row[Any]) -> JSON:
    content: JSON = own.seal.open(row.content)
    return {"kind": row.kind, **content}


def _line(facts: JSON) -> dict[str, object]:
    here = facts["here"]
    known = f"{here['state']} by {here['reason']} of {here['at']} ({here['source']})" if here else "unknown"
    return {name: facts[name] for name in ("kind", "address", "channel", "there_since")} | {"here": known}
