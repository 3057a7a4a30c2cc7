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


def test_without_any_lead_there_is_time_to_tell_the_platform() -> None:
    soon = letter(deliver_at=NOW + dt.timedelta(minutes=5), lead=0)
    assert times(soon, NOW, 2, True).sends == at(18, 5) - 32
    sooner = letter(deliver_at=NOW + dt.timedelta(seconds=9), lead=0)
    assert times(sooner, NOW, 2, True).sends == at(18)


def paris(*day: int, **said: Any) -> Document:
    return letter(deliver_at=dt.datetime(*day), time_zone="Europe/Paris", **said)


def test_a_moment_that_clocks_never_show_is_refused_and_one_that_they_show_twice_is_the_first() -> None:
    with pytest.raises(WrongDocument, match="Europe/Paris go forward then, and never show 02:30 on 2027-03-28"):
        times(paris(2027, 3, 28, 2, 30), NOW, 0, True)
    found = times(paris(2027, 10, 31, 2, 30), NOW, 0, True)
    assert found.deliver == dt.datetime(2027, 10, 31, 0, 30, tzinfo=dt.UTC)
    assert found.said == "clocks in Europe/Paris show 02:30 twice then: the first is meant"


def test_the_platform_is_told_before_also_where_clocks_go_forward_meanwhile() -> None:
    found = times(paris(2027, 3, 28, 3, 5), NOW, 0, True)
    assert dt.datetime.fromtimestamp(found.sends, dt.UTC) == dt.datetime(2027, 3, 28, 0, 50, tzinfo=dt.UTC)


def test_an_hour_alone_that_clocks_never_show_is_when_they_go_on() -> None:
    eve = dt.datetime(2027, 3, 27, 12, 0, tzinfo=dt.UTC)
    found = times(letter(deliver_at=dt.time(2, 30), time_zone="Europe/Paris"), eve, 0, True)
    assert found.deliver == dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC)
    assert found.said == "clocks in Europe/Paris go forward then: 02:30 is 03:30"


def test_an_hour_alone_that_is_too_soon_is_tomorrows_and_that_is_said() -> None:
    found = times(letter(deliver_at=dt.time(18, 10), time_zone="UTC"), NOW, 0, True)
    assert (found.deliver, found.said) == (
        dt.datetime(2026, 11, 27, 18, 10, tzinfo=dt.UTC),
        "today's 18:10 is less than 15 minutes ahead: it is tomorrow's",
    )
    assert times(letter(deliver_at=dt.time(18, 10), time_zone="UTC"), NOW, 0, False).sends == at(18, 10)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ((2026, 11, 26, 18, 0), None),  # 19:00 in Paris
        ((2026, 11, 26, 19, 0), (2026, 11, 27, 8, 0)),  # it closes at this moment
        ((2026, 11, 27, 7, 59), (2026, 11, 27, 8, 0)),
        ((2027, 3, 27, 22, 0), (2027, 3, 28, 7, 0)),  # clocks go forward in that night
        ((2027, 10, 30, 22, 0), (2027, 10, 31, 8, 0)),  # and back in that
    ],
)
def test_outside_of_its_window_it_waits_for_that_by_the_clocks_of_the_zone(
    now: tuple[int, ...], opens: tuple[int, ...] | None
) -> None:
    said = letter(window="09:00-20:00", time_zone="Europe/Paris")
    found = times(said, dt.datetime(*now, tzinfo=dt.UTC), 0, False)  # type: ignore[arg-type, misc]
    assert found.deliver == (opens and dt.datetime(*opens, tzinfo=dt.UTC))  # type: ignore[arg-type, misc]
    assert found.expires is not None
    closes = dt.datetime.fromtimestamp(found.expires, said.zone)
    assert closes.time() <= dt.time(20) if opens is None else found.expires == found.sends + 3600


def test_a_moment_outside_of_the_window_is_refused_and_nothing_leaves_after_it() -> None:
    with pytest.raises(WrongDocument, match="outside its window, 09:00 to 20:00 in Europe/Paris"):
        times(paris(2026, 11, 27, 20, 0, window="09:00-20:00"), NOW, 0, True)
    late = times(paris(2026, 11, 27, 19, 30, window="09:00-20:00"), NOW, 0, False)
    assert late.expires == at(19, 0, 27)


def test_what_takes_longer_than_its_time_is_refused() -> None:
    with pytest.raises(
        WrongDocument, match=r"Its requests take 120 minutes .* nothing of it leaves after 60: write to"
    ):
        times(paris(2026, 11, 27, 12, 0), NOW, 7200, False)
