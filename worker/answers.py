"""What an answer means: the table of design §6, which wins over every other text.

A request that never left is not sent. One whose answer nobody can read is unsure where a repeat is harmful, and
simply down where it is safe.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from worker.errors import Busy, Down, Forbidden, Refused, Unsure
from worker.operation import Operation, Platform, Reading, Repeat, Unreadable
from worker.outcome import Refusal

LONGEST_WAIT = 900.0
DEFAULT_WAIT = 5.0
KEYS_WRONG = {401, 403}
NOT_A_NO = {408, 425, 429}
ADDRESS = re.compile(r"[^\s\"'<>@]+@[^\s\"'<>@]+|\+?\d[\d ()-]{6,}\d")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, complete. `seconds` is how long it took."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float = 0.0


class NotSent(Exception):
    """No connection was made: the request surely never left."""


class Lost(Exception):
    """The request may have left, and no complete answer came back."""


def lost(why: str, repeat: Repeat) -> Exception:
    """What a lost answer means: harmful ones are never repeated in silence."""
    return Unsure(why) if repeat is Repeat.HARMFUL else Down(why)


def meaning(operation: Operation, platform: Platform, repeat: Repeat, answer: Answer) -> Reading:
    """The platform's yes; or one of the five errors is raised."""
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Busy(retry_after(answer) or DEFAULT_WAIT, "the platform answered 429")
    if status == HTTPStatus.SERVICE_UNAVAILABLE and (wait := retry_after(answer)) is not None:
        raise Busy(wait, "the platform answered 503 and when to come back")
    if status in KEYS_WRONG:
        raise _not_let_in(operation, platform, status)
    if 200 <= status < 300 or (400 <= status < 500 and status not in NOT_A_NO):
        return _words(operation, platform, repeat, answer)
    raise lost(f"the platform answered {status}", repeat)


def _not_let_in(operation: Operation, platform: Platform, status: int) -> Forbidden:
    if platform.link is None or operation.auth != platform.link.auth:
        why = f"{platform.title} answered {status}: the keys of this account are not accepted"
        return Forbidden(why, "Set the right keys, start the workers anew")
    if status == HTTPStatus.UNAUTHORIZED:
        return Forbidden(f"{platform.title} answered 401: it no longer takes the token", link="revoked")
    return Forbidden(f"{platform.title} answered {status}: what was granted is not enough", link="too small")


def _words(operation: Operation, platform: Platform, repeat: Repeat, answer: Answer) -> Reading:
    try:
        reading = platform.read(operation, answer.status, answer.headers, answer.body)
    except Unreadable as error:
        if answer.status >= 400:
            raise Refused([_refusal(Reading(False, f"answer.{answer.status}"), answer.status)], whole=True) from None
        raise lost(str(error), repeat) from None
    if reading.closes:
        why = f"{platform.title} refused the account itself: {without_addresses(reading.reason)[:300] or reading.code}"
        raise Forbidden(why, "Put the account in order at the platform")
    if reading.passing:
        raise Down(f"{platform.title} says that it is its own trouble ({reading.code})")
    if not reading.accepted or answer.status >= 400:
        raise Refused([_refusal(reading, answer.status)], whole=True)
    return reading


def _refusal(reading: Reading, status: int) -> Refusal:
    """One refusal for the whole request, with the platform's reason and nobody's address."""
    reason = f"The platform refused the request with status {status}"
    said = without_addresses(reading.reason)[:300]
    return Refusal(
        1, reading.code, f"{reason}: {said}" if said else f"{reason}.", "Mend the rows, then send them again."
    )


def without_addresses(text: str) -> str:
    """E-mail addresses and telephone numbers of a platform's sentence become dots."""
    return ADDRESS.sub("…", text)


def retry_after(answer: Answer) -> float | None:
    """Seconds, from either form of the header, at most 15 min; None when there is none that can be read."""
    text = next((value for key, value in answer.headers.items() if key.lower() == "retry-after"), "").strip()
    if re.fullmatch(r"\d{1,18}", text):
        return min(float(text), LONGEST_WAIT)
    seconds = _until(text)
    return None if seconds is None else min(max(0.0, seconds), LONGEST_WAIT)


def _until(text: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    now = dt.datetime.now(dt.UTC)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return (aware - now).total_seconds()
