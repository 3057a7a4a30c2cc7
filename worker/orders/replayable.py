"""Which rows of a job may go again, and the sentences why others may not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from worker import numbers, platforms
from worker.ledger import jobs, mended, planning, replays
from worker.ledger.replays import Share
from worker.ledger.types import Connection, Row
from worker.runner.again import is_whole

REFUSED, SKIPPED = "refused", "skipped"
DROPPED = "dropped"
SHOWN = 12
# Without a word: what was nobody's choice, and may well be taken as it is.
NOT_SENT = {"gave_up", "cancelled", "job_failed"}


class NothingToReplay(Exception):
    """There is no such row in the job, or it must not be sent again; the sentence says why and what to do."""


def meant(job: Row[Any], found: Sequence[Share], only: Sequence[str]) -> list[Share]:
    """The rows that these words mean; without one, those that may go as they are. Raises `NothingToReplay`."""
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


def not_mended(tx: Connection, job: Row[Any], fresh: Sequence[Share]) -> None:
    """Refused rows as they are, of which a mended sheet has sent none. Of a sheet that does not say which it sends, all
    that were refused are meant. Raises `NothingToReplay`."""
    asked = mended.rows_in(tx, job.id, [(one.chunk_id, one.code) for one in fresh if one.refused])
    for one in replays.of(tx, job.id):
        if one.rows_of is None and one.kind == "file":
            _none_twice(job.id, one.id, asked, mended.rows_of(tx, one.id))


def not_twice(tx: Connection, job_id: str, key: str, named: frozenset[int] | None) -> None:
    """A mended sheet, whose rows are these of the job, where it says so. Raises `NothingToReplay`."""
    earlier = replays.of(tx, job_id)
    if any(one.key_hash == key for one in earlier):
        return
    given = replays.shares(tx, job_id) if earlier else []
    for one in earlier:
        its = [(share.chunk_id, share.code) for share in given if share.given_to == one.id and share.refused]
        sent = mended.rows_of(tx, one.id) if one.rows_of is None else mended.rows_in(tx, job_id, its)
        _none_twice(job_id, one.id, named, sent)


def _none_twice(job_id: str, other: str, asked: frozenset[int] | None, sent: frozenset[int] | None) -> None:
    """None: nobody knows which, so it may be any of them."""
    if sent == frozenset():
        return
    if asked is not None and sent is not None:
        both = sorted(asked & sent)
        if not both:
            return
        which = f"Row{'s' if len(both) > 1 else ''} {_few(both)}"
    else:
        which = "Refused rows"
    raise NothingToReplay(
        f"{which} of job {job_id} went again in job {other} already, and what that one delivered would go twice. "
        f"`omniworker jobs refused {job_id} -o rest.csv` writes those that did not go again yet, `omniworker jobs "
        f"refused {other} -o left.csv` what job {other} did not deliver: each is mended and handed to `omniworker jobs "
        "replay` with its own job. --again sends all of them all the same."
    )


def _few(rows: Sequence[int]) -> str:
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    return numbers.written(rows[:SHOWN]).replace(",", ", ") + more


def whole_requests(tx: Connection, job: Row[Any], given: Sequence[Share]) -> list[Share]:
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


def still_there(job: Row[Any]) -> None:
    """Which rows were refused goes with the content, so it would be told of rows that nobody can name any more."""
    if (job.going_since or job.let_go_at) is not None:
        raise NothingToReplay(
            f"Which rows of job {job.id} were not sent is no longer known: RETENTION_DAYS after its end its content "
            f"went. Ask for them anew, or `omniworker jobs replay {job.id} --source FILE` with the rows that are meant."
        )


def no_flow(tx: Connection, job: Row[Any]) -> None:
    if platforms.operation(job.operation).steps is not None:
        steps = ", ".join(f"{one.id} ({one.step})" for one in jobs.steps_of(tx, job.id)) or "none was taken"
        raise NothingToReplay(f"Job {job.id} is made of steps, and would begin anew: replay one of them ({steps}).")
