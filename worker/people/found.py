"""Was it sent? What the ledger and the files it names know of an address, a key, or an id that a platform gave."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from worker import platforms
from worker.ledger import consents, doors, finding, handlings, jobs, messages, outcomes, receipts, reports, watched
from worker.ledger import traces as kept_traces
from worker.ledger.outcomes import Became
from worker.ledger.reports import iso
from worker.ledger.traces import WHOLE
from worker.ledger.types import Connection, Row
from worker.people import in_files, traces
from worker.processes.process import Process
from worker.seal import digest
from worker.settings import SettingsError
from worker.sources.read_back import SourceChanged
from worker.sources.refused import SourceAway, SourceRefused

MOST = 100
MOST_OPENED = 1000  # notices in quarantine, the newest
JSON = dict[str, Any]
Place = tuple[str, int]  # a job, and the number of one of its rows


def known(process: Process, tx: Connection, text: str) -> JSON:
    """All but the files: jobs by key, rows that name it with what became of each, messages, counts of a cascade,
    consent and its receipts."""
    who = traces.hashed(process, tx, text)
    return {
        "jobs": _reports(tx, finding.of_key(tx, text, digest("key", text), [*platforms.operations()], _accounts(tx))),
        "calls": [_line(tx, *place) for place in _again(tx, _places(process, tx, text, who))],
        "messages": [_message(row) for row in _messages(tx, text, who)],
        "cascade": [
            {"account": row.account, "status": row.status, "messages": row.count}
            for row in messages.of_cascade(tx, text)
        ],
        "watched": [watched.facts(row) for row in watched.of_subject(tx, text)],
        "consent": [_standing(row) for row in (consents.of(tx, who) if who else ())],
        "quarantined": list(_quarantined(process, tx, text)),
        "told": [_told(tx, row) for row in (receipts.of(tx, who) if who else ()) if row.account],
    }


def files(process: Process, text: str) -> Iterator[JSON]:
    """The rows of the latest files, or of their sealed copies, that name it; a file that is no longer as it was says
    so."""
    wanted = platforms.consent().same(text)
    if wanted is None:
        return
    for job in process.ledger.read(lambda tx: finding.with_file(tx, MOST)):
        try:
            rows = list(itertools.islice(in_files.rows_naming(process, job, wanted), MOST))
            places = [(job.id, row) for row in rows]
            yield from process.ledger.read(lambda tx, places=places: [_line(tx, *one) for one in places])  # type: ignore[misc]
        except (SourceChanged, SourceRefused, SourceAway, SettingsError, OSError):
            facts = {"job": job.id, "operation": job.operation, "account": job.account, "key": job.key, "row": None}
            yield facts | {"outcome": "its file can't be read any more", "code": None, "reason": None, "at": None}


def _places(process: Process, tx: Connection, text: str, who: str | None) -> list[Place]:
    """Of traces, and of those whom a call changed, which is known for ever."""
    found = [(row.job_id, int(row.row)) for row in (kept_traces.of(tx, who, MOST) if who else ())]
    traced = {job_id for job_id, _ in found}
    changed = finding.of_persons(tx, _marks(process, tx, text), MOST)
    return [*found, *((job_id, WHOLE) for job_id in changed if job_id not in traced)]


def _again(tx: Connection, places: list[Place]) -> Iterator[Place]:
    """Each with the jobs that sent it once more."""
    for job_id, row in dict.fromkeys(places):
        yield job_id, row
        yield from ((later, row) for later in outcomes.sent_again(tx, job_id) if outcomes.of_row(tx, later, row))


def _line(tx: Connection, job_id: str, row: int) -> JSON:
    job = jobs.get(tx, job_id)
    assert job is not None  # noqa: S101 - jobs are never removed
    became = (outcomes.of_row(tx, job_id, row) if row != WHOLE else None) or outcomes.of_job(tx, job)
    facts = {"job": job_id, "operation": job.operation, "account": job.account, "key": job.key, "row": row or None}
    return facts | _written(became)


def _written(became: Became) -> JSON:
    return vars(became) | {"at": None if became.at is None else iso(became.at)}


def _standing(row: Row[Any]) -> JSON:
    facts = {name: getattr(row, name) for name in ("channel", "purpose", "state", "reason")}
    return facts | {"at": iso(row.at), "source": row.source}


def _told(tx: Connection, row: Row[Any]) -> JSON:
    """Where an opt-out went, or why it did not."""
    became = outcomes.of_row(tx, row.job_id, 1) if row.job_id else None
    code = f" ({became.code})" if became and became.code else ""
    answer = f"{became.outcome}{code}" if became else f"not told: {row.note}"
    return {"account": row.account, "channel": row.channel, "answer": answer, "job": row.job_id, "note": row.note}


def _accounts(tx: Connection) -> list[str]:
    """Those there are, and those that were asked once and are gone."""
    return sorted({*platforms.account_ids(), *(door.id for door in doors.all_of(tx))})


def _quarantined(process: Process, tx: Connection, text: str) -> Iterator[JSON]:
    """What names it and nobody understood or could believe: an opt-out may be among it."""
    wanted = platforms.consent().same(text)
    for row in handlings.waiting(tx, MOST_OPENED) if wanted else ():
        if _names(process, row, text, str(wanted)):
            yield {
                "notice": row.id,
                "kind": row.kind,
                "account": row.account,
                "why": row.why,
                "at": iso(row.created_at),
            }


def _names(process: Process, notice: Row[Any], text: str, wanted: str) -> bool:
    try:
        content = process.seal.open(notice.content) if notice.content else None
    except SettingsError:  # its key is gone; the others can be read
        return False
    if isinstance(content, str):  # of what is no JSON nobody knows where an address begins
        return any(one.lower() in content.lower() for one in (text.strip(), wanted))
    return in_files.names(content, wanted)


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
