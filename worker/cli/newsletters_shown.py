"""How newsletters are shown: with nobody's address, and with what came of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from worker import platforms
from worker.cli import show
from worker.cli.chart import chart
from worker.cli.moments import local, moment, zones_of
from worker.ledger import messages, newsletters, reports
from worker.ledger.types import Row
from worker.newsletters import document
from worker.newsletters.ended import became
from worker.newsletters.plan import Plan
from worker.processes.process import Process
from worker.runner.opted_out import OPTED_OUT

SHOWN = 3
ADDRESS = re.compile(r"([^@\s])[^@\s]*@([^@\s.])[^@\s]*(\.[^@\s.]+)")
NUMBER = re.compile(r"\+?\d{6,}(\d\d)")


def facts(own: Process, row: Row[Any]) -> dict[str, Any]:
    """All that is known of one, for `--json`."""
    report = own.ledger.read(lambda tx: reports.of(tx, row.job_id)) if row.job_id else None
    return {
        "newsletter": row.id,
        "name": row.name,
        "operation": row.operation,
        "account": row.account,
        "state": _state(row, report)[0],
        "why": _state(row, report)[1],
        "halted_by": halted_by(own, row),
        "people": row.people,
        "dropped": json.loads(row.dropped),
        "notes": notes(row, report),
        "requests": row.requests,
        "sends_at": reports.iso(row.not_before),
        "deliver_at": _iso(row.deliver_at),
        "deliver_local": {str(zone): local(row.deliver_at, zone).isoformat() for zone in zones_of(own, row)}
        if row.deliver_at
        else {},
        "expires_at": _iso(row.expires_at),
        "planned": {"at": reports.iso(row.planned_at), "by": row.planned_by},
        "approved": {"at": _iso(row.approved_at), "by": row.approved_by, "recurring": bool(row.recurs)},
        "report": report,
        "messages": own.ledger.read(lambda tx: messages.of_job(tx, row.job_id)) if row.job_id else {},
    }


def of_plan(own: Process, row: Row[Any], made: Plan) -> str:
    """A plan as a person reads it before they approve it."""
    lines = show.columns([*_facts(own, row), ("request", _request(made))])
    refused = "".join(f"\n  row {one.row}: {one.reason} {one.advice}".rstrip() for one in made.refusals)
    invalid = f"\nno recipients:{refused}" if refused else ""
    return f"{lines}{invalid}\n\nNothing is sent before somebody says `omniworker newsletters approve {row.id}`."


def whole(own: Process, row: Row[Any]) -> str:
    """One that may be on its way, or over."""
    report = own.ledger.read(lambda tx: reports.of(tx, row.job_id)) if row.job_id else None
    parts = [show.columns(_facts(own, row, report))]
    if report is not None:
        told = own.ledger.read(lambda tx: messages.of_job(tx, row.job_id))
        parts += [show.report_text(report)]
        parts += [f"what the platform told of its messages\n{chart(told)}"] if told else []
        parts += [look_for(own, row)] if report["rows"]["unsure"] else []
    return "\n".join(filter(None, parts))


def look_for(own: Process, row: Row[Any]) -> str:
    """What a person finds of it at the platform, when it is not known whether a request was taken."""
    said = document.of(own.seal.open(row.document), row.name) if row.document else None
    campaign = platforms.operation(said.operation).campaign if said else None
    found = campaign.look_for(said.payload) if said and campaign else ""
    then = f"Then `omniworker jobs unsure {row.job_id}` and `omniworker jobs decide {row.job_id}`."
    return f"\nThe answer to some requests was lost. {found}\n{then}"


def halted_by(own: Process, row: Row[Any]) -> str | None:
    """Who keeps it from leaving with all others; None for one that is over, too."""
    return own.ledger.read(newsletters.halted) if row.state in newsletters.WAITING else None


def notes(row: Row[Any], report: Mapping[str, Any] | None) -> dict[str, str]:
    """What else is said of it, by what it is about: what was planned, and what was another since."""
    out = report["skipped_by"].get(OPTED_OUT, 0) if report else 0
    later = {"since": f"{out:,} opted out between the approval and their request: left out"} if out else {}
    return {**json.loads(row.notes), **later}


def line(row: Row[Any]) -> dict[str, object]:
    return {
        "newsletter": row.id,
        "name": row.name,
        "state": row.state,
        "people": row.people,
        "goes": reports.iso(row.not_before),
        "why": row.why or "",
    }


def when(own: Process, row: Row[Any]) -> str:
    """What approving has set going."""
    return show.columns(_facts(own, row))


def _state(row: Row[Any], report: Mapping[str, Any] | None) -> tuple[str, str | None]:
    """And why. The sweeper notes the end of its job within seconds; whoever looks before that need not be told so."""
    found = became(report) if report is not None and row.state == "started" else None
    return found or (str(row.state), row.why)


def _facts(own: Process, row: Row[Any], report: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
    dropped = ", ".join(f"{code} {n:,}" for code, n in json.loads(row.dropped).items())
    zones, by = zones_of(own, row), halted_by(own, row)
    state, why = _state(row, report)
    halted = f"; all are halted by {by}, and nothing of it leaves until `omniworker newsletters go-on`" if by else ""
    known = [
        ("newsletter", f"{row.name} ({row.id})"),
        ("sends by", f"{row.operation}, account {row.account}"),
        ("state", state + halted),
        ("why", why),
        ("people", f"{row.people:,}" + (f"; dropped: {dropped}" if dropped else "")),
        *notes(row, report).items(),
        ("requests", f"{row.requests:,}, about {show.span(max(1.0, row.seconds))} at the account's pace"),
        ("goes", moment(row.not_before, zones) if row.deliver_at else "when it is approved"),
        ("delivered", moment(row.deliver_at, zones) if row.deliver_at else None),
        ("not after", moment(row.expires_at, zones) if row.expires_at else None),
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
    return None if seconds is None else reports.iso(seconds)
