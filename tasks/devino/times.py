"""Moments: aware where a caller writes them, Devino's own zone where Devino reads them (D14).

Devino writes moments without a zone and doesn't say which one it means; the setting `DEVINO_TIME_ZONE` does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields

from tasks.devino.access import time_zone
from tasks.strict import problem
from worker.errors import Refused
from worker.facts.wire import Sending
from worker.outcome import Refusal

FORM = "Write date, time and offset from UTC, as in 2030-01-31T14:00:00+03:00."
TWICE = Refusal(
    1, "time.ambiguous", "A time falls into the hour that Devino's clocks show twice.", "Choose one outside that hour."
)
DAY = timedelta(days=1)


class Moment(fields.String):
    """With its offset from UTC, as in 2030-01-31T14:00:00+03:00; it goes out by Devino's clock, without fractions.

    Kept as `YYYY-MM-DDTHH:MM:SSZ`.
    """

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        text = super()._deserialize(value, *rest, **more)
        try:
            when = datetime.fromisoformat(text)
            utc = when.astimezone(UTC) if when.tzinfo else None
            _ = utc and (utc - DAY, utc + DAY)  # every zone has to have it too
        except (ValueError, OverflowError):
            raise problem("invalid", "is not a date and time that exists", FORM) from None
        if utc is None:
            raise problem("naive", "does not say its offset from UTC", FORM)
        return f"{utc.isoformat(timespec='seconds')[:19]}Z"


def parsed(moment: str) -> datetime:
    """The moment that `Moment` kept."""
    return datetime.fromisoformat(moment)


def local(moment: str, sending: Sending, separator: str = " ") -> str:
    """The moment in Devino's zone, as it reads it. Refused where its clocks show that time twice."""
    there = parsed(moment).astimezone(time_zone(sending.settings))
    if there.utcoffset() != there.replace(fold=1 - there.fold).utcoffset():
        raise Refused([TWICE], whole=True)
    return there.replace(tzinfo=None).isoformat(separator, "seconds")
