"""`omniworker accounts connect`: the address at which a person lets us in, and what came of it."""

from __future__ import annotations

import time

import click

from worker.cli import office, options, show
from worker.cli.accounts import account_id
from worker.cli.sentences import Failed
from worker.linking import connecting
from worker.linking.connecting import Ended
from worker.platforms import account
from worker.processes.process import Process

LOOK = 0.5


@click.command()
@click.argument("name", metavar="PLATFORM")
@options.account
@click.option("--wait", is_flag=True, help="Wait until the browser has come back, at most 10 minutes.")
@options.as_json
def connect(name: str, wait: bool, as_json: bool, **words: str | None) -> None:
    """Print the address at which a person lets omniworker into an account of PLATFORM. It is good for 10 minutes and
    for one use; the receiver takes what comes back."""
    own, said = office.for_recording(), words["account"]
    wanted = account_id(f"{name}/{said}" if said else name)
    url = connecting.begin(own, account(wanted))
    if not as_json:
        click.echo(url)
    show.aside(f"Open it in a browser within 10 minutes and agree: the receiver links {wanted} then.")
    end = _waited(own, wanted) if wait else None
    if as_json:
        show.document({"account": wanted, "url": url, "linked": end.well if end else None})
    if end is not None and not end.well:
        raise Failed(end.sentence)
    show.aside(end.sentence if end else "`omniworker accounts list` shows whether it is linked.")


def _waited(own: Process, wanted: str) -> Ended:
    until = time.monotonic() + connecting.LASTS
    while time.monotonic() < until:
        end = connecting.ended(own, account(wanted))
        if end is not None:
            return end
        time.sleep(LOOK)
    return Ended(False, f"Nobody agreed within 10 minutes: {wanted} is not linked.")
