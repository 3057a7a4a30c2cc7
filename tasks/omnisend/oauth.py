"""How a person of a store lets us in at Omnisend, and how requests go with the token that came of it.

Source: Omnisend, "General information" (the page of version 4), "Authentication" and "Making a request to the API"; its
table calls a parameter `scopes` that its example calls `scope`, as RFC 6749 does: that is sent. The token does not
expire, though the answer names a moment 292 years away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.omnisend.access import BASE_URL, LOOPBACK, base_url, checked
from tasks.omnisend.access import sign as by_key
from worker.facts.link import Link, Registered
from worker.operation import Access, NotConnected, Operation, Setting, Unsigned

AUTH = "oauth"
TOKEN = "access_token"  # noqa: S105 - a name
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3

URL = Setting("OMNISEND_OAUTH_URL", "where people let applications in, without a path", "https://app.omnisend.com")
CLIENT_ID = Setting("OMNISEND_CLIENT_ID", "of your application at Omnisend's Partners Portal, for version 4")
CLIENT_SECRET = Setting("OMNISEND_CLIENT_SECRET", "of the same application", secret=True)
REDIRECT_URI = Setting(
    "OMNISEND_REDIRECT_URI",
    "the application's callback URL as it is registered; by default RECEIVER_PUBLIC_URL and /oauth/omnisend/callback",
)
SCOPES = Setting("OMNISEND_SCOPES", "what the application asks for, separated by spaces", "contacts.read")
SETTINGS = (URL, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, SCOPES)


def registered(values: Mapping[str, str]) -> Registered:
    """Raises `NotConnected` with what is missing or wrong."""
    missing = [one.name for one in (CLIENT_ID, CLIENT_SECRET) if one.name not in values]
    if missing:
        raise NotConnected(f"Omnisend can't be linked: set {', '.join(missing)}.")
    back, scopes = values.get(REDIRECT_URI.name), (values.get(SCOPES.name) or str(SCOPES.default)).split()
    if back is not None and not back.startswith(("https://", *LOOPBACK)):
        raise NotConnected(f"{REDIRECT_URI.name} must begin with https://.")
    if not all(map(SCOPE.fullmatch, scopes)):
        raise NotConnected(f"{SCOPES.name} must be names separated by spaces, like contacts.read.")
    url = checked(URL, (values.get(URL.name) or str(URL.default)).rstrip("/"))
    return Registered(url, values[CLIENT_ID.name], values[CLIENT_SECRET.name], back, tuple(scopes))


def access(values: Mapping[str, str], token: str) -> Access:
    return Access(checked(BASE_URL, base_url(values)), {TOKEN: token})


def sign(operation: Operation, unsigned: Unsigned, way_in: Access) -> Unsigned:
    """Version 4 takes the token, version 3 the key; no request has both."""
    if operation.auth != AUTH:
        return by_key(operation, unsigned, way_in)
    return Unsigned({**unsigned.headers, "Authorization": f"Bearer {way_in.credentials[TOKEN]}"}, unsigned.body)


LINK = Link(AUTH, "/oauth2/authorize", "/oauth2/token", registered, access)
