"""Retry-After in both forms, and what of a platform's words is kept."""

from __future__ import annotations

import datetime as dt
import email.utils

import pytest

from worker.answers import LONGEST_WAIT, Answer, retry_after, without_addresses

SOON = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40), usegmt=True)
PAST = email.utils.format_datetime(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("7", 7, 7), ("0", 0, 0), (SOON, 30, 41), (PAST, 0, 0), ("1000000000", LONGEST_WAIT, LONGEST_WAIT)],
)
def test_retry_after_is_read_in_both_forms_and_capped(text: str, least: float, most: float) -> None:
    wait = retry_after(Answer(429, {"retry-after": text}, b""))
    assert wait is not None
    assert least <= wait <= most


@pytest.mark.parametrize("text", ["", "soon", "-5", "nan", "1" * 30])
def test_a_retry_after_that_can_not_be_read_is_none(text: str) -> None:
    assert retry_after(Answer(429, {"Retry-After": text}, b"")) is None


def test_a_platforms_sentence_loses_its_addresses() -> None:
    said = without_addresses("foo@bar.com and +7 (912) 345-67-89 are wrong, code 4711")
    assert said == "… and … are wrong, code 4711"
