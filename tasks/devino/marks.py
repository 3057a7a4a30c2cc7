"""Keyed hashes of addresses, to find a contact in an answer without keeping what the answer says of it.

The key is this process's own and is kept nowhere: a mark in a stored answer tells nobody anything later.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from tasks.strict import JSON

_KEY = secrets.token_bytes(32)
MARK_BYTES = 8
NOT_DIGITS = re.compile(r"\D")
# What can be an address in a text that is no JSON.
EMAIL = re.compile(r"[^\s\"'<>=,;:()\[\]{}\\]+@[^\s\"'<>=,;:()\[\]{}\\]+")
PHONE = re.compile(r"(?<!\w)\+?[0-9]{8,15}(?!\w)")
TOKEN = re.compile(r"[\w:-]{20,}")


def of_person(person: JSON) -> frozenset[str]:
    """The marks of e-mail, phone and devices of a contact as Devino writes one, whatever else it holds."""
    return frozenset(_mark(kind, address) for kind, address in _addresses(person))


def of_text(text: str) -> frozenset[str]:
    """The marks of the contact that a text dumps."""
    try:
        dumped = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return frozenset(_mark(kind, address) for kind, address in _likely(text))
    return of_person(dumped) if isinstance(dumped, dict) else frozenset()


def _addresses(person: JSON) -> Iterator[tuple[str, str]]:
    for kind in ("email", "phone"):
        if isinstance(person.get(kind), str):
            yield kind, person[kind]
    devices: Any = person.get("pushInfo")
    for device in devices if isinstance(devices, list) else ():
        if isinstance(device, dict) and isinstance(device.get("pushToken"), str):
            yield "token", device["pushToken"]


def _likely(text: str) -> Iterator[tuple[str, str]]:
    for kind, form in (("email", EMAIL), ("phone", PHONE), ("token", TOKEN)):
        for address in form.findall(text):
            yield kind, address


def _mark(kind: str, address: str) -> str:
    same = {"email": address.strip().lower(), "phone": NOT_DIGITS.sub("", address)}.get(kind, address)
    return blake2b(f"{kind} {same}".encode(errors="replace"), digest_size=MARK_BYTES, key=_KEY).hexdigest()
