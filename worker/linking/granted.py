"""What a platform grants for a code: one exchange, in exactly one try, and its answer (RFC 6749, 4.1 and 5)."""

from __future__ import annotations

import math
import re
import time
from typing import Any

import msgspec
from authlib.oauth2 import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from worker.answers import Answer, Lost, NotSent
from worker.facts.link import Link
from worker.linking.links import Linked
from worker.operation import JSON
from worker.platforms import Account
from worker.processes.process import Process

NEVER = 10 * 365 * 86400.0  # 2^63 nanoseconds are said of a token that does not expire
ERROR = re.compile(r"[a-z_]{1,40}")
TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


class NotGranted(Exception):
    """It did not come to a link; the sentence says why, and holds neither state nor code nor token."""


def granted(process: Process, link: Link, one: Account, asked: tuple[str, list[str]], code: str) -> Linked:
    """The link that this code gives, which was `asked` for with a redirect URI and scopes. Raises `NotGranted`."""
    redirect_uri, scopes = asked
    return _read(one, scopes, _exchange(process, link, one, redirect_uri, code))


def _exchange(process: Process, link: Link, one: Account, redirect_uri: str, code: str) -> Answer:
    """Exactly one try."""
    own, title = one.registered, one.platform.title
    form = prepare_token_request("authorization_code", redirect_uri=redirect_uri, code=code)
    client = ClientAuth(own.client_id, own.client_secret, "client_secret_post")
    url, _, form = client.prepare("POST", f"{own.url}{link.token}", {}, form)
    try:
        return process.client.exchange(url, form)
    except NotSent:
        raise NotGranted(f"{title} could not be reached, so its code was not exchanged.") from None
    except Lost:
        raise NotGranted(
            f"the answer of {title} is lost. Its code is good for one try, so it is not sent again, and a token that "
            "was made for it stays unused."
        ) from None


def _read(one: Account, wanted: list[str], answer: Answer) -> Linked:
    """The link that an answer gives."""
    said = _decoded(answer.body)
    token, title = said.get("access_token"), one.platform.title
    if answer.status != 200:
        raise NotGranted(f"{title} answered {answer.status}, {named(said.get('error'))}.")
    if not isinstance(token, str) or not TOKEN.fullmatch(token) or str(said.get("token_type")).lower() != "bearer":
        raise NotGranted(f"{title} answered without a Bearer token.")
    scope, renewal, now = said.get("scope"), said.get("refresh_token"), time.time()
    granted = scope.split() if isinstance(scope, str) else wanted  # RFC 6749, 5.1: left out, it is what was asked for
    lacks = [right for right in wanted if right not in granted]
    until = _until(now, said.get("expires_in"))
    return Linked(token, renewal if isinstance(renewal, str) else None, granted, lacks, now, until)


def _decoded(body: bytes) -> JSON:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _until(now: float, expires_in: Any) -> float | None:
    """None for never: where nothing is said, or more than ten years."""
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return None
    return now + max(0.0, seconds) if math.isfinite(seconds) and seconds <= NEVER else None


def named(error: Any) -> str:
    """A platform's error where it is one of the words that RFC 6749 has; its other words may hold anything."""
    return f"the error {error}" if isinstance(error, str) and ERROR.fullmatch(error) else "an error that names nothing"
