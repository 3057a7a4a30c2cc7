"""The hours in which a newsletter may be delivered, by the clocks of a named zone."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """From `since` to `until`, on each day."""

    since: dt.time
    until: dt.time
    zone: dt.tzinfo

    def __str__(self) -> str:
        return f"{self.since:%H:%M} to {self.until:%H:%M} in {self.zone}"

    def holds(self, moment: dt.datetime) -> bool:
        return self.since <= moment.astimezone(self.zone).time() < self.until

    def opens(self, moment: dt.datetime) -> dt.datetime:
        """When it opens next, at this moment or after it; the moment itself while it is open."""
        if self.holds(moment):
            return moment
        today = self._at(moment, self.since)
        return today if today >= moment else self._at(moment.astimezone(self.zone) + DAY, self.since)

    def end(self, moment: dt.datetime) -> dt.datetime:
        """When it closes on that day."""
        return self._at(moment, self.until)

    def _at(self, moment: dt.datetime, hour: dt.time) -> dt.datetime:
        """In UTC: clocks that are changed meanwhile are reckoned with."""
        return dt.datetime.combine(moment.astimezone(self.zone).date(), hour, self.zone).astimezone(dt.UTC)


def window(text: str, zone: dt.tzinfo) -> Window | None:
    """None for what is no window."""
    found = HOURS.fullmatch(text.strip())
    if not found:
        return None
    since, until = (dt.time(int(found[at]), int(found[at + 1])) for at in (1, 3))
    return Window(since, until, zone) if since < until else None
