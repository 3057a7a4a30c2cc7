"""Was it sent? What the ledger and the files it names know of an address, a key or a message."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

from worker import platforms
from worker.ledger import consents, doors, finding, messages, reports, watched
from worker.ledger.reports import iso
from worker.ledger.types import Connection, Row
from worker.people import register
from worker.processes.process import Process
from worker.runner.consignment import source_of
from worker.seal import digest
from worker.settings import SettingsError
from worker.sources.refused import SourceRefused

MOST = 100
JSON = dict[str, Any]
log = logging.getLogger(__name__)


def known(process: Process, tx: Connection, text: str) -> JSON:
    """All but the files: calls by key, calls that changed this person, messages, counts of a cascade, consent."""
    who = _who(process, tx, text)
    return {
        "jobs": _reports(tx, finding.of_key(tx, text, digest("key", text), [*platforms.operations()], _accounts(tx))),
        "calls": _reports(tx, finding.of_persons(tx, _marks(process, tx, text), MOST)),
        "messages": [_message(row) for row in _messages(tx, text, who)],
        "cascade": [
            {"account": row.account, "status": row.status, "messages": row.count}
            for row in messages.of_cascade(tx, text)
        ],
        "watched": [watched.facts(row) for row in watched.of_subject(tx, text)],
        "consent": [
            {
                "channel": row.channel,
                "purpose": row.purpose,
                "state": row.state,
                "reason": row.reason,
                "at": iso(row.at),
            }
            for row in (consents.of(tx, who) if who else ())
        ],
    }


def files(process: Process, text: str) -> Iterator[JSON]:
    """The jobs whose file, or sealed copy of it, holds this text, the latest first; a file that is no longer as it was
    says so."""
    wanted = text.strip().lower().encode()
    for job in process.ledger.read(lambda tx: finding.with_file(tx, MOST)):
        try:
            if _holds(process, job, wanted):
                yield {"job": job.id, "operation": job.operation, "state": job.state, "file": "holds it"}
        except (SourceRefused, SettingsError, OSError):
            yield {"job": job.id, "operation": job.operation, "state": job.state, "file": "can't be read any more"}


def _holds(process: Process, job: Row[Any], wanted: bytes) -> bool:
    chunks = process.ledger.read(lambda tx: finding.stretches(tx, job.id))
    return any(wanted in source_of(process, job, one).read_at(one.offset, one.length).lower() for one in chunks)


def _who(process: Process, tx: Connection, text: str) -> str | None:
    try:
        return register.hashed(process, tx, text)
    except register.NoAddress:
        return None


def _accounts(tx: Connection) -> list[str]:
    """Those there are, and those that were asked once and are gone."""
    return sorted({*platforms.account_ids(), *(door.id for door in doors.all_of(tx))})


def _marks(process: Process, tx: Connection, text: str) -> list[str]:
    """The marks of whoever is called so at any account, in the words of its platform."""
    return [
        process.people.whom(tx, account_id, word)
        for account_id in platforms.account_ids()
        for word in platforms.account(account_id).platform.persons(text.strip())
    ]


def _messages(tx: Connection, text: str, who: str | None) -> list[Row[Any]]:
    by_id = messages.of_id(tx, text)
    return [*by_id, *(messages.of_person(tx, who) if who else ())]


def _message(row: Row[Any]) -> JSON:
    statuses = {status: iso(at) for status, at in sorted(json.loads(row.statuses).items(), key=lambda one: one[1])}
    facts = {"message": row.message, "account": row.account, "status": row.status, "statuses": statuses}
    return facts | {"job": row.job_id, "row": row.row, "cascade": row.cascade, "trigger": row.cascade_trigger}


def _reports(tx: Connection, job_ids: list[str]) -> list[JSON]:
    return [report for job_id in dict.fromkeys(job_ids) if (report := reports.of(tx, job_id)) is not None]
