"""Looks at the addresses of a whole chunk at once: no regular expression runs over one of them, and domains are checked
once each by marshmallow's own validator."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from marshmallow import ValidationError
from marshmallow.validate import Email

from worker.checking.pattern import repeated

# The letters of a dot-atom in marshmallow's `Email.USER_REGEX`, as far as they are ASCII, and the dot.
MAILBOX = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-!#$%&'*+/=?^`{}|~_."
# No mailbox is empty, begins or ends with a dot, or has two in a row.
MISPLACED = (b"..", b"\n.", b".\n", b"\n\n")
ALL_BUT_SEPARATORS = bytes(set(range(256)) - set(b"@\n"))
DOMAINS_KEPT = 1 << 16
# The addresses that `are_addresses` takes, as a pattern for cells that lie among others. Where this refuses one, that
# may still take it: a domain with other letters than ASCII's, or an IP address in brackets.
ATOM = b"[%b]++" % re.escape(MAILBOX.replace(b".", b""))
LABEL = rb"(?!-)[a-zA-Z0-9-]{1,63}+(?<!-)\."
ADDRESS = ATOM + repeated(rb"\." + ATOM) + b"@" + repeated(LABEL, b"+") + rb"[a-zA-Z0-9-]{2,}+"


def are_addresses(emails: Sequence[str]) -> bool:
    """Whether marshmallow takes each of them beyond doubt; some of which that can't be said, it takes too."""
    joined = "\n".join(emails).encode()
    if joined.translate(None, ALL_BUT_SEPARATORS) != b"\n".join([b"@"] * len(emails)):
        return False
    parts = joined.replace(b"@", b"\n").split(b"\n")
    mailboxes = b"\n".join(parts[::2])
    if mailboxes.translate(None, MAILBOX) != b"\n" * (len(emails) - 1):
        return False
    framed = b"\n" + mailboxes + b"\n"
    return not any(wrong in framed for wrong in MISPLACED) and all(map(_is_domain, set(parts[1::2])))


@functools.lru_cache(maxsize=DOMAINS_KEPT)
def _is_domain(domain: bytes) -> bool:
    try:
        Email()(f"x@{domain.decode()}")
    except ValidationError:
        return False
    return True
