"""`omniworker export`: a whole list of a platform as NDJSON, page by page, however long it is."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click

from worker.cli import office, options, show
from worker.cli.beside import beside
from worker.cli.enqueue import FILE, read_json
from worker.cli.progress import LINES_APART
from worker.cli.sentences import Failed, WordsOff
from worker.ledger.ids import new_id
from worker.operation import JSON, Operation
from worker.orders.order import read_order
from worker.pace import RedisAway
from worker.platforms import account as account_of
from worker.platforms import operation, operations
from worker.processes.process import Process
from worker.runner.walk import Walk

STANDARD_OUTPUT = "-"


@click.command()
@click.argument("name", metavar="NAME")
@click.option("-o", "file", required=True, metavar="FILE", help="Where to; - writes to standard output.")
@click.option("--payload", type=FILE, metavar="FILE|-", help="What the first page is asked with; - reads input.")
@options.account
@options.as_json
@click.pass_context
def export(ctx: click.Context, name: str, file: str, payload: str | None, account: str | None, as_json: bool) -> None:
    """Write all rows that the list operation NAME gives to FILE, a JSON object a line.

    FILE appears when the list is complete, and takes the place of an older one; until then that stays as it is. The
    pages are asked for with the account's own budget, of which they have a file's share: calls go before them.
    """
    if as_json and file == STANDARD_OUTPUT:
        raise WordsOff("With -o - the rows go to standard output, where --json would put its document: choose one.")
    order = read_order(_list(name), {"payload": read_json(payload) if payload else {}, "account": account})
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it leaves no data of people behind
    own = office.for_reading()
    _check_budget(own)
    share = f"export:{new_id()}"
    walk = Walk(own, order.operation, account_of(order.account), show.aside, bulk=share)
    try:
        written = write(file, walk.pages(order.payload or {}))
    except KeyboardInterrupt:
        show.aside("Nothing was kept: the list was not complete.")
        ctx.exit(130)
    finally:
        own.budget.leave(order.account, share)
    if as_json:
        show.document({"operation": name, "file": file, "pages": written.pages, "rows": written.rows})
    else:
        show.aside(f"{written.rows:,} rows of {written.pages:,} pages in {_called(file)}.")


def _check_budget(own: Process) -> None:
    """Raises where there is no Redis to hold it: nothing is asked without one, and nobody waits for it here."""
    try:
        own.budget.check_clock()
    except RedisAway as error:
        raise Failed(
            f"Redis, which keeps the budget, does not answer ({type(error).__name__}), so no page can be asked for: "
            "`omniworker doctor` looks at it."
        ) from None


@dataclass
class Written:
    pages: int = 0
    rows: int = 0


def write(file: str, pages: Iterable[list[JSON]]) -> Written:
    """Write the rows of all pages and say now and then how many there are."""
    written, said = Written(), time.monotonic()
    with _target(file) as target:
        for rows in pages:
            target.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
            written.pages, written.rows = written.pages + 1, written.rows + len(rows)
            if time.monotonic() - said > LINES_APART:
                said = time.monotonic()
                show.aside(f"{written.rows:,} rows of {written.pages:,} pages")
    return written


def _list(name: str) -> Operation:
    found = operation(name)
    if found.pages is None:
        lists = ", ".join(one.name for one in operations().values() if one.pages)
        raise WordsOff(f"{name} gives no list to export; {lists} do.")
    return found


def _called(file: str) -> str:
    return "standard output" if file == STANDARD_OUTPUT else file


@contextmanager
def _target(file: str) -> Iterator[IO[bytes]]:
    if file == STANDARD_OUTPUT:
        with click.open_file(file, "wb") as target:
            yield target
        return
    path = Path(file).resolve()
    if not path.parent.is_dir():
        raise Failed(f"{file} can't be made: there is no folder {path.parent}.")
    if path.exists() and not path.is_file():
        raise Failed(f"{file} is no file: name one that may be made, or replaced when the list is complete.")
    with beside(path) as made:
        yield made
