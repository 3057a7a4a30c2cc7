"""A source that can't be taken: one error, whose text is the sentence to show."""

from __future__ import annotations


class SourceRefused(Exception):
    """A source that can't be taken; the sentence says what is wrong and what to do. Nothing was sent."""


class SourceAway(Exception):
    """A source that can't be reached now: nothing is wrong with it, and it is tried again."""


def changed(path: str) -> SourceRefused:
    return SourceRefused(
        f"{path} was changed while it was being read: nothing further is sent. "
        "Write it elsewhere, move it into place when it is whole, and import it again."
    )
