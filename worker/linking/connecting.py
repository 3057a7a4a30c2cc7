"""Links an account: sends a person to the platform with a state of one use, and exchanges the code that comes back.

A code is exchanged in exactly one try (RFC 6749, 4.1.2: it is good once): where the answer is lost, a person connects
again. Neither state nor code nor token is ever part of a sentence.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field
from functools import partial

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from worker.facts.callback import Query
from worker.facts.link import Link
from worker.ledger import keepsakes
from worker.linking import links
from worker.linking.granted import NotGranted, granted, named
from worker.operation import JSON, NotConnected, Platform
from worker.platforms import Account, account, account_ids
from worker.processes.process import Process
from worker.seal import digest

LASTS = 600.0


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
    address = prepare_grant_uri(f"{own.url}{link.authorize}", own.client_id, "code", redirect_uri, own.scopes, state)
    return str(address).replace("+", "%20")  # a space, as the document writes it; a plus is %2B here


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
    except (NotGranted, NotConnected) as error:
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
        raise NotGranted(f"{one.platform.title} sent the browser back with {named(error)}.")
    if not code:
        raise NotGranted(f"{one.platform.title} sent the browser back without a code.")
    linked = granted(process, _link(one), one, (asked.redirect_uri, asked.scopes), code)
    process.ledger.write(lambda tx: links.keep(process, tx, one.id, linked))
    lacks = f" It was not granted {' '.join(linked.lacks)}: what needs that will be refused." if linked.lacks else ""
    return f"{one.id} is linked.{lacks}"


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
