"""Where Omnisense lives, how a request is signed, and how an answer is read.

Source: Omnisense API documentation v1.0, "Getting started", "Basic API", "Administrative API". It documents no answer,
no error and no limit, so answers are read tolerantly: empty, or JSON without an error, is a yes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tasks.omnisense.callbacks import SECRETS
from worker.operation import Access, NotConnected, Operation, Reading, Setting, Unreadable, Unsigned

BASIC = "basic"
ADMIN = "admin"
INSTANCE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TRANSACTIONAL = "OMNISENSE_TRANSACTIONAL_TEMPLATES"
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")

TIME_ZONE = Setting("OMNISENSE_TIME_ZONE", "by which clocks plans of newsletters are shown, beside UTC", "UTC")
SETTINGS = (
    Setting("OMNISENSE_INSTANCE", "your subdomain, the “universe” of the login page"),
    Setting("OMNISENSE_BASE_URL", "in place of the instance: the whole base address, which ends in /api/v1"),
    Setting("OMNISENSE_API_KEY", "for the basic API: subscribers and single events", secret=True),
    Setting("OMNISENSE_MASTER_KEY", "for the administrative API: imports and newsletters", secret=True),
    Setting("OMNISENSE_ADMIN_EMAIL", "for the administrative API", secret=True),
    Setting("OMNISENSE_ADMIN_TOKEN", "for the administrative API", secret=True),
    Setting(TRANSACTIONAL, "comma list of template ids whose newsletters may go past an opt-out (is_transactional)"),
    TIME_ZONE,
    Setting(SECRETS, "comma list of secret_key values that its opt-out callback may bring", secret=True),
)
KEYS = ("OMNISENSE_API_KEY", "OMNISENSE_MASTER_KEY", "OMNISENSE_ADMIN_EMAIL", "OMNISENSE_ADMIN_TOKEN")


def access(values: Mapping[str, str]) -> Access:
    """The way in, from setting values. Raises `NotConnected` with what is missing or wrong."""
    missing = [name for name in KEYS if name not in values]
    if "OMNISENSE_BASE_URL" not in values and "OMNISENSE_INSTANCE" not in values:
        missing.insert(0, "OMNISENSE_INSTANCE")
    if missing:
        raise NotConnected(f"Omnisense is not connected: set {', '.join(missing)}.")
    return Access(_base_url(values), {name: values[name] for name in KEYS})


def _base_url(values: Mapping[str, str]) -> str:
    url = values.get("OMNISENSE_BASE_URL")
    if url is None:
        instance = values["OMNISENSE_INSTANCE"]
        if not INSTANCE.fullmatch(instance):
            raise NotConnected(
                "OMNISENSE_INSTANCE must be the bare subdomain, like `myshop`: letters, digits, hyphens."
            )
        return f"https://{instance}.app.omnisense.io/api/v1"
    if not url.rstrip("/").endswith("/api/v1") or not url.startswith(("https://", *LOOPBACK)):
        raise NotConnected("OMNISENSE_BASE_URL must begin with https:// and end in /api/v1.")
    return url.rstrip("/")


def sign(operation: Operation, unsigned: Unsigned, way_in: Access) -> Unsigned:
    """Omnisense takes its keys in the body: `api_key`, or `master_key` and `admin`."""
    return Unsigned(unsigned.headers, {**_keys(operation.auth, way_in.credentials), **(unsigned.body or {})})


def _keys(auth: str, keys: Mapping[str, str]) -> dict[str, Any]:
    if auth == BASIC:
        return {"api_key": keys["OMNISENSE_API_KEY"]}
    admin = {"email": keys["OMNISENSE_ADMIN_EMAIL"], "token": keys["OMNISENSE_ADMIN_TOKEN"]}
    return {"master_key": keys["OMNISENSE_MASTER_KEY"], "admin": admin}


def read(_operation: Operation, status: int, _headers: Mapping[str, str], body: bytes) -> Reading:
    """Empty, or JSON without an error: accepted. Raises `Unreadable` for anything else, a page of HTML included."""
    if not body.strip():
        return Reading(accepted=status < 400, code=f"omnisense.{status}")
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable("the answer is not JSON") from error
    error_text = _error(said)
    if status >= 400 or error_text is not None:
        return Reading(False, f"omnisense.{status}", error_text or "")
    return Reading(True, answer=said if isinstance(said, dict) else {"answer": said})


def _error(said: Any) -> str | None:
    """What an answer says went wrong: a truthy `error` or `errors`, a false `success` or `status`."""
    if not isinstance(said, dict):
        return None
    for name in ("error", "errors"):
        if said.get(name):
            return said[name] if isinstance(said[name], str) else msgspec.json.encode(said[name]).decode()
    failed = [name for name in ("success", "status") if said.get(name) is False]
    return f"{failed[0]} is false" if failed else None
