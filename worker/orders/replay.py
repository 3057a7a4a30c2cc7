"""Sends rows of a job again, as a job of their own: the same rows of the same source, or those of a mended file.

A row is given away once. So a replay that is asked for twice is one job, and two with other words share no row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar, cast

from worker.ledger import givings, jobs, orders, planning, replays
from worker.ledger import mended as mended_rows
from worker.ledger.orders import Asked
from worker.ledger.replays import Share
from worker.ledger.types import Connection, Row
from worker.orders.intake import asked
from worker.orders.order import Order
from worker.orders.replayable import meant, no_flow, not_mended, not_twice, still_there, whole_requests
from worker.processes.process import Process
from worker.runner.giving import give
from worker.seal import digest
from worker.sources.source import Source

BLOCK = 1 << 20
T = TypeVar("T")


class Replayed(NamedTuple):
    """The later job, whether it is new, and how many rows of the first one it was given (None: a file's)."""

    job: Row[Any]
    new: bool
    rows: int | None = None


def same_rows(process: Process, job_id: str, only: Sequence[str], *, again: bool = False) -> Replayed:
    """Send rows of this job again as they are: those with the codes in `only`; `refused` and `skipped` are all of
    them. Raises `NothingToReplay`."""
    made = _seen_and_done(process, job_id, lambda tx: _fresh(tx, job_id, only, again), _begin)
    if made.new:
        give(process, made.job.id)
    return made


def mended(
    process: Process,
    order: Order,
    job_id: str,
    content: str,
    *,
    named: frozenset[int] | None = None,
    again: bool = False,
) -> Replayed:
    """Send the rows of a mended file, whose bytes have the digest `content`, for those that this job refused: for the
    rows `named` of it, where the file says which these are."""
    key = digest("replay", job_id, content, json.dumps(order.options, sort_keys=True))
    wanted = replace(asked(process, order, None), key_hash=key, content_hash=key, replay_of=job_id, source=order.source)

    def record(tx: Connection, _job: Row[Any], _seen: None) -> Replayed:
        child, new = orders.record(tx, wanted)
        if new and named is not None:
            mended_rows.note(tx, child, job_id, named)
        return Replayed(_get(tx, child), new)

    return _seen_and_done(process, job_id, lambda tx: None if again else not_twice(tx, job_id, key, named), record)


def content_of(source: Source) -> str:
    """The digest of all that a source holds."""
    whole = hashlib.sha256()
    source.stream.seek(0)
    for block in iter(lambda: source.stream.read(BLOCK), b""):
        whole.update(block)
    return whole.hexdigest()


def _seen_and_done(
    process: Process,
    job_id: str,
    look: Callable[[Connection], T],
    do: Callable[[Connection, Row[Any], T], Replayed],
) -> Replayed:
    """Look while nobody is kept waiting, then do it with the job locked, unless somebody else asked for a replay in
    between: then all of it anew. What others were promised of the job's rows is given to them first."""

    def seen(tx: Connection) -> tuple[list[str], list[str], T | None]:
        known, promised = _replays(tx, job_id), givings.of(tx, job_id)
        return known, promised, None if promised else look(tx)

    def done(tx: Connection, known: list[str], found: T) -> Replayed | None:
        job = jobs.locked(tx, job_id)
        assert job is not None  # noqa: S101 - whoever asks has seen it
        return do(tx, job, found) if _replays(tx, job_id) == known else None

    while True:
        known, promised, found = process.ledger.read(seen)
        for other in promised:
            give(process, other)
        made = None if promised else process.ledger.write(lambda tx: done(tx, known, cast(T, found)))  # noqa: B023
        if made is not None:
            return made


def _replays(tx: Connection, job_id: str) -> list[str]:
    return [str(one.id) for one in replays.of(tx, job_id)]


def _fresh(tx: Connection, job_id: str, only: Sequence[str], repeat: bool) -> list[Share]:
    """The rows that are meant and were given to nobody; all that are meant, where every one was."""
    job = _get(tx, job_id)
    no_flow(tx, job)
    wanted = meant(job, replays.shares(tx, job_id), only)
    fresh = [one for one in wanted if one.given_to is None]
    if not fresh:
        return wanted
    still_there(job)
    if not repeat and any(one.refused for one in fresh):
        not_mended(tx, job, fresh)
    return whole_requests(tx, job, fresh) if job.kind == "call" else fresh


def _begin(tx: Connection, job: Row[Any], found: list[Share]) -> Replayed:
    if found[0].given_to is not None:
        return Replayed(_get(tx, max(str(one.given_to) for one in found)), False)
    still_there(job)
    child = _record(tx, job)
    if job.kind == "call":
        replays.give(tx, child, found)
        _plan_call(tx, job, child, found)
    else:
        givings.begin(tx, child, job.id, {(one.code, one.refused) for one in found})
    return Replayed(_get(tx, child), True, sum(one.rows for one in found))


def _record(tx: Connection, job: Row[Any]) -> str:
    """A job of its own, with what the first one was told."""
    key = digest("replay", job.id, str(len(replays.of(tx, job.id))))
    copied = ("operation", "account", "kind", "source", "around", "on_unsure", "verified")
    wanted = Asked(
        **{name: getattr(job, name) for name in copied},
        key=None,
        key_hash=key,
        content_hash=key,
        options=json.loads(job.options),
        replay_of=job.id,
        rows_of=job.rows_of or job.id,
    )
    return orders.record(tx, wanted)[0]


def _plan_call(tx: Connection, job: Row[Any], child: str, given: Sequence[Share]) -> None:
    wanted = {one.chunk_id for one in given}
    requests = [one for one in planning.all_of_call(tx, job.id) if one.id in wanted]
    for n, one in enumerate(requests, planning.FIRST_CHUNK):
        planning.add_call(tx, planning.Load(child, job.account, one.payload, n, one.first_row, one.rows, one.person))


def _get(tx: Connection, job_id: str) -> Row[Any]:
    job = jobs.get(tx, job_id)
    assert job is not None  # noqa: S101 - recorded
    return job
