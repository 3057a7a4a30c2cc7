"""What would go out, to whom, in how many requests and when: nothing has left yet, and nothing does before somebody
approves it."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker import platforms
from worker.facts.campaign import Campaign
from worker.ledger import newsletters
from worker.ledger.newsletters import Planned
from worker.newsletters.document import Document, WrongDocument
from worker.newsletters.people import people
from worker.newsletters.times import Times, times
from worker.operation import JSON, Operation
from worker.orders.order import Order, read_order
from worker.orders.words import MARKETING
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.runner import results
from worker.seal import digest


@dataclass(frozen=True)
class Plan:
    """`dropped` counts by reason who does not get it, `refusals` are the first that are no recipients; `seconds` is how
    long the requests take at the account's pace."""

    document: Document
    payload: JSON = field(repr=False)
    people: int
    dropped: Mapping[str, int]
    refusals: Sequence[Refusal]
    requests: int
    seconds: float
    times: Times


def campaign_of(document: Document) -> tuple[Operation, Campaign]:
    """Raises `WrongDocument` for an operation that can't be planned."""
    operation = platforms.operation(document.operation)
    if operation.campaign is None:
        able = [one.name for one in platforms.operations().values() if one.campaign is not None]
        raise WrongDocument(f"{operation.name} is nothing that can be planned; these are: {', '.join(able)}.")
    return operation, operation.campaign


def make(process: Process, document: Document) -> Plan:
    """Raises `WrongDocument` with everything that keeps it from being sent."""
    operation, campaign = campaign_of(document)
    found = people(process, document, operation, campaign, _most(process, document))
    if not found.going:
        raise WrongDocument(f"{document.name} has nobody to go to: {_named(found.dropped)}.")
    payload = {**document.payload, campaign.rows.key: found.going}
    order = order_of(document, payload)
    pace = platforms.account(order.account).pace
    seconds = len(order.parts) * pace.seconds / pace.calls
    when = times(document, dt.datetime.now(dt.UTC), seconds, campaign.deliver is not None)
    payload = payload if campaign.deliver is None or when.deliver is None else campaign.deliver(payload, when.deliver)
    return Plan(document, payload, len(found.going), found.dropped, found.refusals, len(order.parts), seconds, when)


def order_of(document: Document, payload: JSON) -> Order:
    """The call that sends it. Raises `WrongDocument` with every reason why it can't be."""
    operation = platforms.operation(document.operation)
    options = {} if document.purpose == MARKETING else {"purpose": document.purpose}
    words = {"payload": payload, "account": document.account, "options": options}
    try:
        order = read_order(operation, words)
        wrong = [_sentence(one) for part in order.parts for one in part.refusals]
    except results.Refused as error:
        wrong = error.reasons
    if wrong:
        raise WrongDocument("\n".join([f"{document.name} can't be sent:", *(f"  {one}" for one in wrong)]))
    return order


def _sentence(one: Refusal) -> str:
    return f"{one.reason} {one.advice}".strip()


def keep(process: Process, plan: Plan, by: str, why: str | None = None, key: str | None = None) -> str:
    """Write the plan down; its id. The same `key` is the same plan."""
    document, close = plan.document, process.seal.close
    deliver = plan.times.deliver
    planned = Planned(
        name=document.name,
        operation=document.operation,
        account=document.account,
        document=close(document.stored()),
        content=close(plan.payload),
        letter=letter_of(document),
        people=plan.people,
        requests=plan.requests,
        dropped=plan.dropped,
        seconds=plan.seconds,
        not_before=plan.times.sends,
        deliver_at=deliver.timestamp() if deliver else None,
        expires_at=plan.times.expires,
        planned_by=by,
        key=key,
    )
    return process.ledger.write(lambda tx: newsletters.add(tx, planned, why))


def letter_of(document: Document) -> str:
    """A hash of all that is the same however often it is sent, and to whomever."""
    said: dict[str, Any] = document.stored()
    for name in ("recipients", "deliver_at", "max_recipients", "options"):
        said.pop(name, None)
    return digest("letter", json.dumps(said, sort_keys=True, default=str))


def age(planned_at: float) -> float:
    """Seconds since it was planned."""
    return time.time() - planned_at


def _most(process: Process, document: Document) -> int:
    allowed = process.settings.most_recipients
    return min(allowed, document.max_recipients or allowed)


def _named(dropped: Counter[str]) -> str:
    return ", ".join(f"{code} {n:,}" for code, n in sorted(dropped.items())) or "its list is empty"
