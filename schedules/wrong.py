"""Everything that is wrong with a schedule, before its first slot."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

from cronsim import CronSimError

from schedules.dates import filled, wrong_braces
from schedules.schedule import Schedule
from schedules.slots import following
from worker.newsletters import document
from worker.newsletters.document import WrongDocument
from worker.newsletters.plan import campaign_of
from worker.orders.order import place, read_order
from worker.platforms import UnknownOperation, operation
from worker.runner.results import Refused
from worker.sources.wanted import OptionWrong, wanted

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
# A platform that is not connected yet is no mistake in a schedule: its slots are missed, and say so.
SAID_BY_A_FILE = ("operation", "payload", "source", "account", "options", "then", "on_error")
NO_MISTAKE = ("not_connected",)


def mistakes_of(schedule: Schedule) -> list[str]:
    """A sentence for each mistake."""
    found = [*_of_name(schedule.name), *_of_zone(schedule.time_zone)]
    what = _of_newsletter if schedule.newsletter is not None else _of_order
    return [*found, *_of_file(schedule), *([] if found else [*_of_cron(schedule), *what(schedule)])]


def _of_name(name: str) -> Iterator[str]:
    if not NAME.fullmatch(name):
        yield "a schedule's name is at most 60 small letters, digits, - and _."


def _of_zone(time_zone: str) -> Iterator[str]:
    try:
        wanted({"time_zone": time_zone})
    except OptionWrong as error:
        yield f"time_zone: {error}"


def _of_cron(schedule: Schedule) -> Iterator[str]:
    if len(schedule.cron.split()) != 5:
        yield 'cron has five fields: minute, hour, day of the month, month, day of the week, like "30 2 * * 1-5".'
        return
    try:
        next(following(schedule, time.time()))
    except CronSimError as error:
        yield f"cron can't be read: {error}."
    except StopIteration:
        yield "cron names a day that never comes."


def _of_file(schedule: Schedule) -> Iterator[str]:
    if schedule.source is not None and wrong_braces(schedule.source):
        yield "source has a brace that is no date: write {date:%Y-%m-%d}."
    if schedule.source is None and (schedule.size_within is not None or (schedule.wait and not schedule.newsletter)):
        yield "wait and size_within are about a file: name its source, or leave them out."
    if schedule.source is not None and schedule.payload is not None:
        yield "it has both a payload and a source: a call takes the one, a file the other."
    if schedule.source is None and (schedule.then or schedule.on_error):
        yield "then and on_error are for a file: name its source, or leave them out."


def _of_newsletter(schedule: Schedule) -> Iterator[str]:
    """Of what its slots would plan. The file has to be there already; its people are looked at when it is planned."""
    others = [name for name in SAID_BY_A_FILE if getattr(schedule, name)]
    if others:
        yield f"a newsletter's file says everything itself: leave out {', '.join(others)}."
    try:
        campaign_of(document.read(Path(place(str(schedule.newsletter)))))
    except (OSError, UnknownOperation, WrongDocument) as error:
        yield f"newsletter: {' '.join(str(error).split())}"


def _of_order(schedule: Schedule) -> Iterator[str]:
    if not schedule.operation:
        yield "operation is missing; or name the file of a newsletter."
        return
    words = schedule.words(int(time.time()))
    if schedule.source is not None:
        words["source"] = place(filled(schedule.source, schedule.local(time.time())))
    try:
        order = read_order(operation(schedule.operation), words)
        if order.kind == "call":
            yield from (f"payload: {one.reason}" for one in order.parts[0].refusals)
    except UnknownOperation as error:
        yield str(error)
    except Refused as error:
        if error.code not in NO_MISTAKE:
            yield from error.reasons
