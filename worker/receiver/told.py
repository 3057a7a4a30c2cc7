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
from dataclasses import dataclass, replace
from reprlib import Repr
from typing import Any

from worker.facts.callback import Told, Unread
from worker.housekeeping.alarms import raise_alarm
from worker.ledger import notices
from worker.ledger.troubles import UNREAD
from worker.ledger.types import Connection, NotTaken
from worker.platforms import Account
from worker.processes.process import Process

DEEPEST = 32
MOST_PIECES = 10_000
MOST_VALUES = 10_000  # of one piece
LONGEST_WHOLE = 40  # digits of a number; a longer one stays a text
LONGEST_SUBJECT = 200
TOO_MUCH = "It is nested too deep or has too many values."
SHORT = Repr()  # which stops at a depth, where repr() would run into Python's own limit
SHORT.maxlevel, SHORT.maxstring = DEEPEST, 1 << 16
SHORT.maxlist = SHORT.maxdict = MOST_VALUES
NOT_SHOWN = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """What became of a call: how many notices were new, how many known, how many are in quarantine."""

    new: int = 0
    known: int = 0
    quarantined: int = 0


def keep(process: Process, account: Account, body: bytes, encoding: str = "") -> Kept:
    """Write all of it down in one transaction. When this comes back it is on disk; else it raises."""
    pieces = _pieces(account, body, encoding)
    try:
        kept = process.ledger.write(lambda tx: _keep(process, tx, account, pieces))
    except NotTaken:  # a value that no check of ours foresaw must not keep the rest from being kept
        whole = [_whole(body, "The ledger takes no such value.")]
        kept = process.ledger.write(lambda tx: _keep(process, tx, account, whole))
    if kept.quarantined:
        log.error("a callback for %s is not understood: %d of it in quarantine", account.id, kept.quarantined)
    return kept


def tell(process: Process, tx: Connection, account: Account, told: Told) -> bool:
    """Write one thing down that the platform told when it was asked: True when it was not known."""
    return _announce(process, tx, account, replace(told, happened_at=_moment(told.happened_at)))


def _pieces(account: Account, body: bytes, encoding: str) -> Sequence[Told | Unread]:
    assert account.platform.callbacks is not None  # noqa: S101 - its door was mounted from this record
    if encoding.strip().lower() not in ("", "identity"):
        return [_whole(body, "It came encoded, and nothing that comes in is unpacked.")]
    try:
        said = json.loads(body.decode("utf-8-sig", "replace"), parse_int=_whole_number)
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


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_WHOLE else digits


def _bounded(piece: Told | Unread) -> Told | Unread:
    content = piece.content if isinstance(piece, Told) else piece.piece
    if not _fits(content):
        return Unread(TOO_MUCH, SHORT.repr(content)[: 1 << 16])
    if isinstance(piece, Unread):
        return piece
    return replace(piece, subject=_shown(piece.subject), happened_at=_moment(piece.happened_at))


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


def _shown(subject: str) -> str:
    """An id as every database takes it."""
    return NOT_SHOWN.sub("?", subject)[:LONGEST_SUBJECT]


def _keep(process: Process, tx: Connection, account: Account, pieces: Sequence[Told | Unread]) -> Kept:
    wrong = [piece for piece in pieces if isinstance(piece, Unread)]
    told = [piece for piece in pieces if isinstance(piece, Told)]
    new = sum([_announce(process, tx, account, piece) for piece in told])
    for piece in wrong:
        _set_aside(process, tx, account, piece)
    if wrong:
        told_so = f"A callback for {account.id} is not understood: `omniworker find --quarantined` names it."
        raise_alarm(tx, UNREAD, account.id, told_so)
    return Kept(new, len(told) - new, len(wrong))


def _announce(process: Process, tx: Connection, account: Account, told: Told) -> bool:
    person = process.people.mark(tx, account.id, told.subject) if told.personal else None
    return notices.announce(
        tx,
        told.kind,
        person or told.subject,
        account=account.id,
        mark=process.people.mark(tx, account.id, "\0".join((told.kind, *told.stable))),
        content=process.seal.close(told.content),
        happened_at=told.happened_at,
        urgent=told.urgent,
    )


def _set_aside(process: Process, tx: Connection, account: Account, piece: Unread) -> None:
    content = process.seal.close(piece.piece)
    mark = process.people.mark(tx, account.id, json.dumps(["unread", piece.why, piece.piece]))
    kind = f"{account.platform.name}.unread"
    notices.announce(tx, kind, "", account=account.id, mark=mark, content=content, quarantined=piece.why)
