"""The way in to Devino, and what is said when it can't be built."""

from __future__ import annotations

import pytest

from tasks.devino import PLATFORM
from tasks.devino.access import access
from worker.client import Client
from worker.facts.wire import Wire
from worker.operation import NotConnected
from worker.settings import read

KEY = {"DEVINO_API_KEY": "QWxhZGRpbjpvcGVuIHNlc2=="}


def test_the_key_alone_is_enough() -> None:
    way_in = access(read(PLATFORM.settings, KEY))
    assert way_in.base_url == "https://api.devino.online"
    assert "QWxh" not in repr(way_in)


def test_the_key_goes_into_a_header_as_it_was_issued() -> None:
    operation = next(one for one in PLATFORM.operations if one.name == "devino.list_macros")
    parcel = Client().pack(operation, PLATFORM, access(KEY), Wire(operation.path, (("taskIds", "1"), ("taskIds", "2"))))
    assert parcel.request.headers["Authorization"] == "Key QWxhZGRpbjpvcGVuIHNlc2=="
    assert parcel.url == "https://api.devino.online/omni-task-api/macros?taskIds=1&taskIds=2"
    assert parcel.request.body is None
    assert "Content-Type" not in parcel.request.headers


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "Devino is not connected: set DEVINO_API_KEY."),
        ({"DEVINO_API_KEY": "ключ"}, "DEVINO_API_KEY holds a character that no key has: copy it again."),
        ({"DEVINO_API_KEY": "a\nb"}, "DEVINO_API_KEY holds a character that no key has: copy it again."),
        (KEY | {"DEVINO_BASE_URL": "http://api.devino.online"}, "DEVINO_BASE_URL must begin with https://."),
        (KEY | {"DEVINO_TIME_ZONE": "Moscow"}, "DEVINO_TIME_ZONE must be a zone's name, like Europe/Moscow."),
        (KEY | {"DEVINO_TIME_ZONE": "../etc/passwd"}, "DEVINO_TIME_ZONE must be a zone's name, like Europe/Moscow."),
        (KEY | {"DEVINO_TIME_ZONE": "Europe"}, "DEVINO_TIME_ZONE must be a zone's name, like Europe/Moscow."),
    ],
)
def test_what_is_missing_or_wrong_is_said(values: dict[str, str], says: str) -> None:
    with pytest.raises(NotConnected) as refused:
        access(values)
    assert str(refused.value) == says


@pytest.mark.parametrize("url", ["http://127.0.0.1:8099/devino/", "https://devino.proxy.test/"])
def test_the_base_may_be_elsewhere(url: str) -> None:
    assert access(KEY | {"DEVINO_BASE_URL": url}).base_url == url.rstrip("/")
