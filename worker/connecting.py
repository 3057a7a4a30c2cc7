"""Links an account: sends a person to the platform with a state of one use, and exchanges the code that comes back.

A code is exchanged in exactly one try (RFC 6749, 4.1.2: it is good once): where the answer is lost, a person connects
again. Neither state nor code nor token is ever part of a sentence.
"""

from __future__ import annotations

import hmac
import math
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from worker import links
from worker.answers import Answer, Lost, NotSent
from worker.callback import Query
from worker.ledger import keepsakes
from worker.link import Link
from worker.links import Linked
from worker.operation import JSON, NotConnected, Platform
from worker.platforms import Account, account, account_ids
from worker.process import Process
from worker.seal import digest

LASTS = 600.0
NEVER = 10 * 365 * 86400.0  # Omnisend says 2^63 nanoseconds of a token that does not expire
ERROR = re.compile(r"[a-z_]{1,40}")
TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True)
class Ended:
    """How the return of a browser ended: a sentence for whoever sits there, and for the log."""

    well: bool
    sentence: str


@dataclass(frozen=True)
class Asked:
    """What was asked for and came back; `sealed` is how it lies in the ledger, where nobody else can use it now."""

    account: Account
    redirect_uri: str
    scopes: list[str]
    sealed: bytes = field(repr=False)


class _Not(Exception):
    """It did not come to a link; the sentence says why, and what is done about it."""


def path(platform: Platform) -> str:
    """Where the browser comes back to, below the receiver's address."""
    return f"/oauth/{platform.name}/callback"


def can_begin(one: Account) -> bool:
    """Whether the account has what it takes to be linked."""
    try:
        return one.platform.link is not None and one.registered is not None
    except NotConnected:
        return False


def begin(process: Process, one: Account) -> str:
    """The address at which a person agrees, good for 10 minutes and for one return. An earlier one is good no more.
    Raises `NotConnected`."""
    link, own = _link(one), one.registered
    redirect_uri = own.redirect_uri or _own_address(process, one)
    state = secrets.token_urlsafe(32)
    asked = {"state": digest(state), "until": time.time() + LASTS, "redirect_uri": redirect_uri}
    sealed = process.seal.close(asked | {"scopes": list(own.scopes)})
    process.ledger.write(lambda tx: keepsakes.keep(tx, _name(one), sealed))
    query = {"response_type": "code", "client_id": own.client_id, "redirect_uri": redirect_uri}
    query |= {"scope": " ".join(own.scopes), "state": state}
    return f"{own.url}{link.authorize}?{urlencode(query, quote_via=quote, safe='')}"


def ended(process: Process, one: Account) -> Ended | None:
    """How the last return for this account ended; None while there was none since `begin`."""
    sealed = process.ledger.read(lambda tx: keepsakes.get(tx, _name(one)))
    said = process.seal.open(sealed).get("ended") if sealed else None
    return Ended(**said) if said else None


def finish(process: Process, platform: Platform, query: Query) -> Ended:
    """A browser came back with this query: use its state up, then exchange its code."""
    asked = _redeem(process, platform, _single(query, "state"))
    if asked is None:
        return Ended(
            False,
            "This address was used before, is older than 10 minutes, or was not made here. "
            "Run `omniworker accounts connect` once more.",
        )
    try:
        end = Ended(True, _linked(process, asked, query))
    except (_Not, NotConnected) as error:
        again = f"Run `omniworker accounts connect {asked.account.id}` once more."
        end = Ended(False, f"{asked.account.id} was not linked: {error} {again}")
    sealed = process.seal.close({"ended": {"well": end.well, "sentence": end.sentence}})
    process.ledger.write(lambda tx: keepsakes.exchange(tx, _name(asked.account), asked.sealed, sealed))
    return end


def _redeem(process: Process, platform: Platform, state: str | None) -> Asked | None:
    """What this state was made for, if it is good. It is used up in the same transaction, whoever else brings it.
    All states are compared, each in the same time whichever it is."""
    given = digest(state or "")
    found: tuple[Account, JSON, bytes] | None = None
    for one in (account(name) for name in account_ids() if name.startswith(f"{platform.name}/")):
        sealed = process.ledger.read(partial(keepsakes.get, name=_name(one)))
        asked = process.seal.open(sealed) if sealed else {}
        if sealed and hmac.compare_digest(given, asked.get("state", "")) and asked["until"] > time.time():
            found = (one, asked, sealed)
    return None if found is None else _used_up(process, *found)


