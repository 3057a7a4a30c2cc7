"""What a person finds at the platform of a request that wrote to many people, and whose answer was lost."""

from __future__ import annotations

from typing import Any

from worker import platforms
from worker.cli.newsletters_shown import masked
from worker.ledger import jobs, planning
from worker.ledger.types import Connection, Row
from worker.operation import JSON, Operation
from worker.processes.process import Process

SHOWN = 2


def look_for(own: Process, tx: Connection, job: Row[Any], chunk: Row[Any]) -> str:
    """Empty where the request was none of these, or where its content is gone. A step is looked for by what it is a
    step of, too."""
    whole = jobs.get(tx, job.parent) if job.parent else None
    above = [] if whole is None else [_of(own, whole, planning.of_call(tx, whole.id), people=False)]
    return " ".join(filter(None, [*above, _of(own, job, chunk)]))


def _of(own: Process, job: Row[Any], chunk: Row[Any], *, people: bool = True) -> str:
    operation = platforms.operations().get(job.operation)
    asked = own.seal.open(chunk.payload).get("checked") if chunk.payload and job.kind == "call" else None
    if operation is None or operation.campaign is None or asked is None:
        return ""
    return f"{operation.campaign.look_for(asked)}{_whom(operation, asked) if people else ''}"


def _whom(operation: Operation, asked: JSON) -> str:
    """How many people it was for, and the first of them, so that somebody can tell one request from another."""
    rows = asked.get(operation.campaign.rows.key, ()) if operation.campaign else ()
    some = ", ".join(_address(masked(one)) for one in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    return f" This request was for {some}{more}." if some else ""


def _address(person: Any) -> str:
    """Of a person as a request has them: the address alone, or what holds it."""
    if not isinstance(person, dict):
        return str(person)
    inner = person.get("contact", person)
    return str(next((inner[name] for name in ("email", "phone") if inner.get(name)), "somebody"))
