"""The one road to follow-up tasks: what happened is handed to each follower, at least once (design §8).

A follower is a function of the notice's subject. It must do its own work once by keys derived from the notice.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable

from worker.ledger import claims, jobs, notices, reports
from worker.process import Process
from worker.wake import send

AT_ONCE = 50
LEASE = 30.0
Follower = Callable[[Process, str], bool]  # of a module: its name is told when it stumbles
log = logging.getLogger(__name__)
_followers: dict[str, list[Follower]] = defaultdict(list)


def follows(*kinds: str) -> Callable[[Follower], Follower]:
    """Declare a function a follow-up of these kinds of notice. It returns False to be called again later."""

    def declare(follower: Follower) -> Follower:
        for kind in kinds:
            _followers[kind].append(follower)
        return follower

    return declare


def hand_out(process: Process) -> None:
    """Hand every waiting notice to those who follow it; one that a follower could not take is kept."""
    if not process.ledger.read(notices.any_waiting):
        return
    for row in process.ledger.write(lambda tx: notices.claim_waiting(tx, process.owner, LEASE, AT_ONCE)):
        taken = [_took(follower, process, row.subject) for follower in _followers[row.kind]]
        if all(taken):
            process.ledger.write(lambda tx, row=row: notices.handed_out(tx, claims.of(row)))  # type: ignore[misc]


def _took(follower: Follower, process: Process, subject: str) -> bool:
    """A follower that stumbles is called again; the others' notices go on."""
    try:
        return follower(process, subject)
    except Exception:
        log.exception("%s could not follow %s", follower.__name__, subject)
        return False


@follows("job.ended", "job.undecided")
def then(process: Process, job_id: str) -> bool:
    """What one job asked for itself: fires when no row is pending any more. `report["job"]` tells a repeat."""
    job = process.ledger.read(lambda tx: jobs.get(tx, job_id))
    if job is None or job.then == "[]":
        return True
    report = process.ledger.read(lambda tx: reports.of(tx, job_id))
    steps = json.loads(job.then)
    return all(send(step["task"], step["queue"], {**step.get("kwargs", {}), "report": report}) for step in steps)
