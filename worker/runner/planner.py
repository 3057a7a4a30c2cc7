"""Reads a file once, as a stream, and records its chunks. Killed in the middle, it goes on where it was."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

from worker import platforms
from worker.ledger import claims, jobs, planning
from worker.ledger.claims import Claim
from worker.ledger.tables import jobs as jobs_table
from worker.ledger.types import Connection, LedgerError, Row
from worker.processes.process import Process
from worker.runner import again
from worker.runner.again import Load
from worker.runner.giving import give
from worker.runner.stretch import named
from worker.sources.chosen import chosen
from worker.sources.columns import doubts
from worker.sources.cut import cut
from worker.sources.given import NAME, given_source
from worker.sources.identity import Identity
from worker.sources.measure import limits_of
from worker.sources.opening import Interrupted, open_to_plan
from worker.sources.read_back import SourceChanged
from worker.sources.refused import SourceAway, SourceRefused
from worker.sources.repeats import Repeats
from worker.sources.source import Source
from worker.sources.spoken_of import check_columns

FEW, AT_ONCE = 4, 64
LEASE = 60.0
AFTER_AWAY = 30.0
log = logging.getLogger(__name__)


def plan(process: Process, job: Row[Any], wake: Callable[[], object]) -> None:
    """Record all chunks of the job's file. Delivery begins with the first of them, not after the last."""
    taken = process.ledger.write(lambda tx: jobs.claim_planning(tx, job.id, process.owner, LEASE))
    if taken is None:
        return
    held = claims.of(taken)
    try:
        give(process, job.id, partial(_going, process, held))
        with _opened(process, job, held) as source:
            _plan_source(process, taken, held, source, wake)
    except Interrupted:
        process.ledger.write(lambda tx: claims.release(tx, jobs_table, held))
    except SourceAway as error:
        log.warning("job %s can't be planned yet: %s", job.id, error)
        _later(process, job, held, str(error))
    except (SourceChanged, SourceRefused) as error:
        why = str(error)
        process.ledger.write(lambda tx: jobs.stop(tx, job.id, "failed", "job_failed", why=why, error=why))
    except LedgerError:
        raise
    except Exception as error:
        log.exception("job %s could not be planned", job.id)
        why = f"it could not be planned, by a mistake of ours ({type(error).__name__}): the log has it"
        _later(process, job, held, why)


def _later(process: Process, job: Row[Any], held: Claim, why: str) -> None:
    """Tried again, but not for ever."""
    if time.time() > job.give_up_at:
        process.ledger.write(lambda tx: jobs.stop(tx, job.id, "failed", "job_failed", why=why, error=why))
        return
    later = time.time() + AFTER_AWAY
    process.ledger.write(lambda tx: claims.release(tx, jobs_table, held, not_before=later, wake_at=later, why=why))


def _opened(process: Process, job: Row[Any], held: Claim) -> Source:
    if job.source is None:  # rows that were given with an order, some of which go again: each chunk has its own
        return given_source(b"")
    return open_to_plan(named(job), process.settings, partial(_going, process, held))


def _plan_source(process: Process, job: Row[Any], held: Claim, source: Source, wake: Callable[[], object]) -> None:
    _same_file(process, job, held, source)
    with closing(Repeats()) as repeats:
        _look_for_repeats(process, job, held, source, repeats)
        after = process.ledger.read(lambda tx: planning.last_planned(tx, job.id))
        planned_any = after is not None
        for loads in _batches(_loads(process, job, source, after, repeats), AT_ONCE):
            if process.stopping.is_set() or not process.ledger.write(_recording(job, held, loads)):
                raise Interrupted
            if not planned_any:
                wake()
            planned_any = True
    if not planned_any:
        raise SourceRefused(f"{job.source or NAME} holds no rows: nothing was sent.")
    process.ledger.write(lambda tx: jobs.planned(tx, held) and jobs.end_if_done(tx, job.id))


def _look_for_repeats(process: Process, job: Row[Any], held: Claim, source: Source, repeats: Repeats) -> None:
    """Only of the last of equal rows it is known, once the whole file was looked through, that it goes."""
    operation = platforms.operation(job.operation)
    unique = chosen(json.loads(job.options)).unique
    if unique and operation.rows is not None and job.rows_of is None:
        identity = Identity(unique, operation.rows)
        if not repeats.read(source, operation.limits, identity, _now_and_then(partial(_going, process, held))):
            raise Interrupted


def _now_and_then(going: Callable[[], bool]) -> Callable[[], bool]:
    asked = itertools.count()
    return lambda: next(asked) % AT_ONCE != 0 or going()


def _loads(process: Process, job: Row[Any], source: Source, after: Row[Any] | None, repeats: Repeats) -> Iterator[Load]:
    if job.rows_of is not None:
        return again.pieces(process, job, source)
    limits = limits_of(platforms.operation(job.operation), json.loads(job.options), source)
    return ((repeats.marked(piece), None) for piece in cut(source, limits, after=after))


def _same_file(process: Process, job: Row[Any], held: Claim, source: Source) -> None:
    """A file that changed between two sittings of its planning is not the file that was asked for."""
    if job.stamp is None:
        _look_at_names(job, source)
        process.ledger.write(lambda tx: claims.change(tx, jobs_table, held, stamp=source.stamp))
    elif job.stamp != source.stamp:
        raise SourceRefused(
            f"{job.source} was changed while it was being read: nothing further is sent. "
            "Put the file in place whole (write it elsewhere, then rename it), and import it again."
        )


def _look_at_names(job: Row[Any], source: Source) -> None:
    """Fields of which an option speaks have to be there. Columns that are probably misspelt are told: they are names of
    fields, never somebody's data."""
    rows = platforms.operation(job.operation).rows
    if rows is None:
        return
    if source.reader is not None and not source.reader.holds_json:
        check_columns(source.path, source.columns, json.loads(job.options), rows)
    for doubt in doubts(source.path, source.columns, rows):
        log.warning("job %s: %s", job.id, doubt)


def _going(process: Process, held: Claim) -> bool:
    """Whether to go on copying; says that somebody does."""
    return not process.stopping.is_set() and process.ledger.write(lambda tx: _renew(tx, held))


def _renew(tx: Connection, held: Claim) -> bool:
    going = jobs_table.c.state.in_(("planning", "running", "paused"))
    return claims.change(tx, jobs_table, held, going, lease_until=time.time() + LEASE)


def _recording(job: Row[Any], held: Claim, loads: list[Load]) -> Callable[[Connection], bool]:
    pieces, payloads = [piece for piece, _ in loads], [payload for _, payload in loads]

    def work(tx: Connection) -> bool:
        if not _renew(tx, held):
            return False
        planning.plan(tx, job.id, job.account, planning.next_number(tx, job.id), pieces, payloads)
        return True

    return work


def _batches(loads: Iterable[Load], most: int) -> Iterator[list[Load]]:
    """A few at first, so that delivery begins soon; then more and more, up to `most`."""
    stream, size = iter(loads), FEW
    while batch := list(itertools.islice(stream, size)):
        yield batch
        size = min(2 * size, most)
