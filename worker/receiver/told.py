"""What a platform told in one call, taken apart and written down: each thing of it a notice of its own.

What is not understood is quarantined, never refused: whoever called proved who they are, and would not say it again.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from reprlib import Repr
from typing import Any, NamedTuple

from worker.facts.callback import Told, Unread
from worker.housekeeping.alarms import raise_alarm
from worker.ledger import notices
from worker.ledger.troubles import UNREAD
from worker.ledger.types import Connection, NotTaken
from worker.people.people import mark_by
from worker.platforms import Account
from worker.processes.process import Process

DEEPEST = 32
MOST_PIECES = 10_000
MOST_VALUES = 10_000  # of one piece
LONGEST_WHOLE = 40  # digits of a number; a longer one stays a text
LONGEST_SUBJECT = 200
SMALL = 4096  # bytes; a larger call is read in its own thread
TOO_MUCH = "It is nested too deep or has too many values."
SHORT = Repr()  # which stops at a depth, where repr() would run into Python's own limit
SHORT.maxlevel, SHORT.maxstring = DEEPEST, 1 << 16
SHORT.maxlist = SHORT.maxdict = MOST_VALUES
JSON = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) <= LONGEST_WHOLE else digits)
NOT_SHOWN = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")
log = logging.getLogger(__name__)


class Words(NamedTuple):
    """What is written of one call: its notices, and how many of them nobody understands."""

    account: str
    notices: list[dict[str, Any]]
    wrong: int


def keep(process: Process, account: Account, body: bytes, encoding: str = "") -> None:
    """Write all of it down in one transaction. When this comes back it is on disk; else it raises."""
    reading = partial(_words, process, process.secret, account)
    read: Callable[[], Words] = lambda: reading(_pieces(account, body, encoding))  # noqa: E731 - one of two
    if len(body) > SMALL:
        words = read()
        read = lambda: words  # noqa: E731 - the other one
    try:
        wrong = process.ledger.join(_joint, read)
    except NotTaken:  # a value that no check of ours foresaw must not keep the rest from being kept
        wrong = process.ledger.join(_joint, lambda: reading([_whole(body, "The ledger takes no such value.")]))
    if wrong:
        log.error("a callback for %s is not understood: %d of it in quarantine", account.id, wrong)


def tell(process: Process, tx: Connection, account: Account, told: Told) -> bool:
    """Write one thing down that the platform told when it was asked: True when it was not known."""
    known = replace(told, happened_at=_moment(told.happened_at))
    return notices.announce(tx, **_worded(process, process.people.key(tx), account, known))


def read_again(account: Account, content: Any) -> Sequence[Told | Unread]:
    """The same, of what was kept of an earlier call: the text of all of it, or one thing that was in it."""
    assert account.platform.callbacks is not None  # noqa: S101 - whoever asks has looked
    if isinstance(content, str):
        return _pieces(account, content.encode("utf-8", "surrogatepass"), "")
    return [_bounded(piece) for piece in _read(account.platform.callbacks.read, content)]


def _pieces(account: Account, body: bytes, encoding: str) -> Sequence[Told | Unread]:
    assert account.platform.callbacks is not None  # noqa: S101 - its door was mounted from this record
    if encoding.strip().lower() not in ("", "identity"):
        return [_whole(body, "It came encoded, and nothing that comes in is unpacked.")]
    try:
        said = JSON.decode(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        return [_whole(body, f"It is no JSON ({type(error).__name__}).")]
    if isinstance(said, list) and len(said) > MOST_PIECES:
        return [_whole(body, f"It has more than {MOST_PIECES} elements.")]
    return [_bounded(piece) for piece in _read(account.platform.callbacks.read, said)]


def _read(read: Callable[[Any], Sequence[Told | Unread]], said: Any) -> Sequence[Told | Unread]:
    """What lies just less deep than a JSON parser gives up at may be too deep for whoever takes it apart; then each
    element is read alone, so that it keeps none of the others."""
    try:
        return read(said)
    except RecursionError:
        alone = [[one] for one in said] if isinstance(said, list) and len(said) > 1 else []
        return [told for one in alone for told in _read(read, one)] or [Unread(TOO_MUCH, said)]


def _whole(body: bytes, why: str) -> Unread:
    return Unread(why, body.decode("utf-8", "backslashreplace"))


def _bounded(piece: Told | Unread) -> Told | Unread:
    content = piece.content if isinstance(piece, Told) else piece.piece
    if not _fits(content):
        return Unread(TOO_MUCH, SHORT.repr(content)[: 1 << 16])
    if isinstance(piece, Unread):
        return piece
    subject, at = shown(piece.subject), _moment(piece.happened_at)
    as_it_is = (subject, at) == (piece.subject, piece.happened_at)
    return piece if as_it_is else replace(piece, subject=subject, happened_at=at)


def _moment(at: float | None) -> float | None:
    """Never later than now: what a clock that is ahead says would win over all that happens until then."""
    return min(at, time.time()) if at is not None and math.isfinite(at) and at >= 0 else None


def _fits(content: Any) -> bool:
    """Whether it is shallow and small enough for whoever reads it later; found out without recursion."""
    level, seen = [content], 0
    for _ in range(DEEPEST):
        level = [inner for value in level for inner in _inside(value)]
        seen += len(level)
        if not level or seen > MOST_VALUES:
            break
    return not level


def _inside(value: Any) -> Sequence[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()


def shown(subject: str) -> str:
    """An id as every database takes it."""
    return NOT_SHOWN.sub("?", subject)[:LONGEST_SUBJECT]


def _joint(reads: Sequence[Callable[[], Words]]) -> Callable[[Connection], list[int]]:
    """Reads and seals what several calls brought, one after the other in one thread: threads that take turns at it cost
    each other half as much again. How many pieces of each are in quarantine."""
    calls = [read() for read in reads]
    return lambda tx: _all(tx, calls)


def _all(tx: Connection, calls: list[Words]) -> list[int]:
    notices.announce_all(tx, [call.notices for call in calls])
    for account in {call.account for call in calls if call.wrong}:
        told_so = f"A callback for {account} is not understood: `omniworker quarantine list` names it."
        raise_alarm(tx, UNREAD, account, told_so)
    return [call.wrong for call in calls]


def _words(process: Process, key: bytes, account: Account, pieces: Sequence[Told | Unread]) -> Words:
    written = [notices.worded(**_worded(process, key, account, piece)) for piece in pieces]
    return Words(account.id, written, sum(isinstance(piece, Unread) for piece in pieces))


def _worded(process: Process, key: bytes, account: Account, piece: Told | Unread) -> dict[str, Any]:
    """The words of a notice, for `notices.worded`."""
    if isinstance(piece, Unread):
        return _aside(process, key, account, piece)
    return {
        "kind": piece.kind,
        "subject": mark_by(key, account.id, piece.subject) if piece.personal else piece.subject,
        "account": account.id,
        "mark": mark_by(key, account.id, "\0".join((piece.kind, *piece.stable))),
        "content": process.seal.close(piece.content),
        "happened_at": piece.happened_at,
        "urgent": piece.urgent,
    }


def _aside(process: Process, key: bytes, account: Account, piece: Unread) -> dict[str, Any]:
    mark = mark_by(key, account.id, json.dumps(["unread", piece.why, piece.piece]))
    known = {"kind": f"{account.platform.name}.unread", "subject": "", "account": account.id, "mark": mark}
    return known | {"content": process.seal.close(piece.piece), "quarantined": piece.why}
