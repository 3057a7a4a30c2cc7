"""The slot's own date in the name of a file: `subscribers-{date:%Y-%m-%d}.csv`."""

from __future__ import annotations

import datetime as dt
import re

DATE = re.compile(r"\{date:([^{}]+)\}")
BRACES = re.compile(r"[{}]")


def filled(source: str, local: dt.datetime) -> str:
    """`source` with the date of this moment, which is one of the schedule's time zone."""
    return DATE.sub(lambda found: local.strftime(found[1]), source)


def wrong_braces(source: str) -> bool:
    """Whether there is a brace that is not part of a date."""
    return bool(BRACES.search(DATE.sub("", source)))
