"""Moments: aware when a caller writes them, by Devino's clock on the wire (D14)."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from tasks.devino.times import Moment, local
from tests.tasks.devino.conftest import NOW
from worker.facts.wire import Sending


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2030-01-31T14:00:00+03:00", "2030-01-31T11:00:00Z"),
        ("2030-01-31 14:00:00.999Z", "2030-01-31T14:00:00Z"),
        ("20300131T140000Z", "2030-01-31T14:00:00Z"),
        ("2030-01-01T00:00:00+14:00", "2029-12-31T10:00:00Z"),
        ("0001-01-02T00:00:00Z", "0001-01-02T00:00:00Z"),
        ("9999-12-30T00:00:00Z", "9999-12-30T00:00:00Z"),
    ],
)
def test_an_aware_moment_is_kept_in_utc(written: str, kept: str) -> None:
    assert Moment().deserialize(written) == kept
    assert Moment().deserialize(kept) == kept


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2030-01-31T14:00:00", "naive"),
        ("2030-01-31 14:00:00", "naive"),
        ("2030-01-31", "naive"),
        ("2030-02-30T14:00:00Z", "invalid"),
        ("2030-01-31T14:00:00+25:00", "invalid"),
        ("0001-01-01T12:00:00Z", "invalid"),
        ("9999-12-31T12:00:00Z", "invalid"),
        ("tomorrow", "invalid"),
        ("", "invalid"),
    ],
)
def test_any_other_moment_is_refused_and_the_form_is_shown(written: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Moment().deserialize(written)
    assert refused.value.messages_dict["code"] == code
    assert "2030-01-31T14:00:00+03:00" in refused.value.messages_dict["advice"]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (None, "2030-07-01 15:00:00"),
        ("Europe/Moscow", "2030-07-01 15:00:00"),
        ("UTC", "2030-07-01 12:00:00"),
        ("Europe/Berlin", "2030-07-01 14:00:00"),
        ("Asia/Kathmandu", "2030-07-01 17:45:00"),
    ],
)
def test_a_moment_is_written_by_devinos_clock(zone: str | None, shown: str) -> None:
    settings = {} if zone is None else {"DEVINO_TIME_ZONE": zone}
    assert local("2030-07-01T12:00:00Z", Sending(NOW, settings)) == shown
    assert local("2030-07-01T12:00:00Z", Sending(NOW, settings), "T") == shown.replace(" ", "T")


@pytest.mark.parametrize("moment", ["0001-01-02T00:00:00Z", "9999-12-30T00:00:00Z"])
def test_every_moment_that_was_kept_can_be_written_in_every_zone(moment: str) -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "Europe/Moscow"):
        assert len(local(moment, Sending(NOW, {"DEVINO_TIME_ZONE": zone}))) == 19
