"""`POST /newsletter`: the newsletter itself, and those whom it reaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.answer import Refusal
from sandbox.omnisense.values import DELIVERY, is_address, is_moment, plain_hash
from sandbox.strict import JSON, known, mapping

CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "newsletter_template_id": (lambda v: type(v) is int, "an integer"),
    "sender_profile_id": (lambda v: type(v) is int, "an integer"),
    "title": (lambda v: isinstance(v, str), "a string"),
    "delivery_time": (lambda v: is_moment(v, DELIVERY), "an ISO 8601 date"),
    "is_transactional": (lambda v: isinstance(v, bool), "a boolean"),
    "variables": (lambda v: isinstance(v, dict), "a hash"),
}


def newsletter(value: Any) -> JSON:
    """The `newsletter` hash. The document calls none of its fields mandatory."""
    content = mapping(value, "newsletter")
    known(content, CHECKS.keys(), "newsletter")
    for name, given in content.items():
        good, right = CHECKS[name]
        if not good(given):
            raise Refusal(422, f"{name} has to be {right}.", f"newsletter.{name}")
    plain_hash(content, "variables", "newsletter.")
    return content


def emails(value: Any) -> list[str]:
    """Addresses, as often as they stand there."""
    if not isinstance(value, list) or not value:
        raise Refusal(422, "emails has to be an array of strings.", "emails")
    for place, email in enumerate(value):
        if not is_address(email):
            raise Refusal(422, "Each of emails has to be an address.", f"emails[{place}]")
    return value


def mail(content: JSON, email: str) -> JSON:
    """What one person gets, as it is counted."""
    return {"newsletter": content, "email": email}
