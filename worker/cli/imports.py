"""`omniworker import`: the rows of a file, straight into the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from worker.cli import options
from worker.cli.dry_run import dry_run
from worker.cli.enqueue import record
from worker.cli.sentences import Failed
from worker.intake import Order, read_order
from worker.operation import Operation
from worker.platforms import operation
from worker.settings import settings
from worker.sources.inbox import open_source
from worker.words import ON_UNSURE

WRITES_TO_PEOPLE = ("send_", "create_cascade")


@click.command("import")
@click.argument("name", metavar="NAME")
@click.argument("source", metavar="SOURCE")
@options.key
@options.account
@click.option(
    "--on-unsure", type=click.Choice(ON_UNSURE.allowed), help="A lost answer: a person decides, or send again."
)
@click.option("--dry-run", "dry", is_flag=True, help="Read and check every row, and send nothing.")
@click.option("--yes", is_flag=True, help="Don't ask before an operation that writes to people.")
@options.wait
@options.as_json
@click.pass_context
def import_file(
    ctx: click.Context,
    name: str,
    source: str,
    key: str | None,
    account: str | None,
    on_unsure: str | None,
    dry: bool,
    yes: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Deliver the rows of the file SOURCE with the operation NAME.

    Prints the job's id. Workers read the file where it lies, so leave it there until the job has ended. SOURCE has to
    lie in a folder of INBOX.
    """
    wanted, file = operation(name), place(source)
    if dry:
        ctx.exit(dry_run(wanted, file, as_json))
    order = read_order(wanted, _words(file, key, account, on_unsure))
    open_source(file, settings().inbox).close()  # what is wrong with it shows now, not in a worker
    if writes_to_people(wanted) and not yes:
        _ask(order, file)
    ctx.exit(record(order, wait, as_json))


def place(source: str) -> str:
    """A path means the same to every process once it is absolute; an address is left as it is."""
    return source if "://" in source else str(Path(source).absolute())


def writes_to_people(wanted: Operation) -> bool:
    return wanted.name.partition(".")[2].startswith(WRITES_TO_PEOPLE)


def _words(file: str, key: str | None, account: str | None, on_unsure: str | None) -> dict[str, Any]:
    options = {"on_unsure": on_unsure} if on_unsure else {}
    return {"source": file, "key": key, "account": account, "options": options}


def _ask(order: Order, file: str) -> None:
    dry_run(order.operation, file, as_json=False, err=True)
    if not click.confirm(f"Let {order.operation.name} write to all of them?", err=True):
        raise Failed("Nothing was sent.")
