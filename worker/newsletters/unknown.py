"""Who is unknown to the platform is left out where it is known who that is (docs/decisions/0040).

A platform that ignores addresses that it does not know says so to nobody. What is known stands in a list of all that it
has: an export of its own, or what a sync brings it every night.
"""

from __future__ import annotations

from worker.facts.campaign import Campaign
from worker.newsletters.document import Document
from worker.newsletters.people import People, who
from worker.newsletters.reading import opened
from worker.operation import Operation
from worker.processes.process import Process

UNKNOWN = "unknown"
NOT_KNOWN = "Which those are is not known here, so nobody is left out for it: `known` names a list of all that it has."


def off_known(document: Document, operation: Operation, campaign: Campaign) -> list[str]:
    """What is wrong with asking for it."""
    if document.known is None or campaign.ignores:
        return []
    return [f"known is of no use to {operation.name}, which writes to whoever is named: leave it out."]


def without_unknown(
    process: Process, document: Document, operation: Operation, campaign: Campaign, found: People
) -> str | None:
    """Leave out whom the document's `known` does not name; what has to be said of it. Of the list no more is held than
    who of it is meant. Raises as `opened` does."""
    if not campaign.ignores:
        return None
    if document.known is None:
        return f"{campaign.ignores} {NOT_KNOWN}"
    meant = {who(operation, person) for person in found.going}
    has: set[str] = set()
    with opened(process, document, operation, campaign.rows, document.known) as known:
        for checked in known.pieces():
            has.update(meant.intersection(who(operation, campaign.person(row, ())) for row in checked.rows))
    left = [person for person in found.going if who(operation, person) in has]
    if len(left) < len(found.going):
        found.dropped[UNKNOWN] += len(found.going) - len(left)
    found.going = left
    return f"{campaign.ignores} What it knows was read from {known.said}."
