"""What platforms told and nobody may follow, in the hands of a person: opened, read again, or dismissed, each with a
receipt of who and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from worker import platforms
from worker.facts.callback import Told, Unread
from worker.ledger import handlings
from worker.ledger.types import Connection, Row
from worker.platforms import Account
from worker.processes.process import Process
from worker.receiver import told

HANDED = "is handed to all that follow it once more"


class Stays(Exception):
    """It stays in quarantine; the sentence says why."""


def opened(process: Process, tx: Connection, notice: Row[Any], by: str) -> Any:
    """The platform's own words. That they were looked at is written down with the look."""
    handlings.write(tx, notice, handlings.OPENED, by)
    return None if notice.content is None else process.seal.open(notice.content)


def released(process: Process, tx: Connection, notice: Row[Any], by: str) -> str:
    """Read it again, as this version reads; what became of it. Raises `Stays`."""
    account = _account(notice)
    if account is None:
        if not handlings.hand_out_anew(tx, notice, by):
            raise Stays("somebody else has dealt with it meanwhile")
        return HANDED
    pieces = told.read_again(account, process.seal.open(notice.content))
    wrong = [one for one in pieces if isinstance(one, Unread)]
    if wrong or not pieces:
        raise Stays(f"is still not understood: {wrong[0].why if wrong else 'nothing is in it.'}")
    read = [_at_its_time(one, notice) for one in pieces if isinstance(one, Told)]
    sentence = _said([(one.kind, told.tell(process, tx, account, one)) for one in read])
    if not handlings.end(tx, notice, handlings.RELEASED, by, sentence):
        raise Stays("somebody else has dealt with it meanwhile")
    return sentence


def _account(notice: Row[Any]) -> Account | None:
    """Whose door it came by; None for what did not come by one. Raises `Stays`."""
    if notice.account is None or notice.content is None:
        return None
    if notice.account not in platforms.account_ids():
        raise Stays(f"came for {notice.account}, an account that is not there any more")
    account = platforms.account(notice.account)
    return account if account.platform.callbacks else None


def _at_its_time(one: Told, notice: Row[Any]) -> Told:
    """What names no time of its own happened when it was told, not when it is read."""
    return one if one.happened_at is not None else replace(one, happened_at=notice.happened_at or notice.created_at)


def _said(became: list[tuple[str, bool]]) -> str:
    """By kind; what was told once more meanwhile is known already."""
    return "is read: " + ", ".join(kind if new else f"{kind} (known already)" for kind, new in became)
