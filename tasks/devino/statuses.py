"""In which state a message is, of all the statuses that were told of it, in whatever order they came.

Source: Devino Telecom, "OMNI", "Possible statuses" (platforms.md 2.8). It promises no order, so the state follows from
the set alone: what a person did outweighs that it arrived, which outweighs that it did not.
"""

from __future__ import annotations

from collections.abc import Collection

# The weightiest last. A status that no document names outweighs `unknown` alone.
WEIGHTS = (
    *("unknown", "", "canceled", "deleted", "rejected", "expired", "undeliverable", "bounced"),
    *("delivered", "opened", "clicked", "subscribed", "unsubscribed", "complained"),
)


def final(statuses: Collection[str]) -> str:
    """Of two that weigh the same, both named by no document, the last of the alphabet."""
    return max(statuses, key=lambda status: (_weight(status), status))


def _weight(status: str) -> int:
    return WEIGHTS.index(status) if status in WEIGHTS else WEIGHTS.index("")
