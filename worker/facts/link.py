"""The facts of a platform that lets an account in because a person agreed to it in a browser: OAuth 2.0, authorization
code (RFC 6749, 4.1). Records like those of `operation.py`; a platform fills them in in `tasks/<platform>/access.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.operation import Access


@dataclass(frozen=True)
class Registered:
    """This installation as the platform knows it. `url` is where it is asked for codes and tokens; `redirect_uri` where
    the browser comes back to, None where it is the receiver's own address."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    """How an account of the platform is linked.

    `auth` is the way in (`Operation.auth`) that takes the token; `authorize` and `token` are paths below
    `Registered.url`. `registered(values)` reads the setting values, and `access(values, token)` makes the way in of
    them; both raise `NotConnected` with what is missing or wrong. The browser comes back to the receiver's
    `/oauth/<platform>/callback`, which is there only where an account has what `registered` needs.
    """

    auth: str
    authorize: str
    token: str
    registered: Callable[[Mapping[str, str]], Registered]
    access: Callable[[Mapping[str, str], str], Access]
