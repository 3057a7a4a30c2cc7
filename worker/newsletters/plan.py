"""What would go out, to whom, in how many requests and when: nothing has left yet, and nothing does before somebody
approves it."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from worker import platforms
from worker.facts.campaign import Campaign
from worker.ledger import newsletters
from worker.ledger.newsletters import Planned
from worker.ledger.types import Connection
from worker.newsletters import document as documents
from worker.newsletters.document import Document, WrongDocument
from worker.newsletters.mistakes import Mistakes
from worker.newsletters.people import People, people
from worker.newsletters.times import Times, times
from worker.newsletters.unknown import off_known, without_unknown
from worker.operation import JSON, Operation
from worker.orders.order import Order, read_order
from worker.orders.words import MARKETING
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.runner import results
from worker.runner.opted_out import purpose_of
from worker.seal import digest

LATELY = 86_400.0
PARTLY = "without an address of theirs that opted out"


@dataclass(frozen=True)
class Plan:
    """`dropped` counts by reason who does not get it, `refusals` are the first that are no recipients; `seconds` is how
    long the requests take at the account's pace; `notes` is what else has to be said of it, by what it is about."""

    document: Document
    payload: JSON = field(repr=False)
    people: int
    dropped: Mapping[str, int]
    refusals: Sequence[Refusal]
    requests: int
    seconds: float
    times: Times
    notes: Mapping[str, str] = field(default_factory=dict)


def campaign_of(document: Document) -> tuple[Operation, Campaign]:
    """Raises `WrongDocument` for an operation that can't be planned."""
    operation = platforms.operation(document.operation)
    if operation.campaign is None:
        able = [one.name for one in platforms.operations().values() if one.campaign is not None]
        raise WrongDocument(f"{operation.name} is nothing that can be planned; these are: {', '.join(able)}.")
    return operation, operation.campaign


def of_file(process: Process, file: Path, most: int | None = None) -> Plan:
    """Raises `WrongDocument` with everything that is wrong in the file, and with what it names, and `OSError`. No more
    than `most` people, if given."""
    said = documents.toml(file)
    document, wrong = documents.draft(said)
    if document is None:
        raise WrongDocument(documents.named(str(file), wrong))
    return make(process, replace(document, max_recipients=most or document.max_recipients), wrong)


def make(process: Process, document: Document, wrong: Sequence[str] = ()) -> Plan:
    """Raises `WrongDocument` with everything that keeps it from being sent, and what is known to be `wrong`."""
    mistakes = Mistakes(wrong)
    able = mistakes.of(lambda: campaign_of(document))
    if able is None:
        raise mistakes.told(document.name)
    operation, campaign = able
    found, unknown = _people(process, document, operation, campaign, mistakes)
    going = found.going if found and found.going else operation.example[campaign.rows.key]
    payload = {**document.payload, campaign.rows.key: going}
    order = mistakes.of(lambda: order_of(document, payload))
    seconds = _seconds(order) if order else 0.0
    now = dt.datetime.now(dt.UTC)
    when = mistakes.of(lambda: times(document, now, seconds, campaign.deliver is not None))
    if mistakes or found is None or order is None or when is None:
        raise mistakes.told(document.name)
    if campaign.deliver is not None and when.deliver is not None:
        payload = campaign.deliver(payload, when.deliver)
    notes = _notes(found, unknown, when, before=process.ledger.read(lambda tx: _before(tx, document)))
    requests = len(order.parts)
    return Plan(document, payload, len(found.going), found.dropped, found.refusals, requests, seconds, when, notes)


def _people(
    process: Process, document: Document, operation: Operation, campaign: Campaign, mistakes: Mistakes
) -> tuple[People | None, str | None]:
    """Who gets it, and what is said of those who are unknown there; the mistakes are noted."""
    mistakes += off_known(document, operation, campaign)
    purpose = mistakes.of(lambda: purpose_in(document, operation)) or document.purpose
    found = mistakes.of(lambda: people(process, document, operation, campaign, _most(process, document), purpose))
    if found is None:
        return None, None
    unknown = mistakes.of(lambda: without_unknown(process, document, operation, campaign, found))
    if not found.going:
        mistakes.append(f"It has nobody to go to: {_named(found.dropped) or found.said}.")
    return found, unknown


def purpose_in(document: Document, operation: Operation) -> str:
    """What it is for: its request may say so itself."""
    try:
        return purpose_of(operation, {"purpose": document.purpose}, document.payload)
    except (KeyError, TypeError, AttributeError):  # the payload's own check says what is wrong with it
        return document.purpose


def order_of(document: Document, payload: JSON) -> Order:
    """The call that sends it. Raises `WrongDocument` with every reason why it can't be, one a line."""
    operation = platforms.operation(document.operation)
    options = {} if document.purpose == MARKETING else {"purpose": document.purpose}
    words = {"payload": payload, "account": document.account, "options": options}
    wrong: list[str] = []
    try:
        order = read_order(operation, words)
    except results.Refused as error:
        wrong += error.reasons
        order = Order(operation, f"{operation.platform}/{document.account}", None, payload)  # to look at its payload
    wrong += [_sentence(one) for part in order.parts for one in part.refusals]
    if wrong:
        raise WrongDocument("\n".join(dict.fromkeys(wrong)))
    return order


def _seconds(order: Order) -> float:
    """How long its requests take."""
    pace = platforms.account(order.account).pace
    return len(order.parts) * pace.seconds / pace.calls


def _sentence(one: Refusal) -> str:
    return f"{one.reason} {one.advice}".strip()


def _before(tx: Connection, document: Document) -> str | None:
    """What is said of one of this name that was approved lately, so that nobody sends it twice unawares."""
    last = newsletters.get(tx, document.name)
    if last is None or last.approved_at is None or age(last.approved_at) > LATELY:
        return None
    return f"newsletter {last.id} of this name, to {last.people:,} people, is {last.state}: this is another one"


def _notes(found: People, unknown: str | None, when: Times, before: str | None) -> dict[str, str]:
    partly = f"{PARTLY}: {found.parts:,}" if found.parts else None
    notes = {"list": found.said, "unknown": unknown, "partly": partly, "time": when.said, "before": before}
    return {name: said for name, said in notes.items() if said}


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
        notes=plan.notes,
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
    for name in ("recipients", "known", "deliver_at", "max_recipients", "options"):
        said.pop(name, None)
    return digest("letter", json.dumps(said, sort_keys=True, default=str))


def age(planned_at: float) -> float:
    """Seconds since it was planned."""
    return time.time() - planned_at


def _most(process: Process, document: Document) -> int:
    allowed = process.settings.most_recipients
    return min(allowed, document.max_recipients or allowed)


def _named(dropped: Counter[str]) -> str:
    return ", ".join(f"{code} {n:,}" for code, n in sorted(dropped.items()))
