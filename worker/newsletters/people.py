"""Who gets a newsletter: read, each once, without those who may not be written to. Whoever is dropped is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from worker.facts.campaign import Campaign
from worker.newsletters.document import Document, WrongDocument
from worker.newsletters.reading import Reading, opened
from worker.operation import Operation
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.runner.opted_out import OPTED_OUT, heed

INVALID, DUPLICATE = "invalid", "duplicate"
SHOWN = 20


@dataclass
class People:
    """`going` as they stand in a payload; of those that are no recipients the first `refusals`. Of `parts` of those who
    go an address stays behind, which opted out; `said` is where they come from."""

    going: list[Any] = field(default_factory=list, repr=False)
    dropped: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    parts: int = 0
    said: str = ""


def people(
    process: Process, document: Document, operation: Operation, campaign: Campaign, most: int, purpose: str
) -> People:
    """Raises `WrongDocument` for more than `most`, and what `opened` raises for a list that can't be read."""
    found = People()
    seen: set[str] = set()
    unsaid = set(document.variables)
    with opened(process, document, operation, campaign.rows, document.recipients) as list_:
        for row in _rows(list_, found):
            person = campaign.person(row, document.variables)
            unsaid -= set(_beside(row, campaign))
            one = who(operation, person)
            if one in seen:
                found.dropped[DUPLICATE] += 1
                continue
            seen.add(one)
            found.going.append(person)
            if len(found.going) > most:
                raise WrongDocument(_too_many(most))
    if unsaid and found.going:
        raise WrongDocument(_nobody_says(unsaid))
    found.said = list_.said
    return heeded(process, operation, found, purpose)


def _beside(row: Any, campaign: Campaign) -> Collection[str]:
    """The names of what a row says of its person besides the address."""
    rest = campaign.rows.cells.rest if campaign.rows.cells else None
    gathered = row.get(rest) if rest and isinstance(row, dict) else None
    return gathered if isinstance(gathered, dict) else ()


def heeded(process: Process, operation: Operation, found: People, purpose: str) -> People:
    """Without those who may not be written to, as it is known now."""
    left = heed(process, operation.addressed, found.going, purpose)
    found.going = list(left.rows)
    found.parts = len(left.noted)
    if left.skipped:
        found.dropped[OPTED_OUT] += left.skipped
    return found


def _rows(list_: Reading, found: People) -> Iterator[Any]:
    for checked in list_.pieces():
        found.dropped.update({INVALID: len(checked.refusals)} if checked.refusals else {})
        found.refusals += checked.refusals[: SHOWN - len(found.refusals)]
        yield from checked.rows


def who(operation: Operation, person: Any) -> str:
    """The same for the same person, however their address is written."""
    if operation.addressed is None:
        return repr(person)
    return repr(sorted(way.address.strip().casefold() for way in operation.addressed.ways(person)))


def _nobody_says(names: Collection[str]) -> str:
    return (
        f"No recipient has {', '.join(map(repr, sorted(names)))}, which variables names: correct the name, or leave it "
        "out."
    )


def _too_many(most: int) -> str:
    return (
        f"It has more than {most:,} recipients, the most that may be planned: take fewer, or raise max_recipients in "
        "the document or NEWSLETTER_MAX_RECIPIENTS."
    )
