"""Asks platforms what came of rows that they took and tell of later (design §6, `awaiting`).

What was told is written row by row; rows that were not done go again, and nothing but them. A request whose answer was
lost is looked for first; it goes again where the platform has nothing of it. Asking costs budget like anything else,
so it takes at most half of it: the more requests of a job are awaited, the more rarely each is asked about.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, TypeVar

from worker import numbers, platforms
from worker.answers import without_addresses
from worker.errors import Busy, Down, Forbidden, Refused, Unsure
from worker.facts.wire import Later, Sorted, Taken, Wire
from worker.ledger import claims, fingerprints, jobs, looking, parting, refusing
from worker.ledger.types import Connection, Row
from worker.linking.links import access_of
from worker.operation import JSON, NotConnected, Operation, Reading, Repeat
from worker.outcome import Outcome, Refusal
from worker.platforms import Account
from worker.processes.process import Process
from worker.runner import asking, awaiting, books
from worker.runner.consignment import Question
from worker.runner.unchanged import Print, remembered
from worker.runner.went import prints_again, rows_again
from worker.settings import SettingsError
from worker.sources.read_back import SourceChanged
from worker.sources.refused import SourceRefused

AGAIN = 30.0
LEASE = 300.0
LONGEST_REASON = 300
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Awaited:
    """One request that the platform has still to tell of."""

    process: Process
    job: Row[Any]
    chunk: Row[Any]
    operation: Operation
    later: Later

    @cached_property
    def account(self) -> Account:
        """Raises `NotConnected` or `SettingsError` where this process lacks what it was told when they were sent."""
        return platforms.account(self.job.account)

    @cached_property
    def went(self) -> list[int]:
        return numbers.read(self.chunk.went or "")

    @property
    def taken(self) -> Taken:
        sent_at = datetime.fromtimestamp(self.chunk.sent_at, UTC)
        return Taken(self.chunk.receipt, sent_at, len(self.went), self.chunk.looks, self._rows)

    def _rows(self) -> Sequence[JSON]:
        return rows_again(self.process, self.job, self.chunk, self.went)

    def prints(self) -> Sequence[Print]:
        return prints_again(self.process, self.job, self.chunk, self.went)


def run(process: Process, job: Row[Any]) -> None:
    """Ask about every request of this job that is due."""
    operation = platforms.operation(job.operation)
    if operation.later is None:
        return
    while not (process.stopping.is_set() or process.slots.wanted(job.account)):
        chunk = process.ledger.write(lambda tx: looking.claim_awaiting(tx, job.id, process.owner, LEASE))
        if chunk is None:
            return
        one = Awaited(process, job, chunk, operation, operation.later)
        process.ledger.write(_asked(one))


def _asked(one: Awaited) -> Callable[[Connection], None]:
    """One look; what is to be written of it. A mistake of ours is no answer: it is looked at again."""
    try:
        if one.chunk.receipt is None:
            return partial(_found, one=one, receipt=_talk(one, one.later.find(one.taken)))
        said = _talk(one, one.later.told(one.taken))
        known = one.prints() if said is not None else ()
        return partial(_told, one=one, said=said, prints=known)
    except (Unsure, SourceChanged, SourceRefused) as lost:
        return partial(_left_to_a_person, one=one, why=str(lost))
    except (Busy, Down, Forbidden, NotConnected, Refused, SettingsError) as error:
        result: Exception = error
    except Exception as error:
        log.exception("what came of chunk %s of job %s could not be asked", one.chunk.n, one.job.id)
        result = Down(f"our own mistake: {type(error).__name__}")
    return partial(_not_told, one=one, result=result)


def _talk(one: Awaited, talk: Generator[Wire, JSON, T]) -> T:
    """Ask question after question, until the platform's part of it knows. Raises what came instead of an answer."""
    try:
        wire = next(talk)
        while True:
            result = asking.ask(one.process, _question(one, wire))
            if isinstance(result, Reading):
                wire = talk.send(result.answer or {})
            elif isinstance(result, Refused):
                wire = talk.throw(result)
            else:
                raise result
    except StopIteration as end:
        found: T = end.value
        return found
    finally:
        talk.close()


