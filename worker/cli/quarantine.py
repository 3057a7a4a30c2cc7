"""`omniworker quarantine`: what platforms told and nobody understood or could believe, for a person to deal with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from worker.cli import office, options, show
from worker.cli.commands import Commands
from worker.cli.sentences import Failed
from worker.ledger import handlings
from worker.ledger.reports import iso
from worker.ledger.types import Connection, Row
from worker.operation import JSON
from worker.processes.process import Process
from worker.receiver import quarantine as acts
from worker.receiver.quarantine import Stays

MOST_SHOWN = 100
STAYED = 1
some = click.argument("numbers", metavar="NOTICE…", type=click.IntRange(1, 2**63 - 1), nargs=-1, required=True)


@click.group(cls=Commands)
def quarantine() -> None:
    """What platforms told and nobody understood or could believe: an opt-out may be among it."""


@quarantine.command("list")
@options.as_json
def list_all(as_json: bool) -> None:
    """How much of what kind there is and why, and the newest 100, without their content."""
    found = known(office.for_reading())
    if as_json:
        show.document(found)
    elif not found["quarantined"]:
        click.echo("Nothing is in quarantine.")
    else:
        click.echo(show.table(found["sums"], right=("notices",)))
        click.echo(f"\n{show.table([{**one, 'notice': str(one['notice'])} for one in found['quarantined']])}")
        click.echo(
            "\n`omniworker quarantine open NOTICE` shows its content, `release` reads it again, `dismiss` ends it."
        )


def known(own: Process) -> JSON:
    """The sums and the newest, as a document."""
    counts, rows = own.ledger.read(lambda tx: (handlings.counts(tx), handlings.waiting(tx, MOST_SHOWN)))
    sums = [{"notices": int(row.many), "kind": row.kind, "account": row.account, "why": row.why} for row in counts]
    newest = [{"notice": row.id, "kind": row.kind, "account": row.account, "why": row.why} for row in rows]
    return {
        "quarantined": [one | {"at": iso(row.created_at)} for one, row in zip(newest, rows, strict=True)],
        "sums": sums,
    }


@quarantine.command("open")
@click.argument("number", metavar="NOTICE", type=click.IntRange(1, 2**63 - 1))
@options.by
@options.as_json
def open_one(number: int, by: str | None, as_json: bool) -> None:
    """The platform's own words, unsealed. They may name a person; that you looked is written down."""
    own, who = office.for_recording(), by or office.login()
    content, facts = own.ledger.write(lambda tx: _opened(own, tx, number, who))
    if as_json:
        show.document(facts | {"content": content})
        return
    click.echo(show.columns([(name, value) for name, value in facts.items() if name != "handled"]))
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    for one in facts["handled"]:
        show.aside(f"{one['did']} by {one['by']}, {one['at']}{': ' + one['note'] if one['note'] else ''}")


@quarantine.command("release")
@some
@options.by
@options.as_json
def release(numbers: Sequence[int], by: str | None, as_json: bool) -> None:
    """Read it again as this version reads, and hand it to all that follow it."""
    own, who = office.for_recording(), by or office.login()
    _each(own, numbers, lambda tx, row: acts.released(own, tx, row, who), as_json)
    if not office.somebody_works(own):
        show.aside("No worker is running: `omniworker up` hands it out.")


@quarantine.command("dismiss")
@some
@click.option("--reason", metavar="TEXT", help="Why nothing follows from it; no address, for it is kept for ever.")
@options.by
@options.as_json
def dismiss(numbers: Sequence[int], reason: str | None, by: str | None, as_json: bool) -> None:
    """Nothing follows from it: who says so, and when, is kept."""
    own, who = office.for_recording(), by or office.login()

    def work(tx: Connection, row: Row[Any]) -> str:
        if not handlings.end(tx, row, handlings.DISMISSED, who, reason):
            raise Stays("is not in quarantine any more")
        return "is dismissed"

    _each(own, numbers, work, as_json)


def _each(own: Process, numbers: Sequence[int], work: Callable[[Connection, Row[Any]], str], as_json: bool) -> None:
    """One transaction each; exit status 1 where any stays."""
    done: list[JSON] = []
    for number in dict.fromkeys(numbers):
        try:
            said = own.ledger.write(lambda tx, number=number: work(tx, _there(tx, number)))  # type: ignore[misc]
            done.append({"notice": number, "done": True, "said": said})
        except Stays as stays:
            done.append({"notice": number, "done": False, "said": str(stays)})
    if as_json:
        show.document({"notices": done})
    else:
        click.echo("\n".join(f"notice {one['notice']} {one['said']}" for one in done))
    if not all(one["done"] for one in done):
        click.get_current_context().exit(STAYED)


def _opened(own: Process, tx: Connection, number: int, who: str) -> tuple[Any, JSON]:
    row = _there(tx, number)
    content = acts.opened(own, tx, row, who)
    return content, _facts(row) | {"handled": [_handled(one) for one in handlings.of(tx, number)]}


def _there(tx: Connection, number: int) -> Row[Any]:
    row = handlings.get(tx, number)
    if row is None or row.state not in ("quarantined", handlings.RELEASED, handlings.DISMISSED):
        raise Failed(f"Notice {number} is not in quarantine: `omniworker quarantine list` shows what is.")
    return row


def _facts(row: Row[Any]) -> JSON:
    named = {"notice": str(row.id), "kind": row.kind, "account": row.account, "state": row.state}
    return named | {"why": row.why, "at": iso(row.created_at)}


def _handled(one: Row[Any]) -> JSON:
    return {"did": one.did, "by": one.said_by, "at": iso(one.written_at), "note": one.note}
