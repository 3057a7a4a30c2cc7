"""How a newsletter goes: one request for all who have the same variables, as many as fit; never after its time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from tasks.omnisense.access import TRANSACTIONAL
from tasks.omnisense.recipients import address, by_variables
from tasks.omnisense.shapes import KEYS
from tasks.strict import JSON
from worker.errors import Refused
from worker.facts.wire import Sending, Wire
from worker.operation import Limits
from worker.orders.words import TRANSACTIONAL as TRANSACTIONAL_PURPOSE
from worker.outcome import Refusal
from worker.people.consent import Addressed, Transactional, Way

PATH = "/newsletter"
COMMA = 1


ADDRESSED = Addressed(
    ways=lambda one: [Way(address(one), ("email",))],
    without=lambda _one, _off: None,
    note="It went to fewer addresses than it has.",
    key="emails",
)
LISTED = Transactional(
    setting=TRANSACTIONAL,
    id=lambda payload: payload["newsletter"]["newsletter_template_id"],
    said=lambda payload: bool(payload["newsletter"].get("is_transactional")),
)


def split(payload: JSON, limits: Limits) -> list[JSON]:
    """One payload a request: each holds whom one hash of variables serves, none more than `limits`."""
    letter = payload["newsletter"]
    groups = by_variables(payload["emails"], letter.get("variables", {}))
    return [
        request for variables, emails in groups for request in _requests(_filled(letter, variables), emails, limits)
    ]


def count(payload: JSON) -> int:
    return len(payload["emails"])


def compose(payload: JSON, sending: Sending) -> Wire:
    """`is_transactional` is false unless said, or asked for by its purpose. Refused: what should have left before now
    (`too_late`), and what may go past an opt-out without its template being listed for that (`not_transactional`)."""
    letter = {"is_transactional": sending.purpose == TRANSACTIONAL_PURPOSE, **payload["newsletter"]}
    if _is_over(letter.get("delivery_time"), sending.at):
        raise _refused(
            "too_late", "Its delivery_time has passed.", "Send it again with a later one, or without for at once."
        )
    if letter["is_transactional"] and not LISTED.listed(payload, sending.settings):
        raise _refused(
            "not_transactional",
            "is_transactional goes past an opt-out, and its template is not one of those that may.",
            f"Leave it out, or add the template's id to {TRANSACTIONAL}.",
        )
    return Wire(PATH, body={"newsletter": letter, "emails": payload["emails"]})


def _filled(letter: JSON, variables: JSON) -> JSON:
    return {**letter, "variables": variables} if variables else letter


def _requests(letter: JSON, emails: list[str], limits: Limits) -> Iterator[JSON]:
    room = limits.bytes - KEYS - len(msgspec.json.encode({"newsletter": letter, "emails": []}))
    for some in _pieces(emails, limits.rows, room):
        yield {"newsletter": letter, "emails": some}


def _pieces(emails: list[str], most: int, room: int) -> Iterator[list[str]]:
    """At least one each, then as many as `most` and the bytes of `room` allow."""
    piece: list[str] = []
    left = room
    for email in emails:
        size = len(msgspec.json.encode(email)) + COMMA
        if piece and (size > left or len(piece) == most):
            yield piece
            piece, left = [], room
        piece.append(email)
        left -= size
    yield piece


def _is_over(delivery_time: str | None, now: datetime) -> bool:
    return delivery_time is not None and datetime.fromisoformat(delivery_time) < now


def _refused(code: str, reason: str, advice: str) -> Refused:
    return Refused([Refusal(1, code, reason, advice)], whole=True)
