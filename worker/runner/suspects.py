"""Chunks found claimed by a dead process: each runs alone, in a child process of its own (design §6).

A suspect that kills its child twice is poison: refused by name, never a reason to kill a worker again. Deaths in
company don't count: a process that dies with sixteen chunks makes sixteen suspects and no culprit.

    python -m worker.runner.suspects JOB      forks once per suspect; started by a lane, ends with it
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from typing import Any

from worker import outage
from worker.errors import Busy, Forbidden
from worker.ledger import chunks, claims, jobs, notices, owners, posts, refusing
from worker.ledger.ledger import Ledger
from worker.ledger.types import Connection, Row
from worker.outcome import Refusal
from worker.process import Process
from worker.runner import books
from worker.settings import settings

DEATHS = 2
LEASE = 60.0
POST_LEASE = 600.0
POISON = Refusal(
    1,
    "poison",
    "A process died twice while it made these rows ready, alone; they were not sent.",
    "Look at these rows for what is unlike all others, and report it: no row may kill a process.",
)
log = logging.getLogger(__name__)


def run(process: Process, job: Row[Any]) -> None:
    """See to a job's suspects, unless there are none or somebody does already."""
    if not process.ledger.read(lambda tx: chunks.any_suspects(tx, job.id)):
        return
    # The post is this thread's, not the process's: otherwise each of its lanes would hold it and start a child.
    owner = f"{process.owner}/{threading.get_ident()}"
    post = process.ledger.write(lambda tx: posts.claim(tx, f"suspects/{job.id}", owner, POST_LEASE))
    if post is None:
        return
    child = subprocess.Popen([sys.executable, "-P", "-m", "worker.runner.suspects", job.id])
    while child.poll() is None:
        if process.stopping.wait(0.02):
            child.terminate()
            child.wait()
    process.ledger.write(lambda tx: posts.leave(tx, post))


def main(job_id: str) -> None:
    """The middle process: it holds no ledger open while it forks, for locks don't survive a fork."""
    parent = os.getppid()
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    while not leaving.is_set() and os.getppid() == parent:
        chunk = _with_ledger(lambda tx: _claim(tx, job_id))
        if chunk is None:
            return
        if not _survives(job_id, chunk):
            _with_ledger(lambda tx, chunk=chunk: bury(tx, job_id, chunk))


def _survives(job_id: str, chunk: Row[Any]) -> bool:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            _carry(job_id, chunk)
        except BaseException:
            log.exception("suspect chunk %s of job %s", chunk.n, job_id)
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _carry(job_id: str, chunk: Row[Any]) -> None:
    from worker.process import process
    from worker.runner.lane import Lane

    own = process()
    job = own.ledger.read(lambda tx: jobs.get(tx, job_id))
    if job is not None:
        Lane(own, job, 0, lambda _share: None).carry_one(chunk)


def _claim(tx: Connection, job_id: str) -> Row[Any] | None:
    job = jobs.get(tx, job_id)
    if job is None or not chunks.any_suspects(tx, job_id):
        return None
    try:
        outage.admit(tx, job.account, owners.me(), LEASE)
    except (Busy, Forbidden):
        return None
    taken = chunks.claim(tx, job_id, owners.me(), LEASE, suspect=True)
    return taken[0] if taken else None


def bury(tx: Connection, job_id: str, chunk: Row[Any]) -> None:
    """The child died over this chunk, alone. Once more, or poison; marked already, it is unsure."""
    held = claims.of(chunk)
    if chunks.get(tx, chunk.id).state == "sending":
        chunks.lose(tx, held, "the process died while the request was on the wire")
    elif chunks.count_death(tx, held) < DEATHS:
        chunks.put_back(tx, held, 0, suspect=True)
        return
    else:
        refusing.refuse_whole(tx, chunk, POISON)
        notices.announce(tx, "chunk.poison", f"{job_id}/{chunk.n}")
    if chunk.payload is not None:
        books.call_ended(tx, job_id)


def _with_ledger(work: Any) -> Any:
    ledger = Ledger(settings().database_url)
    try:
        return ledger.write(work)
    finally:
        ledger.close()


if __name__ == "__main__":
    main(sys.argv[1])
