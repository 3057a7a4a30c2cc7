"""Gives a replay the rows that it was asked for, a page a transaction: nobody has to wait for all of them. Killed
amid it, whoever plans the replay goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from worker.ledger import givings
from worker.processes.process import Process
from worker.sources.opening import Interrupted

AT_ONCE = 250  # chunks


def give(process: Process, job_id: str, going: Callable[[], bool] = lambda: True) -> None:
    """All that it does not have yet. Two may do so at once. Raises `Interrupted` when `going` says no more."""
    while process.ledger.write(partial(givings.give_some, job_id=job_id, most=AT_ONCE)):
        if not going():
            raise Interrupted
