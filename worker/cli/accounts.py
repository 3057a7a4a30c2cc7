"""`omniworker accounts`: which accounts are connected, whose keys are taken, and whose door is closed."""

from __future__ import annotations

import getpass
from typing import Any

import click

from worker import outage
from worker.cli import office, options, show
from worker.cli.account_check import checked_account
from worker.cli.commands import Commands
from worker.cli.sentences import WordsOff
from worker.ledger import doors
from worker.ledger.types import Row
from worker.linking import links
from worker.operation import NotConnected
from worker.platforms import account, account_ids, platforms
from worker.processes.process import Process


@click.group(cls=Commands, places={"connect": "worker.cli.connect:connect"})
def accounts() -> None:
    """The platforms' accounts."""


@accounts.command("list")
@options.as_json
def list_accounts(as_json: bool) -> None:
    """Each account: connected or not, its pace, and whether it is open."""
    own = office.for_reading()
    found = {door.id: door for door in own.ledger.read(doors.all_of)}
    facts = [facts_of(name, found) | {"link": link_of(own, name)} for name in account_ids()]
    if as_json:
        show.document({"accounts": facts})
        return
    for one in facts:
        click.echo(f"{one['account']}  {one['connection']}  {one['pace']}  door {one['door']}")
        if one["why"]:
            click.echo(f"    {one['why']}")
        if one["link"]:
            click.echo(f"    link: {linked(one['account'], one['link'])}")


@accounts.command("check")
@click.argument("name", metavar="ACCOUNT", required=False)
@options.as_json
def check(name: str | None, as_json: bool) -> None:
    """Ask the platform of ACCOUNT (of every connected one, if none is named) whether it takes the keys. Sends nothing
    to anybody: one read, out of the account's budget."""
    own = office.for_reading()
    found = {door.id: door for door in own.ledger.read(doors.all_of)}
    names = [account_id(name)] if name else [one for one in account_ids() if connection(one) is None]
    checked = [checked_account(own, one, found) for one in names]
    if as_json:
        show.document({"accounts": checked})
    elif checked:
        click.echo(show.columns([(one["account"], one["answer"], f"door {one['door']}") for one in checked]))
    else:
        show.aside("No platform is connected: `omniworker accounts list` says which settings are missing.")
    raise SystemExit(0 if all(one["well"] for one in checked) else 1)


@accounts.command("resume")
@click.argument("name", metavar="ACCOUNT")
@options.as_json
def resume(name: str, as_json: bool) -> None:
    """Open the door of ACCOUNT (a platform, or platform/name) after its keys were set right."""
    own = office.for_reading()
    wanted = account_id(name)
    own.ledger.write(lambda tx: outage.resume(tx, wanted))
    if as_json:
        show.document({"account": wanted, "door": "open"})
    else:
        click.echo(f"{wanted} is open: what waits for it goes on within seconds.")


@accounts.command("pause")
@click.argument("name", metavar="ACCOUNT")
@click.option("--by", metavar="NAME", default=None, help="Who says so; your login name if not given.")
@options.as_json
def pause(name: str, by: str | None, as_json: bool) -> None:
    """Send nothing more for ACCOUNT until `accounts resume`; what is on the wire is settled as it comes."""
    own = office.for_reading()
    wanted = account_id(name)
    who = by or getpass.getuser()
    own.ledger.write(lambda tx: outage.forbid(tx, wanted, f"{who} paused the account"))
    if as_json:
        show.document({"account": wanted, "door": "forbidden"})
    else:
        click.echo(f"{wanted} is paused. Go on with `omniworker accounts resume {wanted}`.")


def account_id(name: str) -> str:
    """A platform alone is its `default`. Raises `WordsOff` for a platform that nobody declared, and `NotConnected`."""
    platform, _, rest = name.partition("/")
    if platform not in platforms():
        raise WordsOff(f"There is no platform {platform!r}; known: {', '.join(platforms())}.")
    return account(f"{platform}/{rest or 'default'}").id


def facts_of(wanted: str, found: dict[str, Row[Any]]) -> dict[str, Any]:
    one, door = account(wanted), found.get(wanted)
    sentence = connection(wanted)
    return {
        "account": wanted,
        "connected": sentence is None,
        "connection": sentence or "connected",
        "pace": f"{one.pace.calls} calls in {one.pace.seconds} s",
        "door": door.state if door else "open",
        "why": door.why if door else None,
    }


def link_of(own: Process, wanted: str) -> dict[str, Any] | None:
    """What may be shown of an account's link; None where there is none, and never was."""
    found = own.ledger.read(lambda tx: links.get(own, tx, wanted)) if account(wanted).platform.link else None
    return found.told() if found else None


def linked(wanted: str, link: dict[str, Any]) -> str:
    """How a link is, in a line."""
    if link["state"] != "linked":
        because = f" ({link['broken']})" if link["broken"] else ""
        return f"{link['state']}{because}: `omniworker accounts connect {wanted}` makes a new one"
    lacks = f"; not granted: {' '.join(link['lacks'])}" if link["lacks"] else ""
    return f"linked, for {' '.join(link['granted']) or 'nothing'}{lacks}"


def connection(wanted: str) -> str | None:
    """What is missing to connect this account; None when nothing is."""
    try:
        account(wanted).access  # noqa: B018 - raises where a setting is missing
    except NotConnected as error:
        return str(error)
    return None
