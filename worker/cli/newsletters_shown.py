"""How newsletters are shown: with nobody's address, and with what came of them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any

from worker import platforms
from worker.cli import show
from worker.ledger import messages, reports
from worker.ledger.types import Row
from worker.newsletters import document
from worker.newsletters.plan import Plan
from worker.processes.process import Process

SHOWN = 3
BAR = 40
ADDRESS = re.compile(r"([^@\s])[^@\s]*@([^@\s.])[^@\s]*(\.[^@\s.]+)")
NUMBER = re.compile(r"\+?\d{6,}(\d\d)")
OVER = ("finished", "cancelled", "failed")


def facts(own: Process, row: Row[Any]) -> dict[str, Any]:
    """All that is known of one, for `--json`."""
    report = own.ledger.read(lambda tx: reports.of(tx, row.job_id)) if row.job_id else None
    return {
        "newsletter": row.id,
        "name": row.name,
        "operation": row.operation,
        "account": row.account,
        "state": _state(row, report),
        "why": row.why,
        "people": row.people,
        "dropped": json.loads(row.dropped),
        "requests": row.requests,
        "sends_at": reports.iso(row.not_before),
        "deliver_at": _iso(row.deliver_at),
        "expires_at": _iso(row.expires_at),
        "planned": {"at": reports.iso(row.planned_at), "by": row.planned_by},
        "approved": {"at": _iso(row.approved_at), "by": row.approved_by, "recurring": bool(row.recurs)},
        "report": report,
        "messages": own.ledger.read(lambda tx: messages.of_job(tx, row.job_id)) if row.job_id else {},
    }


def of_plan(row: Row[Any], made: Plan) -> str:
    """A plan as a person reads it before they approve it."""
    lines = show.columns([*_facts(row), ("request", _request(made))])
    refused = "".join(f"\n  row {one.row}: {one.reason} {one.advice}".rstrip() for one in made.refusals)
    invalid = f"\nno recipients:{refused}" if refused else ""
    return f"{lines}{invalid}\n\nNothing is sent before somebody says `omniworker newsletters approve {row.id}`."


def whole(own: Process, row: Row[Any]) -> str:
    """One that may be on its way, or over."""
    report = own.ledger.read(lambda tx: reports.of(tx, row.job_id)) if row.job_id else None
    parts = [show.columns(_facts(row, report))]
    if report is not None:
        told = own.ledger.read(lambda tx: messages.of_job(tx, row.job_id))
        parts += [show.report_text(report), bars(report["rows"])]
        parts += [f"what the platform told of its messages\n{bars(told)}"] if told else []
        parts += [look_for(own, row)] if report["rows"]["unsure"] else []
    return "\n".join(filter(None, parts))


def look_for(own: Process, row: Row[Any]) -> str:
    """What a person finds of it at the platform, when it is not known whether a request was taken."""
    said = document.of(own.seal.open(row.document), row.name)
    campaign = platforms.operation(said.operation).campaign
    found = campaign.look_for(said.payload) if campaign else ""
    then = f"Then `omniworker jobs unsure {row.job_id}` and `omniworker jobs decide {row.job_id}`."
    return f"\nThe answer to some requests was lost. {found}\n{then}"


def bars(counts: Mapping[str, int]) -> str:
    """A line for each count that is not zero, with a bar of its share."""
    some = {name: n for name, n in counts.items() if n and name != "total"}
    most = max(some.values(), default=1)
    rows = [(f"  {name}", n, "█" * max(1, round(BAR * n / most))) for name, n in some.items()]
    return show.columns(rows, right=[1]) if rows else ""


def line(row: Row[Any]) -> dict[str, object]:
    return {
        "newsletter": row.id,
        "name": row.name,
        "state": row.state,
        "people": row.people,
        "goes": reports.iso(row.not_before),
        "why": row.why or "",
    }


def when(row: Row[Any]) -> str:
    """What approving has set going."""
    return show.columns(_facts(row))


def _state(row: Row[Any], report: Mapping[str, Any] | None) -> str:
    """The sweeper notes the end of its job within seconds; whoever looks before that need not be told so."""
    return "sent" if report is not None and report["state"] in OVER else str(row.state)


def _facts(row: Row[Any], report: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
    dropped = ", ".join(f"{code} {n:,}" for code, n in json.loads(row.dropped).items())
    delivered = f", delivered at {_iso(row.deliver_at)}" if row.deliver_at else ""
    goes = f"{reports.iso(row.not_before)}{delivered}" if row.deliver_at else "when it is approved"
    known = [
        ("newsletter", f"{row.name} ({row.id})"),
        ("sends by", f"{row.operation}, account {row.account}"),
        ("state", _state(row, report)),
        ("why", row.why),
        ("people", f"{row.people:,}" + (f"; dropped: {dropped}" if dropped else "")),
        ("requests", f"{row.requests:,}, about {show.span(max(1.0, row.seconds))} at the account's pace"),
        ("goes", goes),
        ("not after", _iso(row.expires_at)),
        ("planned", f"{reports.iso(row.planned_at)} by {row.planned_by}"),
        ("approved", f"{_iso(row.approved_at)} by {row.approved_by}" if row.approved_at else None),
        ("job", row.job_id),
    ]
    return [(name, said) for name, said in known if said]


def _request(made: Plan) -> str:
    operation = platforms.operation(made.document.operation)
    key = operation.campaign.rows.key if operation.campaign else ""
    some = made.payload[key][:SHOWN]
    more = [f"… {made.people - SHOWN:,} more"] if made.people > SHOWN else []
    payload = {**made.payload, key: [*map(masked, some), *more]}
    return f"{operation.method} {operation.path} {json.dumps(payload, ensure_ascii=False)}"


def masked(value: Any) -> Any:
    """Addresses and numbers, however deep, by which nobody is known, and everybody recognizes their own."""
    match value:
        case dict():
            return {name: masked(inner) for name, inner in value.items()}
        case list():
            return [masked(inner) for inner in value]
        case str():
            return NUMBER.sub(r"…\1", ADDRESS.sub(r"\1…@\2…\3", value))
    return value


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
