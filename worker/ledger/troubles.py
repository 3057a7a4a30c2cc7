"""What in the ledger is wrong now and waits for a person: accounts shut, work undecided or paused for long, poison,
files of which too much was refused, notices that nobody could follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from worker.ledger import notices
from worker.ledger.newsletters import newsletters
from worker.ledger.tables import chunks, doors, has_killed, is_file, is_unsure, jobs

LONG = 3600.0
LATELY = 86400.0


class Trouble(NamedTuple):
    """The words of an alarm: what is wrong, with what, and a sentence that says what to do."""

    kind: str
    subject: str
    sentence: str


UNREAD, QUARANTINED, STUCK = "callback.unread", "notice.quarantined", "notice.stuck"
MISSED = "newsletter.missed"
SET_ASIDE = {
    UNREAD: "A callback for {} is not understood",
    QUARANTINED: "What {} told proves nothing, or is in unknown words",
}
KINDS = (
    *("account.closed", "job.undecided", "job.paused", "chunk.poison", "rows.refused"),
    *(UNREAD, QUARANTINED, STUCK, MISSED),
)


def all_of(tx: Connection, now: float, refused_share: float) -> list[Trouble]:
    """Each once; `refused_share` is the part of a file's rows above which it is told."""
    parts = (_doors(tx), _undecided(tx, now), _paused(tx, now), _poison(tx, now), _refused(tx, now, refused_share))
    return [one for part in (*parts, _stuck(tx), _quarantined(tx, now), _missed(tx, now)) for one in part]


def _doors(tx: Connection) -> Iterator[Trouble]:
    shut = select(doors).where(doors.c.state.in_(("closed", "probing", "forbidden")))
    for door in tx.execute(shut):
        sentence = f"{door.id} is {door.state}: {door.why or 'it does not answer'}. See `omniworker accounts list`."
        yield Trouble("account.closed", door.id, sentence)


def _undecided(tx: Connection, now: float) -> Iterator[Trouble]:
    old = select(chunks.c.job_id).where(is_unsure, chunks.c.sent_at < now - LONG).distinct()
    for job_id in tx.execute(old).scalars():
        sentence = "Requests whose answer was lost wait for a person for more than an hour: "
        yield Trouble("job.undecided", job_id, sentence + f"`omniworker jobs unsure {job_id}`.")


def _paused(tx: Connection, now: float) -> Iterator[Trouble]:
    old = select(jobs.c.id).where(jobs.c.state == "paused", jobs.c.paused_at < now - LONG)
    for job_id in tx.execute(old).scalars():
        sentence = f"A job is paused for more than an hour: `omniworker jobs show {job_id}` says why."
        yield Trouble("job.paused", job_id, sentence)


def _poison(tx: Connection, now: float) -> Iterator[Trouble]:
    lately = (has_killed, chunks.c.settled_at > now - LATELY, chunks.c.refused_by.like('%"poison"%'))
    for job_id in sorted(set(tx.execute(select(chunks.c.job_id).where(*lately)).scalars())):
        sentence = f"Rows killed the process that sent them, and were refused: `omniworker jobs refused {job_id}`."
        yield Trouble("chunk.poison", job_id, sentence)


def _refused(tx: Connection, now: float, share: float) -> Iterator[Trouble]:
    """Of the last file that each operation delivered for each account in a day."""
    # Spelled so that they are found by their end: nearly all jobs are finished.
    whole = jobs.c.state.not_in(("cancelled", "failed"))
    ended = (
        select(jobs.c.id, jobs.c.operation, jobs.c.account)
        .where(is_file, jobs.c.finished_at > now - LATELY, whole)
        .order_by(jobs.c.finished_at)
    )
    last = {(job.operation, job.account): job.id for job in tx.execute(ended)}
    sums = (func.sum(chunks.c.refused).label("refused"), func.sum(chunks.c.rows).label("rows"))
    found = select(jobs.c.id, jobs.c.operation, jobs.c.account, *sums).join(chunks, chunks.c.job_id == jobs.c.id)
    found = found.where(jobs.c.id.in_(last.values())).group_by(jobs.c.id)
    for row in tx.execute(found):
        if row.refused > share * row.rows:
            sentence = f"{row.refused:,} of {row.rows:,} rows of job {row.id} were refused: "
            sentence += f"`omniworker jobs refused {row.id}` names them."
            yield Trouble("rows.refused", f"{row.operation} {row.account}", sentence)


def _stuck(tx: Connection) -> Iterator[Trouble]:
    for row in notices.stuck(tx):
        sentence = (
            f"What follows {row.kind} fails on {row.many:,} notices, again and again: the workers' log says why. "
        )
        yield Trouble(STUCK, row.kind, sentence + "They are tried until it succeeds; nothing of them is lost.")


def _quarantined(tx: Connection, now: float) -> Iterator[Trouble]:
    """Told for a day. One that could not even be read was told when it came."""
    found = {(_of_quarantine(row.kind), row.account or row.kind) for row in notices.set_aside(tx, now - LATELY)}
    for kind, whose in sorted(found):
        what = SET_ASIDE[kind].format(whose)
        yield Trouble(kind, whose, f"{what}: `omniworker quarantine list` names it.")


def _missed(tx: Connection, now: float) -> Iterator[Trouble]:
    """Told for a day after its time."""
    lately = (newsletters.c.state == "missed", newsletters.c.expires_at > now - LATELY)
    for row in tx.execute(select(newsletters).where(*lately)):
        sentence = f"Newsletter {row.name} was not sent: {row.why}. If it is still wanted, plan it anew."
        yield Trouble(MISSED, row.id, sentence)


def _of_quarantine(kind: str) -> str:
    return UNREAD if kind.endswith(".unread") else QUARANTINED