def _used_up(process: Process, one: Account, asked: JSON, sealed: bytes) -> Asked | None:
    used = process.seal.close({})
    if not process.ledger.write(lambda tx: keepsakes.exchange(tx, _name(one), sealed, used)):
        return None
    return Asked(one, asked["redirect_uri"], asked["scopes"], used)


def _linked(process: Process, asked: Asked, query: Query) -> str:
    """Keep what the platform gives for the code; the sentence about it."""
    one = asked.account
    error, code = _single(query, "error"), _single(query, "code")
    if error is not None:
        raise _Not(f"{one.platform.title} sent the browser back with {_named(error)}.")
    if not code:
        raise _Not(f"{one.platform.title} sent the browser back without a code.")
    linked = _read(one, asked.scopes, _exchange(process, asked, code))
    process.ledger.write(lambda tx: links.keep(process, tx, one.id, linked))
    lacks = f" It was not granted {' '.join(linked.lacks)}: what needs that will be refused." if linked.lacks else ""
    return f"{one.id} is linked.{lacks}"


def _exchange(process: Process, asked: Asked, code: str) -> Answer:
    """Exactly one try. Raises `_Not`."""
    own, title = asked.account.registered, asked.account.platform.title
    fields = {"client_id": own.client_id, "client_secret": own.client_secret, "grant_type": "authorization_code"}
    fields |= {"code": code, "redirect_uri": asked.redirect_uri}
    try:
        return process.client.exchange(f"{own.url}{_link(asked.account).token}", fields)
    except NotSent:
        raise _Not(f"{title} could not be reached, so its code was not exchanged.") from None
    except Lost:
        raise _Not(
            f"the answer of {title} is lost. Its code is good for one try, so it is not sent again, and a token that "
            "was made for it stays unused."
        ) from None


def _read(one: Account, wanted: list[str], answer: Answer) -> Linked:
    """The link that an answer gives. Raises `_Not`."""
    said = _decoded(answer.body)
    token, title = said.get("access_token"), one.platform.title
    if answer.status != 200:
        raise _Not(f"{title} answered {answer.status}, {_named(said.get('error'))}.")
    if not isinstance(token, str) or not TOKEN.fullmatch(token) or str(said.get("token_type")).lower() != "bearer":
        raise _Not(f"{title} answered without a Bearer token.")
    scope, renewal, now = said.get("scope"), said.get("refresh_token"), time.time()
    granted = scope.split() if isinstance(scope, str) else wanted  # RFC 6749, 5.1: left out, it is what was asked for
    lacks = [right for right in wanted if right not in granted]
    until = _until(now, said.get("expires_in"))
    return Linked(token, renewal if isinstance(renewal, str) else None, granted, lacks, now, until)


def _decoded(body: bytes) -> JSON:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _until(now: float, expires_in: Any) -> float | None:
    """None for never: where nothing is said, or more than ten years."""
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return None
    return now + max(0.0, seconds) if math.isfinite(seconds) and seconds <= NEVER else None


def _named(error: Any) -> str:
    """A platform's error where it is one of the words that RFC 6749 has; its other words may hold anything."""
    return f"the error {error}" if isinstance(error, str) and ERROR.fullmatch(error) else "an error that names nothing"


def _single(query: Query, name: str) -> str | None:
    """Of a parameter that stands twice nobody can say which is meant."""
    found = [value for key, value in query if key == name]
    return found[0] if len(found) == 1 else None


def _own_address(process: Process, one: Account) -> str:
    receiver = process.settings.receiver_url
    if receiver is None:
        raise NotConnected(
            f"{one.platform.title} can't be linked: set RECEIVER_PUBLIC_URL, the receiver's address as browsers see it."
        )
    return f"{receiver}{path(one.platform)}"


def _link(one: Account) -> Link:
    if one.platform.link is None:
        raise NotConnected(f"{one.platform.title} knows no links: its accounts are connected by their settings.")
    return one.platform.link


def _name(one: Account) -> str:
    return f"asked/{one.id}"
