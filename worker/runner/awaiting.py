"""How often a platform is asked about rows that it took: ever more rarely, with at most half of a budget."""

from __future__ import annotations

from worker.facts.wire import Later
from worker.ledger import looking
from worker.ledger.types import Connection
from worker.operation import Pace

SHARE = 0.5


def wait(tx: Connection, job_id: str, later: Later, pace: Pace, looks: int = 0) -> float:
    """Seconds until the next look at one request, after so many; the longer, the more requests are awaited."""
    rarely = min(later.longest, later.first * 2.0 ** min(looks, 16))
    return max(rarely, looking.awaited(tx, job_id) * pace.seconds / (pace.calls * SHARE))
