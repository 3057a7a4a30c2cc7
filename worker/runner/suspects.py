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
from worker.ledger import chunks, claims, jobs, looking, notices, outlook, owners, posts, refusing
from worker.ledger.claims import Claim
from worker.ledger.ledger import Ledger
from worker.ledger.types import Connection, Row
from worker.outcome import Refusal
from worker.platforms import looked_up
from worker.processes.process import Process
from worker.runner import books
from worker.settings import settings

DEATHS = 2
LEASE = 60.0
POST_LEASE = 600.0
MISTAKE = 3  # a child's exit status; deaths have others
AFTER_A_MISTAKE = 30.0
POISON = Refusal(
    1,
    "poison",
    "A process died twice while it made these rows ready, alone; they were not sent.",
    "Look at these rows for what is unlike all others, and report it: no row may kill a process.",
)
log = logging.getLogger(__name__)


def run(process: Process, job: Row[Any]) -> None:
    """See to a job's suspects, unless there are none or somebody does already."""
    if not process.ledger.read(lambda tx: outlook.any_suspects(tx, job.id)):
        return
    # The post is this thread's, not the process's: otherwise each of its lanes would hold it and start a child.
    owner = f"{process.owner}/{threading.get_ident()}"
    post = process.ledger.write(lambda tx: posts.claim(tx, f"suspects/{job.id}", owner, POST_LEASE))
    if post is None:
        return
    try:
        _attend(process, subprocess.Popen([sys.executable, "-P", "-m", "worker.runner.suspects", job.id]))
    finally:
        process.ledger.write(lambda tx: posts.leave(tx, post))


def _attend(process: Process, child: subprocess.Popen[bytes]) -> None:
    while child.poll() is None:
        if process.stopping.wait(0.02):
            child.terminate()
            child.wait()


def main(job_id: str) -> None:
    """The middle process: it holds no ledger open while it forks, for locks don't survive a fork."""
    parent = os.getppid()
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    while not leaving.is_set() and os.getppid() == parent:
        taken = _with_ledger(lambda tx: _claim(tx, job_id))
        if taken is None:
            return
        chunk, probe = taken
        if not _survives(job_id, chunk, probe):
            _with_ledger(lambda tx, chunk=chunk: bury(tx, job_id, chunk))


def _survives(job_id: str, chunk: Row[Any], probe: Claim | None) -> bool:
    """False only for a death. A mistake that Python could report is no death: the chunk goes back."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os._exit(_carry(job_id, chunk, probe))
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == MISTAKE:
        _with_ledger(lambda tx: _stumbled(tx, job_id, chunk))
        return True
    return status == 0


def _carry(job_id: str, chunk: Row[Any], probe: Claim | None) -> int:
    from worker.processes.process import process
    from worker.runner.lane import Lane

    try:
        own = process()
        job = own.ledger.read(lambda tx: jobs.get(tx, job_id))
        if job is not None:
            Lane(own, job, 0, lambda _share: None, probe).carry_one(chunk)
    except Exception:
        log.exception("suspect chunk %s of job %s", chunk.n, job_id)
        return MISTAKE
    return 0


def _claim(tx: Connection, job_id: str) -> tuple[Row[Any], Claim | None] | None:
    """The next suspect that is due, if the door is open or this is its probe."""
    job = jobs.get(tx, job_id)
    taken = chunks.claim(tx, job_id, owners.me(), LEASE, suspect=True)
    if job is None or not taken:
        return None
    try:
        return taken[0], outage.admit(tx, job.account, owners.me(), LEASE)
    except (Busy, Forbidden) as closed:
        chunks.put_back(tx, claims.of(taken[0]), getattr(closed, "wait", LEASE))
        return None


def bury(tx: Connection, job_id: str, chunk: Row[Any]) -> None:
    """The child died over this chunk, alone. Once more, or poison; marked already, it is looked up, or unsure."""
    held = claims.of(chunk)
    if chunks.get(tx, chunk.id).state == "sending":
        _lose(tx, job_id, held)
    elif chunks.count_death(tx, held) < DEATHS:
        chunks.put_back(tx, held, 0, suspect=True)
        return
    else:
        refusing.refuse_whole(tx, chunk, POISON)
        notices.announce(tx, "chunk.poison", f"{job_id}/{chunk.n}")
    if chunk.payload is not None:
        books.call_ended(tx, job_id)


def _stumbled(tx: Connection, job_id: str, chunk: Row[Any]) -> None:
    """A mistake of ours, reported by the child: tried again, but for what may be on the wire."""
    if chunks.get(tx, chunk.id).state != "sending":
        chunks.put_back(tx, claims.of(chunk), AFTER_A_MISTAKE, suspect=True)
        return
    _lose(tx, job_id, claims.of(chunk))
    if chunk.payload is not None:
        books.call_ended(tx, job_id)


def _lose(tx: Connection, job_id: str, held: Claim) -> None:
    job = jobs.get(tx, job_id)
    why = "the process died while the request was on the wire"
    can_ask = job is not None and job.operation in looked_up()
    if not (can_ask and looking.look_up(tx, held, 0, why)):
        chunks.lose(tx, held, why)


def _with_ledger(work: Any) -> Any:
    ledger = Ledger(settings().database_url)
    try:
        return ledger.write(work)
    finally:
        ledger.close()


if __name__ == "__main__":
    main(sys.argv[1])
