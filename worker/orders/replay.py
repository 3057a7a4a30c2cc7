"""Sends rows of a job again, as a job of their own: the same rows of the same source, or those of a mended file.

A row is given away once. So a replay that is asked for twice is one job, and two with other words share no row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from worker import platforms
from worker.ledger import jobs, orders, planning, replays
from worker.ledger.orders import Asked
from worker.ledger.replays import Share
from worker.ledger.types import Connection, Row
from worker.orders.intake import asked
from worker.orders.order import Order
from worker.processes.process import Process
from worker.runner.again import is_whole
from worker.seal import digest
from worker.sources.source import Source

REFUSED, SKIPPED = "refused", "skipped"
DROPPED = "dropped"
# Without a word: what was nobody's choice, and may well be taken as it is.
NOT_SENT = {"gave_up", "cancelled", "job_failed"}
BLOCK = 1 << 20


class NothingToReplay(Exception):
    """There is no such row in the job, or it must not be sent again; the sentence says why and what to do."""


class Replayed(NamedTuple):
    """The later job, whether it is new, and how many rows of the first one it was given (None: a file's)."""

    job: Row[Any]
    new: bool
    rows: int | None = None


def same_rows(process: Process, job_id: str, only: Sequence[str], *, again: bool = False) -> Replayed:
    """Send rows of this job again as they are: those with the codes in `only`; `refused` and `skipped` are all of
    them. Raises `NothingToReplay`."""
    return process.ledger.write(lambda tx: _same_rows(tx, job_id, only, again))


def mended(process: Process, order: Order, job_id: str, content: str, *, again: bool = False) -> Replayed:
    """Send the rows of a mended file, whose bytes have the digest `content`, for those that this job refused."""
    key = digest("replay", job_id, content, json.dumps(order.options, sort_keys=True))
    wanted = replace(asked(process, order, None), key_hash=key, content_hash=key, replay_of=job_id, source=order.source)

    def work(tx: Connection) -> Replayed:
        jobs.locked(tx, job_id)
        if not again:
            _not_twice(tx, job_id, key)
        child, new = orders.record(tx, wanted)
        return Replayed(_get(tx, child), new)

    return process.ledger.write(work)


def content_of(source: Source) -> str:
    """The digest of all that a source holds."""
    whole = hashlib.sha256()
    source.stream.seek(0)
    for block in iter(lambda: source.stream.read(BLOCK), b""):
        whole.update(block)
    return whole.hexdigest()


def _same_rows(tx: Connection, job_id: str, only: Sequence[str], repeat: bool) -> Replayed:
    job = jobs.locked(tx, job_id)
    assert job is not None  # noqa: S101 - whoever asks has seen it
    _no_flow(tx, job)
    found = replays.shares(tx, job_id)
    wanted = _wanted(job, found, only)
    fresh = [one for one in wanted if one.given_to is None]
    if not fresh:
        return Replayed(_get(tx, max(str(one.given_to) for one in wanted)), False)
    _still_there(job)
    if not repeat and any(one.refused for one in fresh):
        _not_mended(tx, job)
    if job.kind == "call":
        fresh = _whole_requests(tx, job, fresh)
    child = _record(tx, job, fresh)
    return Replayed(_get(tx, child), True, sum(one.rows for one in fresh))


def _wanted(job: Row[Any], found: Sequence[Share], only: Sequence[str]) -> list[Share]:
    known = {one.code for one in found} | {REFUSED, SKIPPED}
    for word in only:
        if word not in known:
            raise NothingToReplay(f"Job {job.id} has no rows of {word!r}: {_codes(found)}.")
    wanted = [one for one in found if (_is_meant(one, only) if only else _by_itself(job, one))]
    if wanted:
        return wanted
    if any(one.refused for one in found):
        raise NothingToReplay(
            f"What job {job.id} did not send was refused by our own check, and would be again: "
            f"`omniworker jobs refused {job.id} -o refused.csv`, mend it there, then "
            f"`omniworker jobs replay {job.id} --source refused.csv`. Or name codes with --only: {_codes(found)}."
        )
    raise NothingToReplay(f"Nothing of job {job.id} is left to send again: {_codes(found)}.")


def _is_meant(one: Share, only: Sequence[str]) -> bool:
    """What somebody gave up may have been sent: it goes by its own name alone."""
    return one.code in only or (one.code != DROPPED and (REFUSED if one.refused else SKIPPED) in only)


def _by_itself(job: Row[Any], one: Share) -> bool:
    """Whether the row may be taken as it is: it was not sent, or it was the platform that refused it."""
    platform = job.account.partition("/")[0]
    return one.code in NOT_SENT or (one.refused and one.code.startswith((f"{platform}.", "answer.")))


def _codes(found: Sequence[Share]) -> str:
    names = sorted({one.code for one in found})
    return f"its codes are {', '.join(names)}" if names else "every row that ended was accepted, or is not alone"


def _not_mended(tx: Connection, job: Row[Any]) -> None:
    """The rows of a mended file are, as far as anybody knows, those that were refused."""
    for one in replays.of(tx, job.id):
        if one.rows_of is None and one.kind == "file":
            raise NothingToReplay(_twice(job.id, one.id))


def _not_twice(tx: Connection, job_id: str, key: str) -> None:
    earlier = replays.of(tx, job_id)
    if any(one.key_hash == key for one in earlier):
        return
    given = {one.given_to for one in replays.shares(tx, job_id) if one.refused}
    for one in earlier:
        if one.rows_of is None or one.id in given:
            raise NothingToReplay(_twice(job_id, one.id))


def _twice(job_id: str, other: str) -> str:
    return (
        f"Refused rows of job {job_id} were sent again by job {other} already, and what that one delivered would go "
        f"twice: `omniworker jobs refused {other} -o refused.csv` shows what is left, and `omniworker jobs replay "
        f"{other}` goes on from there. --again sends them all the same."
    )


def _record(tx: Connection, job: Row[Any], given: Sequence[Share]) -> str:
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
    child, _ = orders.record(tx, wanted)
    replays.give(tx, child, job.id, given)
    if job.kind == "call":
        _plan_call(tx, job, child, given)
    return child


def _whole_requests(tx: Connection, job: Row[Any], given: Sequence[Share]) -> list[Share]:
    """Of the requests of a call those that nobody took a row of: each goes again as it was."""
    codes: dict[int, set[str]] = {}
    for one in given:
        codes.setdefault(one.chunk_id, set()).add(one.code)
    requests = planning.all_of_call(tx, job.id)
    whole = {one.id for one in requests if one.payload is not None and is_whole(one, codes.get(one.id, set()))}
    found = [one for one in given if one.chunk_id in whole]
    if not found:
        raise NothingToReplay(
            f"Only some rows of the call {job.id} were not taken: ask for these in a call of their own."
        )
    return found


def _plan_call(tx: Connection, job: Row[Any], child: str, given: Sequence[Share]) -> None:
    wanted = {one.chunk_id for one in given}
    requests = [one for one in planning.all_of_call(tx, job.id) if one.id in wanted]
    for n, one in enumerate(requests, planning.FIRST_CHUNK):
        planning.add_call(tx, planning.Load(child, job.account, one.payload, n, one.first_row, one.rows, one.person))


def _still_there(job: Row[Any]) -> None:
    """Which rows were refused goes with the content, so it would be told of rows that nobody can name any more."""
    if (job.going_since or job.let_go_at) is not None:
        raise NothingToReplay(
            f"Which rows of job {job.id} were not sent is no longer known: RETENTION_DAYS after its end its content "
            f"went. Ask for them anew, or `omniworker jobs replay {job.id} --source FILE` with the rows that are meant."
        )


def _no_flow(tx: Connection, job: Row[Any]) -> None:
    if platforms.operation(job.operation).steps is not None:
        steps = ", ".join(f"{one.id} ({one.step})" for one in jobs.steps_of(tx, job.id)) or "none was taken"
        raise NothingToReplay(f"Job {job.id} is made of steps, and would begin anew: replay one of them ({steps}).")


def _get(tx: Connection, job_id: str) -> Row[Any]:
    job = jobs.get(tx, job_id)
    assert job is not None  # noqa: S101 - recorded
    return job
