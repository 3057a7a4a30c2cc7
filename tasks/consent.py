"""Who may be written to: address × channel × purpose, one truth for three platforms (design §8). Pure functions.

An older event never wins, ties go to the opt-out, and an opt-in lifts an opt-out only when it is newer and the act of
that person, never an import's or a sync's. What is known of somebody is the latest of each reason, so the same events
lead to the same end in whatever order they arrive. No record is not a no: then the platform's own flag decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from worker.orders.words import MARKETING, PURPOSES, TRANSACTIONAL
from worker.people.consent import Event, Known, Rule, Standing

CHANNELS = EMAIL, SMS, VIBER, PUSH = ("email", "sms", "viber", "push")
# The gravest first. A wish is what a person told somebody who wrote it down.
OPT_OUTS = COMPLAINT, WISH, UNSUBSCRIPTION, BOUNCE = ("complaint", "wish", "unsubscription", "bounce")
OPT_INS = ACT, CLAIM = ("act", "claim")

MAIL = re.compile(r"[^@\s]+@[^@\s]+")
NUMBER = re.compile(r"\+?[\d\s().\-\u2010-\u2015/]{5,40}")
FEWEST_DIGITS = 5


def same(address: str) -> str | None:
    """E-mail addresses trimmed and in small letters, telephone numbers by their digits, anything else (the token of a
    device) trimmed."""
    text = address.strip()
    if "@" in text:
        return text.lower()
    digits = re.sub(r"\D", "", text)
    if NUMBER.fullmatch(text) and len(digits) >= FEWEST_DIGITS:
        return digits
    return text or None


def is_mail(address: str) -> bool:
    """Whether a mail could be sent there, as far as its form tells."""
    return MAIL.fullmatch(address.strip()) is not None


def channels_of(address: str) -> tuple[str, ...]:
    """The channels that an address can be on."""
    found = same(address) or ""
    return (EMAIL,) if "@" in found else (SMS, VIBER) if found.isdigit() else (PUSH,)


def purposes(event: Event) -> tuple[str, ...]:
    """An unsubscription is from marketing: an order confirmation has to arrive. Who complains, or whose address does
    not work, gets nothing; who wants no confirmations wants no marketing; who agrees to marketing agrees to both."""
    if event.reason in (COMPLAINT, BOUNCE):
        return PURPOSES
    wider = TRANSACTIONAL if event.reason in OPT_OUTS else MARKETING
    return PURPOSES if event.purpose == wider else (event.purpose,)


def learn(known: Known, event: Event) -> Known:
    """The latest of each reason; of two at the same moment the one whose source comes last in the alphabet, so that the
    order of arrival never shows."""
    said = [event.at, event.source]
    return {**known, event.reason: max(known.get(event.reason, said), said)}


def standing(known: Known) -> Standing:
    """Out by every opt-out that no later act of the person lifted: the gravest reason, at the time of its latest."""
    lifted_at = known[ACT][0] if ACT in known else float("-inf")
    held = [reason for reason in OPT_OUTS if reason in known and known[reason][0] >= lifted_at]
    reason = (held or [reason for reason in OPT_INS if reason in known])[0]
    return Standing(bool(held), reason, *known[reason])


def stops(reasons: Sequence[str | None]) -> bool:
    """Whether an address is dropped, by the opt-outs on the channels that lead to it. One wish is enough; a number that
    only has no Viber can still have an SMS."""
    found = [reason for reason in reasons if reason is not None]
    return any(reason != BOUNCE for reason in found) or len(found) == len(reasons) > 0


CONSENT = Rule(
    channels=CHANNELS,
    purposes_of_use=PURPOSES,
    opt_outs=OPT_OUTS,
    opt_ins=OPT_INS,
    same=same,
    channels_of=channels_of,
    purposes=purposes,
    learn=learn,
    standing=standing,
    stops=stops,
)
