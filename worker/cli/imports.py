"""`omniworker import`: the rows of a file, straight into the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from worker.cli import options as shared
from worker.cli.dry_run import dry_run
from worker.cli.enqueue import FILE, read_json, record
from worker.cli.sentences import Failed
from worker.cli.show import aside
from worker.operation import Operation
from worker.orders.order import Order, place, read_order
from worker.orders.words import ON_UNSURE, PURPOSES, Option
from worker.platforms import operation, operations
from worker.settings import settings
from worker.sources.opening import check_begin
from worker.sources.original import Named
from worker.sources.wanted import FORMATS


class OfOperations(click.Command):
    """Takes the options of single operations as well, which are declared with them."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = {option.name: option for one in operations().values() if one.rows for option in one.rows.options}
        return [*super().get_params(ctx), *map(_parameter, own.values())]


def _parameter(option: Option) -> click.Option:
    whole = option.takes == "whole number"
    choice = click.Choice(option.allowed) if option.allowed else click.IntRange(min=1) if whole else click.STRING
    return click.Option([f"--{option.name.replace('_', '-')}"], type=choice, help=f"{option.meaning}.")


WRITES_TO_PEOPLE = ("send_", "create_cascade")


@click.command("import", cls=OfOperations)
@click.argument("name", metavar="NAME")
@click.argument("source", metavar="SOURCE")
@shared.key
@shared.account
@click.option(
    "--on-unsure", type=click.Choice(ON_UNSURE.allowed), help="A lost answer: a person decides, or send again."
)
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="What the file is; else its name and content say."
)
@click.option("--encoding", metavar="NAME", help="Of the text, if it is not UTF-8, like cp1251.")
@click.option("--delimiter", metavar="MARK", help="Of CSV: comma, semicolon, tab or pipe; else the header says.")
@click.option("--map", "map_", metavar="THEIRS=OURS", multiple=True, help="Of CSV: what we call a column of theirs.")
@click.option("--time-zone", metavar="ZONE", help="Of CSV: where dates without an offset are, like Europe/Paris.")
@click.option("--numbers", metavar="COLUMN,…", help="Of CSV: columns whose cells are sent as numbers.")
@click.option("--strict", is_flag=True, help="Refuse a file with columns that only look like fields of the platform.")
@click.option("--unique", metavar="FIELD,…", help="Of rows with equal fields only the last goes; exports append.")
@click.option("--changed-only", is_flag=True, help="Leave out rows that were accepted before as they are.")
@click.option("--purpose", type=click.Choice(PURPOSES), help="Of messages: marketing, if not given.")
@click.option("--max-refused", metavar="SHARE", help="Pause when more of the first 1,000 rows are refused, like 20%.")
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
    wanted, file, options = operation(name), place(source), options_of(**said)
    around = around_of(payload, set_)
    if dry:
        ctx.exit(dry_run(wanted, file, options, as_json, account=account or "default", around=around))
    words = {"source": file, "key": key, "account": account, "options": options}
    order = read_order(wanted, words | ({"payload": around} if around else {}))
    assert wanted.rows is not None  # noqa: S101 - a source was taken
    for doubt in check_begin(Named(file, options, wanted.rows), settings()):  # it shows now, not in a worker
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


def options_of(format_: str | None, map_: Sequence[str], **more: Any) -> dict[str, Any]:
    """The options of the task, which have the same names; what was not said is left out."""
    pairs = [pair.rpartition("=") for pair in map_]
    for theirs, _, ours in pairs:
        if not theirs or not ours:
            raise click.BadParameter("write THEIRS=OURS, like --map Mail=email", param_hint="--map")
    said = {"format": format_, "map": {theirs: ours for theirs, _, ours in pairs}, **more}
    return {name: value for name, value in said.items() if value}


def writes_to_people(wanted: Operation) -> bool:
    return wanted.name.partition(".")[2].startswith(WRITES_TO_PEOPLE)


def ask(order: Order, file: str) -> None:
    """Show what would become of the file, and let a person decide. Raises `Failed` when they don't want it."""
    account = order.account.partition("/")[2]
    dry_run(order.operation, file, order.options, as_json=False, err=True, account=account, around=order.around)
    if not click.confirm(f"Let {order.operation.name} write to all of them?", err=True):
        raise Failed("Nothing was sent.")
