"""Options that mean the same on every command."""

from __future__ import annotations

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Exactly one JSON document on standard output.")
account = click.option("--account", metavar="NAME", help="The platform's account; `default` if not given.")
key = click.option("--key", metavar="K", help="Your once-only key: the same key is the same job, for ever.")
wait = click.option("--wait", is_flag=True, help="Wait for the end, as `jobs watch` does; the exit status tells it.")
by = click.option("--by", metavar="NAME", help="Who says so; your login name if not given.")
