"""Who gets a newsletter: read, each once, without those who may not be written to. Whoever is dropped is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from worker.checking.check import check_piece
from worker.facts.campaign import Campaign
from worker.newsletters.document import Document, WrongDocument
from worker.operation import Operation
from worker.orders.order import place
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.runner.opted_out import OPTED_OUT, heed
from worker.sources.cut import cut
from worker.sources.given import given_source, lines_of_given
from worker.sources.opening import open_to_look
from worker.sources.original import Named
from worker.sources.source import Source

INVALID, DUPLICATE = "invalid", "duplicate"
SHOWN = 20


@dataclass
class People:
    """`going` as they stand in a payload; of those that are no recipients the first `refusals`."""

    going: list[Any] = field(default_factory=list, repr=False)
    dropped: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)


def people(process: Process, document: Document, operation: Operation, campaign: Campaign, most: int) -> People:
    """Raises `WrongDocument` for more than `most`, and what `open_to_look` raises for a file that can't be read."""
    found = People()
    seen: set[str] = set()
    unsaid = set(document.variables)
    with _source(process, document, campaign) as source:
        for row in _rows(source, operation, campaign, found):
            person = campaign.person(row, document.variables)
            unsaid -= set(_beside(row, campaign))
            who = _who(operation, person)
            if who in seen:
                found.dropped[DUPLICATE] += 1
                continue
            seen.add(who)
            found.going.append(person)
            if len(found.going) > most:
                raise WrongDocument(_too_many(document, most))
    if unsaid and found.going:
        raise WrongDocument(_nobody_says(document, unsaid))
    return heeded(process, operation, found, document.purpose)


def _beside(row: Any, campaign: Campaign) -> Collection[str]:
    """The names of what a row says of its person besides the address."""
    rest = campaign.rows.cells.rest if campaign.rows.cells else None
    gathered = row.get(rest) if rest and isinstance(row, dict) else None
    return gathered if isinstance(gathered, dict) else ()


def heeded(process: Process, operation: Operation, found: People, purpose: str) -> People:
    """Without those who may not be written to, as it is known now."""
    left = heed(process, operation.addressed, found.going, purpose)
    found.going = list(left.rows)
    if left.skipped:
        found.dropped[OPTED_OUT] += left.skipped
    return found


def _source(process: Process, document: Document, campaign: Campaign) -> Source:
    if isinstance(document.recipients, str):
        return open_to_look(Named(place(document.recipients), document.options, campaign.rows), process.settings)
    name = campaign.rows.cells.fields[0] if campaign.rows.cells else ""
    rows = [{name: one} if isinstance(one, str) else one for one in document.recipients]
    return given_source(lines_of_given(rows))


def _rows(source: Source, operation: Operation, campaign: Campaign, found: People) -> Iterator[Any]:
    for piece in cut(source, operation.limits):
        if piece.too_long:
            found.dropped[INVALID] += 1
            continue
        checked = check_piece(source, piece, campaign.rows)
        found.dropped.update({INVALID: len(checked.refusals)} if checked.refusals else {})
        found.refusals += checked.refusals[: SHOWN - len(found.refusals)]
        yield from checked.rows


def _who(operation: Operation, person: Any) -> str:
    """The same for the same person, however their address is written."""
    if operation.addressed is None:
        return repr(person)
    return repr(sorted(way.address.strip().casefold() for way in operation.addressed.ways(person)))


def _nobody_says(document: Document, names: Collection[str]) -> str:
    return (
        f"{document.name}: no recipient has {', '.join(map(repr, sorted(names)))}, which variables names: correct the "
        "name, or leave it out."
    )


def _too_many(document: Document, most: int) -> str:
    return (
        f"{document.name} has more than {most:,} recipients, the most that may be planned: take fewer, or raise "
        "max_recipients in the document or NEWSLETTER_MAX_RECIPIENTS."
    )
