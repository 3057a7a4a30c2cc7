"""Whether an address can be one of what it is given for, as far as that shows without asking anybody."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return url.startswith(("redis://", "rediss://", "unix://")) and parts.port != 0
    except ValueError:  # a port that is no number
        return False
