"""Which slots are due, from the wall clock alone: an oracle counts every minute that really passes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest

from schedules.schedule import Schedule
from schedules.slots import between, following, too_late

ZONES = {
    "Europe/Paris": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),  # half an hour
}
CHANGES = [(zone, day) for zone, days in ZONES.items() for day in days]

RULES = ("* * * * *", "*/15 * * * *", "0 * * * *", "30 2 * * *", "0,30 1-3 * * *", "30 2 * * 0")


@dataclass(frozen=True)
class Slot:
    id: int
    slot: int
    asked_by: str | None = None


def rule(cron: str, zone: str = "UTC", **more: object) -> Schedule:
    return Schedule("one", cron, "any", zone, **more)  # type: ignore[arg-type]


def day_of(zone: str, day: str) -> tuple[int, int]:
    """The seconds before noon of the day before, and after noon of the day after."""
    noon = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(12), rule("", zone).zone)
    return int((noon - dt.timedelta(days=1)).timestamp()), int((noon + dt.timedelta(days=1)).timestamp())


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_minute_is_every_minute_that_passes(zone: str, day: str) -> None:
    since, until = day_of(zone, day)
    assert list(between(rule("* * * * *", zone), since, until)) == list(range(since + 60, until + 1, 60))


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("minute", range(0, 60, 15))
@pytest.mark.parametrize("hour", range(4))
def test_a_fixed_time_is_due_once_a_day_whatever_the_clocks_do(zone: str, day: str, hour: int, minute: int) -> None:
    since, until = day_of(zone, day)
    one = rule(f"{minute} {hour} * * *", zone)
    found = list(between(one, since, until))
    assert len(found) == 2, [one.local(slot) for slot in found]
    on_the_day = next(slot for slot in found if f"{one.local(slot):%Y-%m-%d}" == day)
    said = one.local(on_the_day)
    left_out = dt.datetime.combine(said.date(), dt.time(hour, minute), one.zone)
    if left_out == left_out.astimezone(dt.UTC).astimezone(one.zone):
        assert (said.hour, said.minute, said.fold) == (hour, minute, 0)  # the first time, where it comes twice
    else:
        assert (said.hour, said.minute) > (hour, minute)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize(
    "cron", ["* * * * *", "*/15 * * * *", "0 * * * *", "30 2 * * *", "0,30 1-3 * * *", "30 2 * * 0"]
)
def test_looked_at_in_pieces_the_slots_are_the_same(zone: str, day: str, cron: str) -> None:
    since, until = day_of(zone, day)
    one = rule(cron, zone)
    pieces = [slot for at in range(since, until, 420) for slot in between(one, at, min(at + 420, until))]
    assert pieces == list(between(one, since, until))
    assert pieces == sorted(set(pieces))


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_each_hour_has_its_slot_where_the_hour_comes_twice(zone: str, day: str) -> None:
    since, until = day_of(zone, day)
    one = rule("10 * * * *", zone)
    expected = [at for at in range(since, until + 1, 60) if at > since and one.local(at).minute == 10]
    assert list(between(one, since, until)) == expected


def test_the_end_belongs_to_it_and_the_beginning_does_not() -> None:
    assert list(between(rule("* * * * *"), 60, 180)) == [120, 180]
    assert next(following(rule("* * * * *"), 119.9)) == 120


def late(how: str, slots: list[int], now: float, **more: object) -> list[int]:
    due = [Slot(n, slot) for n, slot in enumerate(slots)]
    found = too_late(rule("* * * * *", late=how, grace=100, **more), due, now)
    return [one.slot for missing in found for one in missing.slots]


@pytest.mark.parametrize(
    ("how", "expected"),
    [("skip", [0, 60, 120]), ("once", [0, 60, 120]), ("each", [])],
)
def test_what_is_late_while_a_younger_one_is_not(how: str, expected: list[int]) -> None:
    assert late(how, [0, 60, 120, 180, 240], 250) == expected


@pytest.mark.parametrize(("how", "expected"), [("skip", [0, 60, 120]), ("once", [0, 60]), ("each", [])])
def test_what_is_late_when_all_of_them_are(how: str, expected: list[int]) -> None:
    assert late(how, [0, 60, 120], 10_000) == expected


def test_a_file_may_take_its_time() -> None:
    assert late("skip", [0, 60], 390, wait=300) == []
    assert late("skip", [0, 60], 401, wait=300) == [0]


def test_what_a_person_asked_for_is_never_late() -> None:
    assert too_late(rule("* * * * *", late="skip", grace=0), [Slot(1, 0, "anna")], 10_000) == []
