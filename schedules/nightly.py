"""What is brought up to date each night, where a setting names its file: people, what they did, contacts; and what is
compared, where a platform lists its people.

Each of the files is an example to copy into SCHEDULES_FILE, where names, times and accounts are one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schedules.hourly import connected, reads
from schedules.schedule import Schedule
from worker.operation import JSON, Setting

TAKES = "the file, like s3://crm/NAME-{date:%Y-%m-%d}.csv, that is imported each night"
ZONE = Setting(
    "SCHEDULES_TIME_ZONE",
    "where the nights of NIGHTLY_… and of comparisons are, and the dates in names of files",
    "UTC",
)
SUBSCRIBERS = Setting("NIGHTLY_SUBSCRIBERS", f"{TAKES} as subscribers of Omnisense, at 01:30; only what has changed")
EVENTS = Setting("NIGHTLY_EVENTS", f"{TAKES} as user events of Omnisense, at 02:30")
CONTACTS = Setting("NIGHTLY_CONTACTS", f"{TAKES} as contacts of Omnisend, at 03:30; only what has changed")
SETTINGS = (ZONE, SUBSCRIBERS, EVENTS, CONTACTS)
CHANGED: JSON = {"changed_only": True, "max_refused": "20%"}
ENTRIES: tuple[tuple[Setting, str, str, str, JSON], ...] = (
    (SUBSCRIBERS, "nightly-subscribers", "30 1 * * *", "omnisense.import_subscribers", CHANGED),
    (EVENTS, "nightly-events", "30 2 * * *", "omnisense.import_user_events", {}),
    (CONTACTS, "nightly-contacts", "30 3 * * *", "omnisend.import_contacts", CHANGED),
)
COMPARED = "50 4 * * *"
HOUR = 3600.0


def nightly(values: Mapping[str, str]) -> Iterator[Schedule]:
    """The file may come up to four hours late and be half as large again; a night that was missed is not made up for
    once a younger one is due."""
    for setting, name, cron, operation, options in ENTRIES:
        if source := values.get(setting.name):
            yield Schedule(
                name,
                cron,
                operation,
                time_zone=values[ZONE.name],
                source=source,
                options=options,
                grace=HOUR,
                wait=4 * HOUR,
                size_within=50.0,
            )


def comparisons(values: Mapping[str, str]) -> Iterator[Schedule]:
    """One for each account that is connected, of every platform that lists its people: at 04:50."""
    for one in connected():
        if one.platform.everybody is not None:
            yield reads(one, one.platform.everybody, "comparison", COMPARED, values[ZONE.name])
