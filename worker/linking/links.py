"""The links of accounts: what a platform gave when a person agreed, kept sealed, until the platform takes it back."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from worker.errors import Forbidden
from worker.housekeeping.alarms import end_alarm, raise_alarm
from worker.ledger import agenda, keepsakes
from worker.ledger.types import Connection
from worker.operation import Access, NotConnected, Operation
from worker.platforms import Account
from worker.processes.process import Process

ALARM = "link.broken"


@dataclass(frozen=True)
class Linked:
    """`lacks` are the rights that were wanted and not granted; `until` is None where the token does not expire;
    `broken` says in a clause why it is no longer taken. `renewal` is kept, though no document says how it is used."""

    token: str = field(repr=False)
    renewal: str | None = field(repr=False)
    granted: list[str]
    lacks: list[str]
    since: float
    until: float | None
    state: str = "linked"
    broken: str | None = None

    def told(self) -> dict[str, Any]:
        """What may be shown of it."""
        state = "expired" if self.state == "linked" and self.is_over else self.state
        shown = {name: value for name, value in asdict(self).items() if name not in ("token", "renewal")}
        return shown | {"state": state}

    @property
    def is_over(self) -> bool:
        return self.until is not None and self.until <= time.time()


def get(process: Process, tx: Connection, account: str) -> Linked | None:
    sealed = keepsakes.get(tx, _name(account))
    return None if sealed is None else Linked(**process.seal.open(sealed))


def keep(process: Process, tx: Connection, account: str, linked: Linked) -> None:
    """From now on; what waited for it is due."""
    keepsakes.keep(tx, _name(account), process.seal.close(asdict(linked)))
    end_alarm(tx, ALARM, account)
    agenda.bring_forward(tx, account)


def broke(process: Process, tx: Connection, account: Account, access: Access, said: Forbidden) -> None:
    """The platform no longer takes the token of this way in. One that was given since stays as it is."""
    before = keepsakes.get(tx, _name(account.id))
    if before is None:
        return
    linked = Linked(**process.seal.open(before))
    if linked.state != "linked" or linked.token not in access.credentials.values():
        return
    broken = replace(linked, state=said.link or "revoked", broken=str(said))
    if keepsakes.exchange(tx, _name(account.id), before, process.seal.close(asdict(broken))):
        raise_alarm(tx, ALARM, account.id, f"{said}. Run `omniworker accounts connect {account.id}`.")


def demand(account: Account, linked: Linked | None) -> Linked:
    """Raises `NotConnected` with the sentence how to connect, unless the link can be used."""
    again = f"run `omniworker accounts connect {account.id}`"
    if linked is None:
        raise NotConnected(f"{account.id} is not linked, and this operation needs that: {again}.")
    if linked.broken:
        raise NotConnected(f"The link of {account.id} is {linked.state} ({linked.broken}): {again}.")
    if linked.is_over:
        raise NotConnected(f"The link of {account.id} has expired: {again}.")
    return linked


def missing(process: Process, tx: Connection, operation: Operation, account: Account) -> str | None:
    """Why this operation can't go by the account's link, and how to connect; None where it can, or goes by keys."""
    if not account.by_link(operation):
        return None
    try:
        demand(account, get(process, tx, account.id))
    except NotConnected as error:
        return str(error)
    return None


def access_of(process: Process, operation: Operation, account: Account) -> Access:
    """The way in that this operation takes. Raises `NotConnected`."""
    if not account.by_link(operation):
        return account.access
    linked = demand(account, process.ledger.read(lambda tx: get(process, tx, account.id)))
    return account.linked(linked.token)


def _name(account: str) -> str:
    return f"link/{account}"
