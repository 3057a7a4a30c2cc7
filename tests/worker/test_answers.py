"""Retry-After in both forms, and what of a platform's words is kept."""

from __future__ import annotations

import datetime as dt
import email.utils

import pytest

from worker.answers import LONGEST_WAIT, Answer, retry_after, without_addresses


def http_date(seconds: float) -> str:
    return email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(("text", "wait"), [("7", 7), ("0", 0), ("1000000000", LONGEST_WAIT)])
def test_retry_after_in_seconds_is_read_and_capped(text: str, wait: float) -> None:
    assert retry_after(Answer(429, {"retry-after": text}, b"")) == wait


def test_retry_after_as_a_date_is_the_time_until_then() -> None:
    wait = retry_after(Answer(429, {"Retry-After": http_date(40)}, b""))
    assert wait is not None
    assert 30 <= wait <= 41
    assert retry_after(Answer(429, {"Retry-After": http_date(-3600)}, b"")) == 0


@pytest.mark.parametrize("text", ["", "soon", "-5", "nan", "1" * 30])
def test_a_retry_after_that_can_not_be_read_is_none(text: str) -> None:
    assert retry_after(Answer(429, {"Retry-After": text}, b"")) is None


def test_a_platforms_sentence_loses_its_addresses() -> None:
    said = without_addresses("foo@bar.com and +7 (912) 345-67-89 are wrong, code 4711")
    assert said == "… and … are wrong, code 4711"
