"""Asks for what goes on at a platform, one at a time and few a look, within the account's budget and past its door; its
counters are kept, and its end is announced once."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from worker.checking.check import check_payload
from worker.errors import Busy, Forbidden, Refused
from worker.facts.watched import Seen, Watched
from worker.ledger import claims, notices, planning, watched
from worker.ledger.types import Connection, Row
from worker.linking.links import access_of
from worker.operation import JSON, NotConnected, Reading, Repeat
from worker.platforms import Account, account, account_ids, operation, platforms
from worker.processes.process import Process
from worker.runner import asking
from worker.runner.books import Result
from worker.runner.consignment import Question
from worker.runner.wires import wire_of
from worker.settings import SettingsError

LEASE = 90.0
A_LOOK = 3
AWAY = 300.0
log = logging.getLogger(__name__)


def watch(process: Process) -> None:
    """Take up what was made since the last look, and ask for those that are due."""
    for account_id in account_ids():
        facts = platforms()[account_id.partition("/")[0]].watched
        if facts is not None:
            _take_up(process, account_id, facts)
    for _ in range(A_LOOK):
        row = process.ledger.write(lambda tx: watched.claim(tx, process.owner, LEASE))
        if row is None or process.stopping.is_set():
            return
        _look(process, row)


def _take_up(process: Process, account_id: str, facts: Watched) -> None:
    for job in process.ledger.read(lambda tx: watched.made(tx, account_id, facts.made_by)):
        try:
            process.ledger.write(partial(_begin, process, facts, job))
        except SettingsError as error:  # its answer is sealed with a key that is gone; the others are not
            log.error("what job %s made is not watched: %s", job.id, error)


def _begin(process: Process, facts: Watched, job: Row[Any], tx: Connection) -> None:
    for chunk in planning.all_of_call(tx, job.id):
        subject = facts.subject(process.seal.open(chunk.answer)) if chunk.answer else None
        if subject is not None:
            watched.begin(tx, job, subject)


def _look(process: Process, row: Row[Any]) -> None:
    try:
        one = account(row.account)
        facts = one.platform.watched
        result = _asked(process, one, facts, row.subject) if facts else None
    except (Busy, Forbidden, NotConnected, SettingsError) as error:
        log.info("%s of %s could not be asked for: %s", row.subject, row.account, error)
        result, facts = None, None
    if isinstance(result, Refused):
        process.ledger.write(lambda tx: watched.gone(tx, claims.of(row)))
        return
    seen = facts.read(result.answer) if facts and isinstance(result, Reading) else None
    if facts is None or seen is None:
        process.ledger.write(lambda tx: watched.not_seen(tx, row, max(AWAY, watched.wait(row.same))))
        return
    process.ledger.write(lambda tx: _book(process, tx, row, facts, seen))


def _asked(process: Process, one: Account, facts: Watched, subject: str) -> Result:
    asked = operation(facts.operation)
    payload, refusals = check_payload(facts.payload(subject), asked.shape)
    if payload is None:
        return Refused(refusals, whole=True)
    wire = wire_of(process, asked, one, payload, None)
    access = access_of(process, asked, one)
    pack = partial(process.client.pack, asked, one.platform, access, wire)
    return asking.ask(process, Question(asked, one, access, Repeat.SAFE, pack))


def _book(process: Process, tx: Connection, row: Row[Any], facts: Watched, seen: Seen) -> None:
    if not watched.seen(tx, row, seen) or not seen.ended:
        return
    content: JSON = {"id": row.subject, "state": seen.state, "counters": dict(seen.counters)}
    mark = process.people.mark(tx, row.account, f"{facts.kind}\0{row.subject}")
    sealed = process.seal.close(content)
    notices.announce(tx, facts.kind, row.subject, account=row.account, mark=mark, content=sealed)
