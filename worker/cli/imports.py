"""`omniworker import`: the rows of a file, straight into the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from worker.cli import options as shared
from worker.cli.dry_run import dry_run
from worker.cli.enqueue import FILE, read_json, record
from worker.cli.file_options import OfFiles, options_of
from worker.cli.sentences import Failed
from worker.cli.show import aside
from worker.operation import Operation
from worker.orders.order import Order, place, read_order
from worker.platforms import operation
from worker.settings import settings
from worker.sources.opening import check_begin
from worker.sources.original import Named

WRITES_TO_PEOPLE = ("send_", "create_cascade")


@click.command("import", cls=OfFiles)
@click.argument("name", metavar="NAME")
@click.argument("source", metavar="SOURCE")
@shared.key
@shared.account
@click.option("--payload", type=FILE, metavar="FILE|-", help="What stands around the rows in each request, as JSON.")
@click.option("--set", "set_", multiple=True, metavar="NAME=VALUE", help="One value of it, like taskId=4711.")
@click.option("--dry-run", "dry", is_flag=True, help="Read and check every row, and send nothing.")
@click.option("--yes", is_flag=True, help="Don't ask before an operation that writes to people.")
@shared.wait
@shared.as_json
@click.pass_context
def import_file(
    ctx: click.Context,
    /,
    name: str,
    source: str,
    key: str | None,
    account: str | None,
    payload: str | None,
    set_: tuple[str, ...],
    dry: bool,
    yes: bool,
    wait: bool,
    as_json: bool,
    **said: Any,
) -> None:
    """Deliver the rows of the file SOURCE with the operation NAME.

    Prints the job's id. Workers read the file where it lies, so leave it there until the job has ended. SOURCE has to
    lie in a folder of INBOX.
    """
    wanted, file, options = operation(name), place(source), options_of(said)
    around = around_of(payload, set_)
    if dry:
        ctx.exit(dry_run(wanted, file, options, as_json, account=account or "default", around=around))
    words = {"source": file, "key": key, "account": account, "options": options}
    order = read_order(wanted, words | ({"payload": around} if around else {}))
    for doubt in check_begin(Named(file, options, wanted.file_rows), settings()):  # it shows now, not in a worker
        aside(doubt)
    if writes_to_people(wanted) and not yes:
        ask(order, file)
    ctx.exit(record(order, wait, as_json))


def around_of(payload: str | None, pairs: Sequence[str]) -> dict[str, Any]:
    """What stands around the rows: an object, and single values of it. A value that is JSON is what it says."""
    around = read_json(payload) if payload else {}
    if not isinstance(around, dict):
        raise click.BadParameter("it has to hold a JSON object", param_hint="--payload")
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not name or not mark:
            raise click.BadParameter("write NAME=VALUE, like --set taskId=4711", param_hint="--set")
        around[name] = _value(value)
    return around


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def writes_to_people(wanted: Operation) -> bool:
    return wanted.name.partition(".")[2].startswith(WRITES_TO_PEOPLE)


def ask(order: Order, file: str) -> None:
    """Show what would become of the file, and let a person decide. Raises `Failed` when they don't want it."""
    account = order.account.partition("/")[2]
    dry_run(order.operation, file, order.options, as_json=False, err=True, account=account, around=order.around)
    if not click.confirm(f"Let {order.operation.name} write to all of them?", err=True):
        raise Failed("Nothing was sent.")
