"""Where Omnisend lives and how a request is signed. How its answers are read stands in answers.py.

Source: Omnisend API v3, "Contacts" (endpoint) and its OpenAPI description (header `X-API-KEY`).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from worker.operation import Access, NotConnected, Operation, Setting, Unsigned

LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")

BASE_URL = Setting("OMNISEND_BASE_URL", "where Omnisend answers, without a path", "https://api.omnisend.com")
API_KEY = Setting("OMNISEND_API_KEY", "of your store, with the right to read and write contacts", secret=True)
SETTINGS = (BASE_URL, API_KEY)


def access(values: Mapping[str, str]) -> Access:
    """The way in, from setting values. Raises `NotConnected` with what is missing or wrong."""
    key = values.get(API_KEY.name)
    if key is None:
        raise NotConnected(f"Omnisend is not connected: set {API_KEY.name}.")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise NotConnected(f"{API_KEY.name} holds a character that no key has: copy it again.")
    return Access(checked(BASE_URL, base_url(values)), {API_KEY.name: key})


def base_url(values: Mapping[str, str]) -> str:
    """The address below which every path lies, as it was set or by default."""
    return (values.get(BASE_URL.name) or str(BASE_URL.default)).rstrip("/")


def checked(setting: Setting, url: str) -> str:
    """An address of https and a host alone, as this setting has to be. Raises `NotConnected`."""
    try:
        parts = urlsplit(url)
        bare = bool(parts.hostname) and not (parts.path or parts.query or parts.fragment or parts.username)
    except ValueError:
        bare = False
    if not bare or not url.startswith(("https://", *LOOPBACK)):
        raise NotConnected(f"{setting.name} must be https:// and a host, like {setting.default}, without a path.")
    return url


def sign(_operation: Operation, unsigned: Unsigned, way_in: Access) -> Unsigned:
    """The key goes into a header, just as it was issued."""
    return Unsigned({**unsigned.headers, "X-API-KEY": way_in.credentials[API_KEY.name]}, unsigned.body)
