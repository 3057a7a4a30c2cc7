"""Whether the file of a slot has come, and whether it is whole: it has stopped growing when two looks find the same."""

from __future__ import annotations

from dataclasses import dataclass

from worker.settings import Settings
from worker.sources.original import open_named
from worker.sources.refused import SourceAway, SourceRefused

STEADY = 5.0  # seconds between two looks at a file that may still be written


@dataclass(frozen=True)
class Found:
    """The file as it is now."""

    size: int
    stamp: str


@dataclass(frozen=True)
class NotThere:
    """Nothing that could be read; `why` is a sentence."""

    why: str


def look(source: str, told: Settings) -> Found | NotThere:
    try:
        with open_named(source, told) as found:
            return Found(found.size, found.stamp)
    except (SourceRefused, SourceAway) as error:
        return NotThere(str(error))


def differs(size: int, before: int | None, within: float | None) -> str | None:
    """Why a file of this size is not what is expected after one of the size `before`; None when it is."""
    if before is None or within is None or abs(size - before) <= before * within / 100:
        return None
    return f"its file has {size:,} bytes and the last one had {before:,}, which differs by more than {within:g} %"
