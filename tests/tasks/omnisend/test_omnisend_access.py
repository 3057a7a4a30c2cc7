"""The way in to Omnisend, from settings."""

from __future__ import annotations

import pytest

from tasks.omnisend.access import access, sign
from tasks.omnisend.operations import OPERATIONS
from worker.operation import NotConnected, Unsigned

KEY = {"OMNISEND_API_KEY": "brand-secret"}


def test_a_key_is_enough() -> None:
    way_in = access(KEY)
    assert way_in.base_url == "https://api.omnisend.com"
    assert "secret" not in repr(way_in)
    signed = sign(OPERATIONS[0], Unsigned({"Accept": "x"}, {"a": 1}), way_in)
    assert signed == Unsigned({"Accept": "x", "X-API-KEY": "brand-secret"}, {"a": 1})


def test_without_a_key_it_is_not_connected() -> None:
    with pytest.raises(NotConnected, match="set OMNISEND_API_KEY"):
        access({"OMNISEND_BASE_URL": "https://api.omnisend.com"})


@pytest.mark.parametrize("key", ["brand secret", "brand\nsecret", "ключ"])
def test_a_key_that_no_header_can_carry_is_named_and_not_shown(key: str) -> None:
    with pytest.raises(NotConnected, match="OMNISEND_API_KEY") as refused:
        access({"OMNISEND_API_KEY": key})
    assert key not in str(refused.value)


@pytest.mark.parametrize("url", ["https://api.omnisend.com/", "http://127.0.0.1:8099", "http://[::1]:8099"])
def test_a_base_address_is_https_or_this_machine(url: str) -> None:
    assert access(KEY | {"OMNISEND_BASE_URL": url}).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.omnisend.com",
        "https://api.omnisend.com/v3",
        "https://api.omnisend.com?x=1",
        "https://me@api.omnisend.com",
        "https://",
        "https://[x",
        "api.omnisend.com",
        "http://127.0.0.1:80@evil.example",
    ],
)
def test_any_other_base_address_is_refused(url: str) -> None:
    with pytest.raises(NotConnected, match="OMNISEND_BASE_URL must be"):
        access(KEY | {"OMNISEND_BASE_URL": url})