def _question(one: Awaited, wire: Wire) -> Question:
    asked = replace(wire, method=wire.method or "GET")
    client, account = one.process.client, one.account
    access = access_of(one.process, one.operation, account)
    pack = partial(client.pack, one.operation, account.platform, access, asked)
    return Question(one.operation, account, access, Repeat.SAFE, pack)


def _found(tx: Connection, one: Awaited, receipt: str | None) -> None:
    """The request whose answer was lost is there; or is looked for once more; or goes again."""
    held = claims.of(one.chunk)
    if receipt is not None:
        looking.take(tx, held, receipt, 0.0, "the platform took it: its answer was lost, and it was found")
    elif one.chunk.looks + 1 < one.later.looks:
        looking.look_up(tx, held, one.later.first, "the platform does not know it yet", looked=True)
    else:
        log.info("chunk %s of job %s is not known to the platform: it goes once more", one.chunk.n, one.job.id)
        looking.not_taken(tx, held, "the platform does not know it: it was not taken")


def _told(tx: Connection, one: Awaited, said: Sorted | None, prints: Sequence[Print]) -> None:
    if said is None:
        why = "the platform took it, and has not done all of it yet"
        wait = awaiting.wait(tx, one.job.id, one.later, one.account.pace, one.chunk.looks + 1)
        if time.time() > one.job.give_up_at:
            _left_to_a_person(tx, one, f"{why}, in all the time that the job allows")
        else:
            looking.look_up(tx, claims.of(one.chunk), wait, why, looked=True)
        return
    came, again = _sorted(tx, one, said)
    if parting.part(tx, one.chunk, came, again):
        _remember(tx, came, again, prints)
    jobs.look_at(tx, one.job.id)
    jobs.end_if_done(tx, one.job.id)


def _sorted(tx: Connection, one: Awaited, said: Sorted) -> tuple[Outcome, parting.Again]:
    """What came of the rows that are settled now, those refused before they went among them; and what goes again."""
    chunk, went, tries = one.chunk, one.went, one.chunk.tries + 1
    by_us = refusing.named_in(tx, chunk.id)
    named = [_named(went[refusal.row - 1], refusal) for refusal in said.refused]
    left = [went[place - 1] for place in said.again]
    if tries >= books.TRIES:
        named, left = [*named, *(replace(books.GAVE_UP_TRYING, row=number) for number in left)], []
    by = Counter(json.loads(chunk.refused_by or "{}")) + Counter(refusal.code for refusal in named)
    came = Outcome(
        accepted=len(went) - len(named) - len(left),
        refused=chunk.refused + len(named),
        skipped=chunk.skipped,
        refused_by=dict(by),
        skipped_by=json.loads(chunk.skipped_by or "{}"),
        refusals=(*by_us, *named),
    )
    why = "the platform took these rows and did not get to them, or had trouble of its own"
    return came, parting.Again([left] if left else [], books.backoff(tries), tries, why)


def _named(number: int, refusal: Refusal) -> Refusal:
    return replace(refusal, row=number, reason=without_addresses(refusal.reason)[:LONGEST_REASON])


def _remember(tx: Connection, came: Outcome, again: parting.Again, prints: Sequence[Print]) -> None:
    beside = {one.row for one in came.refusals} | {number for group in again.groups for number in group}
    fingerprints.remember(tx, remembered(prints, beside))


def _left_to_a_person(tx: Connection, one: Awaited, why: str) -> None:
    jobs.locked(tx, one.job.id)  # before the chunk, as whoever stops it does
    looking.leave_to_a_person(tx, claims.of(one.chunk), why)
    jobs.end_if_done(tx, one.job.id)


def _not_told(tx: Connection, one: Awaited, result: Exception) -> None:
    if time.time() > one.job.give_up_at:
        _left_to_a_person(tx, one, f"the platform could not be asked what came of it ({result})")
        return
    wait = getattr(result, "wait", None) or AGAIN
    looking.look_up(tx, claims.of(one.chunk), wait, f"the platform is asked again ({result})")
