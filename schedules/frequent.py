"""What is brought up to date all day long, where a setting names its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schedules.nightly import ZONE
from schedules.schedule import Schedule
from worker.operation import Setting

EVENTS = Setting(
    "FREQUENT_EVENTS",
    "the file, like s3://crm/events-{date:%Y-%m-%d-%H%M}.ndjson, that is imported every quarter of an hour as user "
    "events of Omnisense",
)
SETTINGS = (EVENTS,)
QUARTER = 900.0


def frequent(values: Mapping[str, str]) -> Iterator[Schedule]:
    """Each quarter has a file of its own, so each runs, however late."""
    if source := values.get(EVENTS.name):
        yield Schedule(
            "frequent-events",
            "*/15 * * * *",
            "omnisense.import_user_events",
            time_zone=values[ZONE.name],
            source=source,
            late="each",
            wait=QUARTER,
        )
