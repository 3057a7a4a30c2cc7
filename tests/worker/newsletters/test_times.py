"""When a newsletter is told, delivered, and no longer sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from worker.newsletters.document import Document, WrongDocument
from worker.newsletters.times import times

NOW = dt.datetime(2026, 11, 26, 18, 0, tzinfo=dt.UTC)


def letter(**said: Any) -> Document:
    return Document("tonight", "omnisense.send_newsletter", ["a@b.example"], {}, **said)


def at(hour: int, minute: int = 0, day: int = 26) -> float:
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=dt.UTC).timestamp()


def test_without_a_moment_it_goes_when_it_is_approved() -> None:
    found = times(letter(), NOW, 10, True)
    assert (found.sends, found.expires, found.deliver) == (NOW.timestamp(), None, None)


def test_a_platform_that_waits_itself_is_told_before_and_nothing_leaves_after() -> None:
    found = times(letter(deliver_at=dt.datetime(2026, 11, 26, 20, 0), time_zone="UTC"), NOW, 60, True)
    assert (found.sends, found.expires) == (at(19, 44), at(20))


def test_one_that_delivers_at_once_is_told_at_that_moment_and_for_a_while_after() -> None:
    said = letter(deliver_at=dt.datetime(2026, 11, 26, 20, 0), time_zone="UTC", expires_after=30)
    found = times(said, NOW, 60, False)
    assert (found.sends, found.expires) == (at(20), at(20, 30))


def test_clocks_of_the_zone_count_also_where_they_were_just_changed() -> None:
    found = times(letter(deliver_at=dt.datetime(2026, 11, 26, 20, 0), time_zone="Europe/Paris"), NOW, 0, False)
    assert found.sends == at(19)
    summer = times(letter(deliver_at=dt.datetime(2027, 3, 28, 9, 0), time_zone="Europe/Paris"), NOW, 0, False)
    assert summer.sends == dt.datetime(2027, 3, 28, 7, 0, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(("hour", "day"), [(20, 26), (18, 27), (3, 27)])
def test_an_hour_alone_is_the_next_time_that_leaves_room(hour: int, day: int) -> None:
    found = times(letter(deliver_at=dt.time(hour), time_zone="UTC"), NOW, 0, True)
    assert found.deliver is not None
    assert (found.deliver.hour, found.deliver.day) == (hour, day)


@pytest.mark.parametrize(
    ("minutes", "sentence"),
    [(-5, "has passed"), (10, "less than 15 minutes ahead"), (14, "less than 15 minutes ahead")],
)
def test_a_moment_that_can_not_be_kept_is_refused(minutes: int, sentence: str) -> None:
    with pytest.raises(WrongDocument, match=sentence):
        times(letter(deliver_at=NOW + dt.timedelta(minutes=minutes)), NOW, 0, True)


def test_a_shorter_lead_is_the_writers_own_word() -> None:
    assert times(letter(deliver_at=NOW + dt.timedelta(minutes=5), lead=2), NOW, 0, True).sends == at(18, 3)
