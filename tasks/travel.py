"""An opt-out travels: every other platform that is connected is told, ahead of all other work (design §8).

Devino has no request for it; there the worker drops the address before it sends. What we wrote to a platform ourselves
and see come back does not travel again, and opt-ins never do. The platform that tells of it is told only when we may
have said otherwise there before we knew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tasks.consent import BOUNCE
from tasks.omnisend import opt_out as omnisend
from tasks.omnisense import opt_out as omnisense
from tasks.strict import JSON
from worker import platforms
from worker.ledger import consents, jobs, notices, receipts, under_way
from worker.ledger.consents import Place
from worker.ledger.receipts import Told
from worker.ledger.types import Connection, Row
from worker.operation import NotConnected
from worker.orders.intake import record
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.settings import SettingsError

ONCE_MORE = "consent.once_more"
CLOCKS_DIFFER, HOUR = 60.0, 3600.0
SAY_SO = ("omnisend.save_contact", "omnisend.update_contact", "omnisense.save_subscriber")


@dataclass(frozen=True)
class Way:
    """How a platform is told: the operation, and its payload for an address of a channel at a moment."""

    operation: str
    payload: Callable[[str, str, datetime], JSON | None]


WAYS = {
    "omnisense": Way(omnisense.OPERATION, omnisense.payload),
    "omnisend": Way(omnisend.OPERATION, omnisend.payload),
}
NO_REQUEST = "it has no request for that; the address is dropped before anything is sent"
NO_CHANNEL = "it knows no opt-out on this channel"
TOLD_US = "it told of this itself"
STAYS_HERE = "a bounce stops sending here, and travels only with BOUNCES_TRAVEL=1"
# Why a platform is told twice.
UNDER_WAY = "once more, for requests to it were under way when the opt-out came, and could undo it"
LATER_DATE = "once more, for what went to it since the opt-out happened has the later date there"
CAME_BACK = "we wrote it to the platform that tells of it now"


def tell_all(process: Process, tx: Connection, number: int) -> list[Row[Any]]:
    """Record the calls that tell every other platform of a change, with a receipt each; those that were recorded
    before, when it is asked again."""
    change = receipts.get(tx, number)
    if change is None or not _holds(tx, change):
        return []
    if not receipts.told_of(tx, number):
        came_back = _came_back(tx, change)
        for account in platforms.account_ids():
            _tell(process, tx, change, account, CAME_BACK if came_back else None)
    told = [one.job_id for one in receipts.told_of(tx, number) if one.job_id]
    return [job for job in (jobs.get(tx, one) for one in told) if job is not None]


def tell_again(process: Process, tx: Connection, number: int, account: str, why: str) -> Row[Any] | None:
    """The same once more, when what was on its way to the platform then has ended: dated with the moment at which the
    opt-out was stored, for all that was asked for before. Its receipt says why."""
    change = receipts.get(tx, number)
    if change is None or not _holds(tx, change):
        return None
    payload = _payload(process, tx, change, account, change.written_at)
    return None if payload is None else _call(process, tx, change, account, payload, "again", why)


def _holds(tx: Connection, change: Row[Any]) -> bool:
    now = consents.at(tx, Place(change.who, change.channel, change.purpose))
    return now is not None and now.state == "out"


def _tell(process: Process, tx: Connection, change: Row[Any], account: str, note: str | None) -> None:
    stays = note or _why_not(process, change, account)
    payload = None if stays else _payload(process, tx, change, account, change.at)
    if stays or payload is None:
        receipts.tell(tx, change, Told(account, note=stays or NO_CHANNEL))
    else:
        _call(process, tx, change, account, payload, "first")
    if payload is not None or (stays == TOLD_US and _may_tell(process, tx, change, account)):
        _see_to_it(process, tx, change, account)


def _may_tell(process: Process, tx: Connection, change: Row[Any], account: str) -> bool:
    """Of the platform that told us: what we said of the person since then may have undone it there."""
    return _no_way(process, change, account) is None and _payload(process, tx, change, account, change.at) is not None


def _see_to_it(process: Process, tx: Connection, change: Row[Any], account: str) -> None:
    """Have it told once more when all that may say otherwise has ended."""
    held = under_way.to(tx, account, None if account != change.source else SAY_SO)
    if held or _said_otherwise(tx, change, account):
        why = UNDER_WAY if held else LATER_DATE
        content = process.seal.close({"account": account, "held": held, "why": why})
        notices.announce(tx, ONCE_MORE, str(change.id), content=content)


def _said_otherwise(tx: Connection, change: Row[Any], account: str) -> bool:
    """Whether rows of a file went there since it happened, or calls before it was known here: theirs is the later date,
    and nobody meant it against this. Of an event that is older than an hour, calls are taken at their word."""
    operations = SAY_SO if change.written_at - change.at < HOUR else ()
    since = change.at - (CLOCKS_DIFFER if account == change.source else 0)
    return under_way.rows_went(tx, account, since, time.time(), operations)


def _call(
    process: Process,
    tx: Connection,
    change: Row[Any],
    account: str,
    payload: JSON,
    which: str,
    note: str | None = None,
) -> Row[Any] | None:
    platform, _, name = account.partition("/")
    words = {"payload": payload, "account": name, "key": f"omniworker:opt-out:{change.id}:{which}"}
    order = replace(read_order(platforms.operation(WAYS[platform].operation), words), urgent=True)
    recorded = record(process, tx, order, None)
    if recorded.new:
        receipts.tell(tx, change, Told(account, recorded.job_id, note))
    return jobs.get(tx, recorded.job_id)


def _payload(process: Process, tx: Connection, change: Row[Any], account: str, at: float) -> JSON | None:
    row = consents.at(tx, Place(change.who, change.channel, change.purpose))
    assert row is not None  # noqa: S101 - its receipt was written with it
    way = WAYS[account.partition("/")[0]]
    return way.payload(change.channel, process.seal.open(row.address), datetime.fromtimestamp(at, UTC))


def _why_not(process: Process, change: Row[Any], account: str) -> str | None:
    return TOLD_US if account == change.source else _no_way(process, change, account)


def _no_way(process: Process, change: Row[Any], account: str) -> str | None:
    if account.partition("/")[0] not in WAYS:
        return NO_REQUEST
    if change.reason == BOUNCE and not process.settings.bounces_travel:
        return STAYS_HERE
    return _not_connected(account)


def _not_connected(account: str) -> str | None:
    try:
        platforms.account(account).access  # noqa: B018 - raises where a setting is missing
    except (NotConnected, SettingsError) as error:
        return str(error)
    return None


def _came_back(tx: Connection, change: Row[Any]) -> bool:
    """Whether the platform that tells of it was told by us at that very time."""
    return any(
        one.written_at - CLOCKS_DIFFER <= change.at <= (one.finished_at or time.time()) + CLOCKS_DIFFER
        for one in _written_to(tx, change)
    )


def _written_to(tx: Connection, change: Row[Any]) -> Iterator[Row[Any]]:
    for one in receipts.of(tx, change.who):
        if one.job_id and one.account == change.source and one.channel == change.channel:
            yield one
