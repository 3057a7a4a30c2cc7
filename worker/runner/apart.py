"""Parts requests of which not every row shall share the same fate: each part goes as a chunk of its own."""

from __future__ import annotations

import logging
from typing import Any

from worker import numbers
from worker.errors import Refused
from worker.ledger import jobs, parting
from worker.ledger.types import Connection, Row
from worker.outcome import Outcome, accepted
from worker.runner.consignment import Consignment

log = logging.getLogger(__name__)


def fell_back(tx: Connection, sent: Consignment, error: Refused) -> bool:
    """Whether the platform does not take rows together at all: then they go one by one, and the rest of the job too."""
    said = error.refusals[0]
    if sent.later is None or said.code not in sent.later.only_singly:
        return False
    why = f"{sent.account.platform.title} takes no rows together here ({said.code}): each goes in a request of its own"
    if parting.narrow(tx, sent.job_id, why):
        log.warning("job %s: %s", sent.job_id, why)
    singly(tx, sent)
    jobs.look_at(tx, sent.job_id)
    return True


def singly(tx: Connection, consignment: Consignment) -> None:
    """Every row that goes, as a chunk of its own."""
    _part(tx, consignment, [[number] for number in consignment.numbers])


def in_two(tx: Connection, sent: Consignment) -> None:
    """The rows of a refused request, as two requests."""
    _part(tx, sent, _halves(sent.numbers))


def own_in_two(tx: Connection, chunk: Row[Any]) -> None:
    """A chunk that has only some rows of its stretch."""
    parting.part(tx, chunk, Outcome(), parting.Again(_halves(numbers.read(chunk.only)), tries=chunk.tries))


def _part(tx: Connection, sent: Consignment, groups: list[Any]) -> None:
    came = accepted(0, sent.left_out, skipped_by=sent.skipped_by)
    parting.part(tx, sent.chunk, came, parting.Again(groups, tries=sent.chunk.tries))


def _halves(found: Any) -> list[Any]:
    middle = len(found) // 2
    return [found[:middle], found[middle:]]
