"""Counts with their shares, and on a terminal with bars as wide as it has room for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping

from worker.cli import show

WIDEST, NARROWEST = 40, 4
BETWEEN = 2


def chart(counts: Mapping[str, int]) -> str:
    """A line for each count that is not zero; the bars, where there are any, are as long as their share of the
    largest."""
    some = {name: n for name, n in counts.items() if n}
    if not some:
        return ""
    whole, most = sum(some.values()), max(some.values())
    lines = show.columns([(f"  {name}", n, _share(n, whole)) for name, n in some.items()], right=[1, 2]).splitlines()
    room = _room(max(map(len, lines)))
    bars = [_letter() * max(1, round(room * n / most)) if room else "" for n in some.values()]
    return "\n".join(f"{line}{' ' * BETWEEN}{bar}".rstrip() for line, bar in zip(lines, bars, strict=True))


def _share(n: int, whole: int) -> str:
    """No share of something is nothing, and none of less than all is all."""
    share = min(max(round(100 * n / whole), 1), 99 if n < whole else 100)
    return f"{share} %"


def _room(used: int) -> int:
    """The longest bar; 0 where there is no terminal, or hardly any room in it."""
    if not sys.stdout.isatty():
        return 0
    left = shutil.get_terminal_size().columns - used - BETWEEN - 1
    return min(WIDEST, left) if left >= NARROWEST else 0


def _letter() -> str:
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return "#"
    return "█"
