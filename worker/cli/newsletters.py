"""`omniworker newsletters …`: plan, look, approve; pause, stop, and the switch that halts all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from worker.cli import newsletters_shown as shown
from worker.cli import office, options, show
from worker.cli.commands import Commands
from worker.cli.sentences import Failed
from worker.ledger import newsletters as ledger_newsletters
from worker.ledger.types import Row
from worker.newsletters import document, moves, plan
from worker.newsletters.plan import Plan
from worker.processes.process import Process

MOST = 20


@click.group(cls=Commands)
def newsletters() -> None:
    """Messages to many people: planned, approved, sent at their time."""


@newsletters.command("plan")
@click.argument("what", metavar="NAME|FILE")
@click.option("--max-recipients", "most", type=click.IntRange(1), help="In place of max_recipients in the document.")
@options.by
@options.as_json
def plan_one(what: str, most: int | None, by: str | None, as_json: bool) -> None:
    """Show what would go out, to whom and when, and keep it for `approve`. Nothing is sent.

    FILE is TOML (docs/operate.md, Newsletters); NAME plans one anew that was planned before.
    """
    own = office.for_recording()
    made = _planned(own, what, most)
    kept = _found(own, plan.keep(own, made, by or office.login()))
    show.document(shown.facts(own, kept)) if as_json else click.echo(shown.of_plan(own, kept, made))


@newsletters.command()
@click.argument("name", metavar="NAME|ID")
@click.option("--recurring", is_flag=True, help="Later ones of this name, by a schedule, need no approval.")
@options.by
@options.as_json
def approve(name: str, recurring: bool, by: str | None, as_json: bool) -> None:
    """Let a planned newsletter go at its time. Who opted out since it was planned is left out, and told."""
    own, row = _one(name)
    out = moves.approve(own, row, by or office.login(), recurs=recurring)
    kept = _found(own, row.id)
    if out:
        show.aside(f"{out:,} opted out since it was planned: left out.")
    if halted := shown.halted_by(own, kept):
        show.aside(f"{_halted(halted)} Until then nothing of it leaves; what passes its time meanwhile is missed.")
    show.document(shown.facts(own, kept)) if as_json else click.echo(shown.when(own, kept))


@newsletters.command("list")
@click.option("--most", default=MOST, type=click.IntRange(1, 1000), show_default=True, help="The youngest first.")
@options.as_json
def list_them(most: int, as_json: bool) -> None:
    """The youngest newsletters."""
    own = office.for_reading()
    found = own.ledger.read(lambda tx: ledger_newsletters.newest(tx, most))
    halted = own.ledger.read(ledger_newsletters.halted)
    if halted:
        show.aside(_halted(halted))
    if as_json:
        show.document({"newsletters": [shown.facts(own, row) for row in found], "halted_by": halted})
    elif found:
        click.echo(show.table([shown.line(row) for row in found], right=("people",)))
    else:
        show.aside("There is no newsletter yet: `omniworker newsletters plan FILE` makes one.")


@newsletters.command("show")
@click.argument("name", metavar="NAME|ID")
@options.as_json
def show_one(name: str, as_json: bool) -> None:
    """One newsletter: its plan, what became of its requests, and what came back about its messages."""
    own, row = _one(name)
    show.document(shown.facts(own, row)) if as_json else click.echo(shown.whole(own, row))


@newsletters.command()
@click.argument("name", metavar="NAME|ID")
@options.by
def stop(name: str, by: str | None) -> None:
    """Nothing more of it leaves: not one request after this."""
    own, row = _one(name)
    moves.stop(own, row, by or office.login())
    show.aside(f"Newsletter {row.id} is stopped.")


@newsletters.command()
@click.argument("name", metavar="NAME|ID")
def pause(name: str) -> None:
    """Its next request waits for `resume`."""
    own, row = _one(name)
    moves.pause(own, row)
    show.aside(f"Newsletter {row.id} is paused: `omniworker newsletters resume {row.id}` goes on.")


@newsletters.command()
@click.argument("name", metavar="NAME|ID")
def resume(name: str) -> None:
    """Go on with a paused one; what has passed its time is not sent."""
    own, row = _one(name)
    moves.resume(own, row)
    show.aside(f"Newsletter {row.id} goes on.")


@newsletters.command()
@options.by
def halt(by: str | None) -> None:
    """The switch: no request of any newsletter leaves until `go-on`."""
    own = office.for_reading()
    found = moves.halt(own, by or office.login())
    show.aside(f"All newsletters are halted, {found:,} of them on their way: `omniworker newsletters go-on` ends it.")


@newsletters.command("go-on")
def go_on() -> None:
    """End the halt."""
    own = office.for_reading()
    moves.go_on(own)
    show.aside("Newsletters go on; what passed its time meanwhile is missed, not late.")


def _halted(by: str) -> str:
    return f"All newsletters were halted by {by}: `omniworker newsletters go-on` lets them go on."


def _planned(own: Process, what: str, most: int | None) -> Plan:
    if Path(what).is_file():
        return plan.of_file(own, Path(what), most)
    row = own.ledger.read(lambda tx: ledger_newsletters.get(tx, what))
    if row is None:
        raise Failed(f"There is no file {what}, and no newsletter of this name was planned before.")
    if not row.document:
        raise Failed(f"What newsletter {row.id} said is gone since RETENTION_DAYS: plan it from its file.")
    said = document.of(own.seal.open(row.document), row.name)
    return plan.make(own, replace(said, max_recipients=most or said.max_recipients))


def _one(name: str) -> tuple[Process, Row[Any]]:
    own = office.for_reading()
    return own, _found(own, name)


def _found(own: Process, name: str) -> Row[Any]:
    row = own.ledger.read(lambda tx: ledger_newsletters.get(tx, name))
    if row is None:
        raise Failed(f"There is no newsletter {name!r}: `omniworker newsletters list` shows the youngest.")
    return row
