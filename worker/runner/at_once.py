"""A call that can leave at once: its connection stands and its budget is in hand before it is recorded.

So job, ticket, claim and mark are one commit, and its answer is the second. Whatever would have to be waited for is
left to a lane, after the job is recorded: until then the broker is all that has the message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from worker import outage, platforms
from worker.client import Parcel
from worker.errors import Busy, Refused
from worker.ledger import planning
from worker.ledger.claims import of
from worker.ledger.types import Connection, Row
from worker.linking.links import access_of
from worker.operation import Access, NotConnected, Repeat
from worker.orders.order import Order
from worker.people.traces import AT_ONCE
from worker.processes.process import Process
from worker.runner import books, sending
from worker.runner.consignment import Consignment, repeat_of
from worker.runner.opted_out import Seen, heed_call, purpose_of
from worker.runner.wires import wire_of


@dataclass(frozen=True)
class Leaving:
    """A request that may leave as soon as its call is on disk."""

    order: Order
    access: Access = field(repr=False)
    repeat: Repeat
    parcel: Parcel = field(repr=False)
    seen: Seen | None = field(default=None, repr=False)

    @property
    def marked(self) -> bool:
        return self.repeat is Repeat.HARMFUL

    def may_go(self, process: Process, tx: Connection) -> bool:
        """Whether its account's door is open, and nobody whom it depends on opted out since it was made ready."""
        open_ = outage.is_open(tx, self.order.account)
        return open_ and (self.seen is None or self.seen.holds(process, tx))


def ready(process: Process, order: Order) -> Leaving | None:
    """None when it can't leave now, for whatever reason: a lane finds out which, and says so in the ledger."""
    try:
        if not _is_simple(order):
            return None
        account = platforms.account(order.account)
        payload = order.parts[0].payload
        purpose = purpose_of(order.operation, order.options, payload)
        _, heeded = heed_call(process, order.operation, payload, purpose)
        if heeded.changed or order.options.get("unchecked"):
            return None
        wire = wire_of(process, order.operation, account, payload, None, purpose)
        access = access_of(process, order.operation, account)
        parcel = process.client.pack(order.operation, account.platform, access, wire)
        if process.stopping.is_set() or not process.client.is_open(parcel):
            return None
        process.budget.take(order.account, account.pace)
    except (Busy, Refused, NotConnected):
        return None
    return Leaving(order, access, repeat_of(order.operation, payload), parcel, heeded.seen)


def _is_simple(order: Order) -> bool:
    """One request, whose payload is in order. Where the platform wants something handed back, a lane looks for it; so
    it does where the traces of very many people are left first."""
    return (
        len(order.parts) == 1
        and order.parts[0].rows <= AT_ONCE
        and not order.parts[0].refusals
        and order.operation.keeps is None
        and order.steps is None
        and not order.operation.called_back  # it refers to its job, which is not there yet
    )


def send(process: Process, leaving: Leaving, chunk: Row[Any]) -> Row[Any]:
    """Send it and settle it; the chunk as it is then."""
    order = leaving.order
    account = platforms.account(order.account)
    sent = Consignment(
        chunk.job_id,
        order.operation,
        account,
        leaving.access,
        chunk,
        of(chunk),
        lambda: leaving.parcel,
        leaving.repeat,
        payload=order.parts[0].payload,
    )
    result = sending.send(process, sent, leaving.parcel)
    # In the same commit, but kept for the next ones should this one fail.
    process.ledger.later(lambda tx: books.book(process, tx, sent, result))
    return process.ledger.write(lambda tx: planning.of_call(tx, chunk.job_id))
