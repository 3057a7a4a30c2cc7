"""Ids that sort by time and can be read out over the telephone."""

from __future__ import annotations

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def new_id(now: float | None = None) -> str:
    """Sixteen characters: nine of milliseconds, seven at random (35 bits)."""
    milliseconds = int((time.time() if now is None else now) * 1000)
    return _base32(milliseconds, 9)[-9:] + _base32(secrets.randbits(35), 7)


def _base32(number: int, digits: int) -> str:
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(digits)))
