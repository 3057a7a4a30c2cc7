"""What may not be asked for because of who may be written to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from worker.operation import JSON, Operation
from worker.orders.words import MARKETING, PURPOSES, TRANSACTIONAL
from worker.outcome import Refusal


def off_consent(
    operation: Operation, options: JSON, payloads: Sequence[JSON], told: Mapping[str, str]
) -> Iterator[Refusal]:
    """`payloads` are in order already, `told` is what the account was told that is no secret."""
    yield from _off_purpose(operation, options.get("purpose", MARKETING), payloads, told)
    if options.get("unchecked", True) is not True:
        yield Refusal(1, "options.unchecked", "unchecked is true, or left out.")
    if operation.blind is None or options.get("unchecked"):
        return
    for sentence in dict.fromkeys(filter(None, (operation.blind(payload, told) for payload in payloads))):
        yield Refusal(1, "unchecked", sentence, "Or say options.unchecked: true, and it goes; its report says so.")


def _off_purpose(
    operation: Operation, purpose: object, payloads: Sequence[JSON], told: Mapping[str, str]
) -> Iterator[Refusal]:
    listed = operation.transactional
    if purpose not in PURPOSES:
        yield Refusal(1, "options.purpose", f"purpose is {' or '.join(PURPOSES)}.")
    elif purpose == TRANSACTIONAL and listed is None:
        yield Refusal(1, "options.purpose", f"{operation.name} is never transactional: leave purpose out.")
    elif purpose == TRANSACTIONAL and listed and not all(listed.listed(payload, told) for payload in payloads):
        reason = f"It can't go as transactional: its id does not stand in {listed.setting}."
        yield Refusal(1, "options.purpose", reason, "Add it there, or leave purpose out.")
