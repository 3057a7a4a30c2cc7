"""A single event goes at once without its date, and late as an import of one with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.omnisense.access import ADMIN
from tasks.omnisense.events import compose
from tests.tasks.omnisense.conftest import Post
from worker.facts.wire import Sending, Wire

WHEN = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVENT: dict[str, Any] = {"email": "foo@bar.com", "user_event": {"identifier": "x", "segments": {"id": 1}}}
DATED = EVENT | {"date": "2026-01-31 12:00:00Z"}
FIVE_MINUTES = timedelta(minutes=5)


def _left_after(payload: dict[str, Any], wait: timedelta) -> Wire:
    return compose(payload, Sending(WHEN + wait, {}))


@pytest.mark.parametrize("wait", [timedelta(hours=-1), timedelta(0), FIVE_MINUTES])
def test_an_event_that_leaves_in_time_goes_without_its_date(wait: timedelta) -> None:
    assert _left_after(DATED, wait) == Wire("/user_event", body=EVENT)


@pytest.mark.parametrize("wait", [FIVE_MINUTES + timedelta(seconds=1), timedelta(days=400)])
def test_an_event_that_leaves_late_goes_as_an_import_of_one_with_the_other_keys(wait: timedelta) -> None:
    row = {"email": "foo@bar.com", "date": "2026-01-31 12:00:00Z", "identifier": "x", "segments": {"id": 1}}
    assert _left_after(DATED, wait) == Wire("/user_event/import", body={"user_events": [row]}, auth=ADMIN)
    assert _left_after(DATED | {"trid": "t"}, wait).body == {"user_events": [row]}


def test_an_event_without_a_date_goes_as_it_is() -> None:
    assert _left_after(EVENT, timedelta(days=1)) == Wire("/user_event", body=EVENT)


def test_an_event_without_an_address_can_not_be_imported_and_goes_without_its_date() -> None:
    by_id = {"trid": "t", "user_event": {"identifier": "x"}}
    assert _left_after(by_id | {"date": "2026-01-31 12:00:00Z"}, timedelta(days=1)) == Wire("/user_event", body=by_id)


@pytest.mark.parametrize(
    ("wait", "path", "counted"),
    [
        (timedelta(minutes=1), "/user_event", EVENT),
        (
            timedelta(minutes=6),
            "/user_event/import",
            {"email": "foo@bar.com", "date": "2026-01-31 12:00:00Z", "identifier": "x", "segments": {"id": 1}},
        ),
    ],
)
def test_the_platform_takes_it_either_way_once(post: Post, wait: timedelta, path: str, counted: dict[str, Any]) -> None:
    (sent,) = post("record_user_event", EVENT | {"date": "2026-01-31T14:00:00.5+02:00"}, at=WHEN + wait)
    assert sent.path == path
    assert post.sandbox.taken([counted]) == [1]
    assert post.sandbox.counts()["events"] == 1
