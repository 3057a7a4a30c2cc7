"""`omniworker enqueue`: one call, straight into the ledger."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import click

from worker.checking.check import check_payload
from worker.cli import office, options, show
from worker.cli.answer import tell_call
from worker.cli.sentences import Failed
from worker.cli.watch import watch
from worker.ledger import jobs
from worker.ledger.types import Row
from worker.orders.intake import put
from worker.orders.order import Order, read_order
from worker.platforms import operation
from worker.processes.process import Process
from worker.runner.results import Refused

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--payload", type=FILE, metavar="FILE|-", help="A JSON object; - reads standard input.")
@click.option(
    "--option",
    "chosen",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="One that `operations NAME` lists, purpose=transactional, or unchecked.",
)
@options.key
@options.account
@options.wait
@options.as_json
@click.pass_context
def enqueue(
    ctx: click.Context,
    name: str,
    payload: str | None,
    chosen: tuple[str, ...],
    key: str | None,
    account: str | None,
    wait: bool,
    as_json: bool,
) -> None:
    """Ask for one call of the operation NAME.

    Prints the job's id; with --wait what became of it, and what the platform answered. The call is checked before it is
    recorded; from then on it is in the ledger, whether or not a worker is running.
    """
    told = {"key": key, "account": account, "options": dict(map(_option, chosen))}
    words = told | ({"payload": read_json(payload)} if payload else {})
    order = read_order(operation(name), words)
    body, refusals = check_payload(order.payload, order.operation.shape)
    if body is None:
        raise Refused.of(refusals, None)
    ctx.exit(record(order, wait, as_json))


def _option(said: str) -> tuple[str, str | bool]:
    name, mark, value = said.partition("=")
    return name, value if mark else True


def read_json(file: str) -> Any:
    """What the file, or standard input, holds. Raises `Failed` with the place where it is no JSON."""
    name = "Standard input" if file == "-" else file
    try:
        with click.open_file(file, "rb") as opened:
            return json.loads(opened.read())
    except UnicodeDecodeError:
        raise Failed(f"{name} is not UTF-8: write it as JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Failed(f"{name} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise Failed(f"{name} is nested too deeply to be a payload.") from None


def record(order: Order, wait: bool, as_json: bool) -> int:
    """Put the order into the ledger, wake the workers, and wait if that was asked for; the exit status."""
    own = office.for_recording()
    now = time.time()
    job = put(own, order)
    if job.created_at < now:
        show.aside(f"This key was used before, with the same content: job {job.id} is its job.")
    elif wait:
        show.aside(f"Job {job.id} is recorded; Ctrl-C leaves it to the workers.")
    if job.state in jobs.MOVING:
        office.hand_to_workers(own, job, waiting=wait)
    if not wait:
        return _told(own, job, as_json)
    return watch(own, job.id, as_json, partial(tell_call, own) if job.kind == "call" else None)


def _told(own: Process, job: Row[Any], as_json: bool) -> int:
    if as_json:
        show.document(office.report_of(own, job.id))
    else:
        click.echo(job.id)
        show.aside(f"It is recorded. `omniworker jobs watch {job.id}` shows how it goes.")
    return 0
