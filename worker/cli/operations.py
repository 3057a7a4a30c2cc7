"""`omniworker operations`: what can be asked for, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from worker.cli import fields, options, sheet_columns, show
from worker.facts.wire import Choice
from worker.operation import Operation, Repeat
from worker.orders.words import Option
from worker.platforms import operation, platforms
from worker.platforms import operations as declared
from worker.wake import queue_of


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@options.as_json
def operations(name: str | None, as_json: bool) -> None:
    """All operations; or one, with an example and the lines that ask for it."""
    if name is None:
        _list(as_json)
        return
    facts = facts_of(operation(name))
    show.document(facts) if as_json else click.echo(_text(facts))


def _list(as_json: bool) -> None:
    found = list(declared().values())
    if as_json:
        show.document({"operations": [facts_of(one) for one in found]})
    else:
        click.echo(show.columns([(one.name, one.summary) for one in found]))


def facts_of(one: Operation) -> dict[str, Any]:
    """An operation's declaration, and how to ask for it on the command line and with Celery alone."""
    return {
        "name": one.name,
        "summary": one.summary,
        "source": one.source,
        "deprecated": one.deprecated or None,
        "platform": platforms()[one.platform].title,
        "request": f"{one.method} {one.path}",
        "takes": "call" if one.takes_calls else "file",
        "repeat": one.repeat.value if isinstance(one.repeat, Repeat) else "depends on the payload",
        "limits": {"rows": one.limits.rows, "bytes": one.limits.bytes, "assumed": one.limits.assumed},
        "file": sheet_columns.facts_of(one.rows),
        "fields": [asdict(fact) for fact in fields.of(one.shown_shape)],
        "options": [{"name": o.name, "takes": _takes(o), "meaning": o.meaning} for o in _own_options(one)],
        "example": one.example,
        "command": _command(one),
        "file_command": _file_command(one) if one.takes_calls and one.rows else None,
        "celery": _send_task(one),
    }


def _own_options(one: Operation) -> tuple[Option | Choice, ...]:
    return (*(one.rows.options if one.rows else ()), *one.choices)


def _takes(option: Option | Choice) -> str:
    if isinstance(option, Choice):
        return "true or false"
    return " or ".join(option.allowed) or option.takes


def _command(one: Operation) -> str:
    if not one.takes_calls:
        return f"omniworker import {one.name} rows.ndjson --wait"
    return f"omniworker enqueue {one.name} --payload call.json --key YOUR-KEY"


def _file_command(one: Operation) -> str:
    return f"omniworker import {one.name} contacts.csv --set {_around(one)} --wait"


def _around(one: Operation) -> str:
    """Those that have to stand around the rows, as its example says them."""
    assert one.rows is not None and one.rows.around is not None  # noqa: S101 - takes calls, and rows
    needed = [fact.path for fact in fields.of(one.rows.around) if fact.needed and fact.path in one.example]
    return " --set ".join(f"{name}={one.example[name]}" for name in needed)


def _send_task(one: Operation) -> str:
    kind = "call" if one.takes_calls else "file"
    words = '"payload": {…}' if one.takes_calls else '"source": "/data/rows.ndjson"'
    return f'send_task("{one.name}", kwargs={{{words}, "key": "YOUR-KEY"}}, queue="{queue_of(one.platform, kind)}")'


def _text(facts: dict[str, Any]) -> str:
    limits = facts["limits"]
    assumed = " (assumed: no document names a limit)" if limits["assumed"] else ""
    of_request = f"{limits['rows']:,} rows and {limits['bytes']:,} bytes a request{assumed}"
    lines = show.columns(
        [
            ("request", facts["request"]),
            ("source", facts["source"]),
            *([("until", facts["deprecated"])] if facts["deprecated"] else []),
            ("repeat", facts["repeat"]),
            ("limits", of_request),
            ("command", facts["command"]),
            ("Celery", facts["celery"]),
        ]
    )
    title = "one row of a file" if facts["takes"] == "file" else "payload"
    example = json.dumps(facts["example"], indent=2, ensure_ascii=False)
    shape = f"{title}:\n{_fields(facts['fields'])}"
    shape += _sheet(facts["file"], facts["file_command"]) if facts["file"] else ""
    own = [(f"  {one['name']}", one["takes"], one["meaning"]) for one in facts["options"]]
    shape += f"\n\noptions of its own:\n{show.columns(own)}" if own else ""
    return f"{facts['name']}: {facts['summary']}\n\n{lines}\n\n{shape}\n\nfor example:\n{example}"


def _sheet(facts: Mapping[str, Any], command: str | None) -> str:
    named = [(f"  {one['name']}", one["type"], "; ".join(_rules(one))) for one in facts["columns"]]
    lines = [*([f"  {command}"] if command else []), show.columns(named), f"  {facts['others']}"]
    example = "\n".join(f"  {line}" for line in facts["example"].splitlines())
    return "\n\ncolumns of a file in CSV:\n" + "\n".join(lines) + f"\n\nsuch a file:\n{example}"


def _fields(found: Sequence[Mapping[str, Any]]) -> str:
    return show.columns([("  " + one["path"], one["type"], "; ".join(_rules(one))) for one in found])


def _rules(one: Mapping[str, Any]) -> list[str]:
    nullable = ["may be null"] if one.get("nullable") else []
    return [*(["needed"] if one["needed"] else []), *nullable, *one["rules"]]
