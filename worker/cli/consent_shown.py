"""What is known of an address, for `omniworker consent show`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from worker.ledger import consents, receipts, reports
from worker.ledger.types import Connection, Row
from worker.operation import JSON
from worker.people import register
from worker.processes.process import Process


def known_of(own: Process, tx: Connection, address: str) -> JSON:
    """What the ledger has of an address; nothing where nobody is in the register."""
    if consents.last_change(tx) == 0:
        return {"address": address, "standing": [], "receipts": []}
    who = register.hashed(own, tx, address)
    return {
        "address": address,
        "standing": [standing(row) for row in consents.of(tx, who)],
        "receipts": [_receipt(tx, row) for row in receipts.of(tx, who)],
    }


def standing(row: Row[Any]) -> JSON:
    """Where somebody stands on one channel, for one purpose."""
    facts = {name: getattr(row, name) for name in ("channel", "purpose", "state", "reason", "source")}
    return facts | {"at": _written(row.at)}


def _receipt(tx: Connection, row: Row[Any]) -> JSON:
    facts = {name: getattr(row, name) for name in ("channel", "purpose", "state", "reason", "source")}
    said = facts | {"at": _written(row.at), "written_at": _written(row.written_at), "by": row.said_by}
    return said | {"account": row.account, "job": row.job_id, "answer": _answer(tx, row), "note": row.note}


def _answer(tx: Connection, row: Row[Any]) -> str | None:
    """What the platform that was told said."""
    if row.job_id is None:
        return str(row.note) if row.note else None
    report = reports.of(tx, row.job_id)
    if report is None:
        return "told"
    said = [name for name in ("accepted", "refused", "unsure", "skipped") if report["rows"][name]]
    codes = ", ".join([*report["refused_by"], *report["skipped_by"]])
    return f"{said[0]}{f' ({codes})' if codes else ''}" if said else f"on its way ({report['state']})"


def _written(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def say(found: JSON) -> None:
    """For people."""
    if not found["standing"]:
        click.echo("Nobody ever said anything of this address: the platform's own flag decides.")
        return
    for one in found["standing"]:
        click.echo(f"{one['channel']}, {one['purpose']}: {one['state']}, {one['reason']}, {one['at']}, {one['source']}")
    for one in found["receipts"]:
        click.echo(f"    {one['written_at']}  {one['channel']}  {_told(one)}")


def _told(one: JSON) -> str:
    if one["account"] is None:
        return f"{one['reason']} by {one['by']}"
    if one["job"] is None:
        return f"{one['account']} was not told: {one['answer']}"
    told = f"was told: {one['answer']} (job {one['job']})"
    return f"{one['account']} {told}{', ' + one['note'] if one['note'] else ''}"
