"""What becomes of a call's payload when it is recorded: checked, fixed, and cut into what each request carries.

A payload that fails its shape is kept as it was asked for, as one part: whoever carries it finds the same reasons, and
they become its outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from worker.checking.check import check_payload
from worker.errors import Refused
from worker.facts.wire import Asked, Steps
from worker.ledger.ids import new_id
from worker.operation import JSON, Operation
from worker.outcome import Refusal


@dataclass(frozen=True)
class Part:
    """The payload of one request. `person` is whom it changes, in the platform's own words."""

    payload: Any = field(repr=False)
    rows: int = 1
    person: str | None = field(default=None, repr=False)
    refusals: tuple[Refusal, ...] = ()

    def stored(self) -> JSON:
        return {"asked" if self.refusals else "checked": self.payload}


def steps_for(operation: Operation, options: JSON) -> Steps | None:
    """How a call goes on that takes several calls; None for one that is a request itself."""
    chosen = (choice.steps for choice in operation.choices if options.get(choice.name))
    return next(chosen, operation.steps)


def parts_of(operation: Operation, payload: Any, *, whole: bool = False) -> Sequence[Part]:
    """One part for each request that the payload takes; `whole` for one whose requests are other calls."""
    body, refusals = check_payload(payload, operation.shape)
    if body is None:
        return [Part(payload, refusals=tuple(refusals))]
    if operation.fix:
        body = operation.fix(body, Asked(datetime.now(UTC), new_id()))
    bodies = operation.split(body, operation.limits) if operation.split and not whole else [body]
    return [_part(operation, one) for one in bodies]


def checked(operation: Operation, stored: JSON) -> JSON:
    """The payload of a part as it may be sent. Raises `Refused` with every reason why it may not."""
    if "checked" in stored:
        body: JSON = stored["checked"]
        return body
    _, refusals = check_payload(stored["asked"], operation.shape)
    raise Refused(list(refusals))


def _part(operation: Operation, body: JSON) -> Part:
    rows = operation.count(body) if operation.count else 1
    return Part(body, rows, operation.person(body) if operation.person else None)
