"""Where Devino OMNI lives, and how a request is signed. How its answers are read stands in answers.py.

Source: Devino Telecom, "OMNI": every request carries `Authorization: Key …`.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.devino.callbacks import SECRETS
from worker.operation import Access, NotConnected, Operation, Setting, Unsigned

LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")

BASE_URL = Setting("DEVINO_BASE_URL", "where Devino OMNI answers", "https://api.devino.online")
API_KEY = Setting("DEVINO_API_KEY", "the key of your account, as it was issued", secret=True)
TIME_ZONE = Setting("DEVINO_TIME_ZONE", "the zone of the times that Devino reads, which carry none", "Europe/Moscow")
CALLBACK_SECRETS = Setting(
    SECRETS, "comma list of secrets that a status callback may bring; the first is told to Devino", secret=True
)
TRANSACTIONAL = Setting(
    "DEVINO_TRANSACTIONAL_CASCADES",
    "comma list of ids of cascades whose messages may be asked for as transactional: no unsubscription stops them",
)
STOP_GROUPS = Setting(
    "DEVINO_STOP_GROUPS",
    "comma list of ids of contact groups that nothing may be sent to: put on every cascade to the address book",
)
SETTINGS = (BASE_URL, API_KEY, TIME_ZONE, CALLBACK_SECRETS, TRANSACTIONAL, STOP_GROUPS)


def access(values: Mapping[str, str]) -> Access:
    """The way in, from setting values. Raises `NotConnected` with what is missing or wrong."""
    key = values.get(API_KEY.name)
    if key is None:
        raise NotConnected(f"Devino is not connected: set {API_KEY.name}.")
    if not (key.isascii() and key.isprintable()):
        raise NotConnected(f"{API_KEY.name} holds a character that no key has: copy it again.")
    time_zone(values)
    stop_groups(values)
    return Access(_base_url(values), {API_KEY.name: key})


def _base_url(values: Mapping[str, str]) -> str:
    url = _value(BASE_URL, values)
    if not url.startswith(("https://", *LOOPBACK)):
        raise NotConnected(f"{BASE_URL.name} must begin with https://.")
    return url.rstrip("/")


def time_zone(values: Mapping[str, str]) -> ZoneInfo:
    """Devino's zone. Raises `NotConnected` if there is none of that name."""
    try:
        return ZoneInfo(_value(TIME_ZONE, values))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NotConnected(f"{TIME_ZONE.name} must be a zone's name, like Europe/Moscow.") from None


def stop_groups(values: Mapping[str, str]) -> list[int]:
    """The ids of the account's stop groups. Raises `NotConnected` for what is no id."""
    given = [one.strip() for one in values.get(STOP_GROUPS.name, "").split(",") if one.strip()]
    if not all(one.isascii() and one.isdigit() and int(one) for one in given):
        raise NotConnected(f"{STOP_GROUPS.name} must be a comma list of group ids, like 17,18.")
    return list(map(int, given))


def _value(setting: Setting, values: Mapping[str, str]) -> str:
    return values.get(setting.name) or setting.default or ""


def sign(_operation: Operation, unsigned: Unsigned, way_in: Access) -> Unsigned:
    """The key goes into a header, just as it was issued."""
    return Unsigned({**unsigned.headers, "Authorization": f"Key {way_in.credentials[API_KEY.name]}"}, unsigned.body)
