"""`omniworker find`: was it sent?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from worker.cli import lineage, office, options, show
from worker.cli.quarantine import known
from worker.people import found
from worker.processes.process import Process

Lines = Callable[[Sequence[Mapping[str, Any]]], list[Mapping[str, object]]]


@click.command()
@click.argument("what", metavar="ADDRESS|KEY|MESSAGE-ID", required=False)
@click.option("--files", is_flag=True, help="Read the rows of the latest 100 files, too.")
@click.option("--quarantined", is_flag=True, help="The same as `quarantine list`.")
@options.as_json
def find(what: str | None, files: bool, quarantined: bool, as_json: bool) -> None:
    """What is known of an address in any spelling, of a caller's key, or of an id that a platform gave: which rows name
    it and what became of each, messages, consent, and which platform was told."""
    if (what is None) == (not quarantined):
        raise click.UsageError("Say what to find, or --quarantined.")
    own = office.for_reading()
    answer = {"quarantined": known(own)["quarantined"]} if what is None else _known(own, what, files)
    if as_json:
        show.document(answer)
    elif not any(answer.values()):
        click.echo(_nothing(own, what, files))
    else:
        click.echo("\n\n".join(_part(name, rows) for name, rows in answer.items() if rows))


def _known(own: Process, what: str, files: bool) -> dict[str, Any]:
    own.ledger.write(own.people.key)  # made by whoever needs it first
    answer = own.ledger.read(lambda tx: found.known(own, tx, what))
    return answer | ({"files": list(found.files(own, what))} if files else {})


def _nothing(own: Process, what: str | None, files: bool) -> str:
    if what is None:
        return "Nothing is in quarantine."
    days = own.settings.retention_days
    more = "" if files else " Rows of files are looked through with --files."
    return f"Nothing is known of it. Whom calls spoke to is known for {days:g} days after they ended.{more}"


def _part(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = LINES.get(name)
    return f"{name}\n{show.table(lines(rows) if lines else rows)}"


def _of_jobs(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, object]]:
    names = ("job", "operation", "account", "state", "created_at")
    return [{name: row[name] for name in names} | {"rows": _counts(row["rows"])} for row in rows]


def _counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in rows.items() if number and name != "total")


def _of_messages(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, object]]:
    told = [", ".join(f"{status} {at}" for status, at in row["statuses"].items()) for row in rows]
    shown = [{name: value or "" for name, value in row.items() if name != "statuses"} for row in rows]
    return [one | {"told": text} for one, text in zip(shown, told, strict=True)]


def _of_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, object]]:
    """The outcome with its code; why, where there is something to say."""
    return [
        {
            **{name: row[name] or "" for name in ("job", "operation", "account")},
            "row": "" if row["row"] is None else str(row["row"]),
            "outcome": f"{row['outcome']} ({row['code']})" if row["code"] else row["outcome"],
            "at": row["at"] or "",
            "why": row["reason"] or "",
        }
        for row in rows
    ]


def _of_told(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, object]]:
    return [{name: value or "" for name, value in row.items() if name != "note"} | {"why": _again(row)} for row in rows]


def _again(row: Mapping[str, Any]) -> str:
    return str(row["note"]) if row["job"] and row["note"] else ""


LINES: dict[str, Lines] = {
    **{"jobs": _of_jobs, "calls": _of_rows, "files": _of_rows},
    **{"messages": _of_messages, "told": _of_told},
    "quarantined": lambda rows: [row | {"notice": str(row["notice"])} for row in map(dict, rows)],
    "watched": lambda rows: [lineage.of_made(row) for row in rows],
}
