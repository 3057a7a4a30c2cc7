"""Encrypts what the ledger keeps of people: payloads, answers, signatures."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from worker.settings import SettingsError


class Seal:
    """`SECRET_KEY` is a comma list of Fernet keys: the first encrypts, all decrypt, so keys can be rotated."""

    def __init__(self, keys: str | None) -> None:
        if not keys:
            raise SettingsError(
                "SECRET_KEY is not set: it encrypts stored payloads. `omniworker up` makes one in var/; else set it "
                "to 32 random bytes in url-safe base64, for example by `openssl rand -base64 32 | tr +/ -_`."
            )
        try:
            self._box = MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
        except ValueError as error:
            raise SettingsError("SECRET_KEY is not a comma list of Fernet keys (32 bytes, url-safe base64).") from error

    def close(self, value: Any) -> bytes:
        return self._box.encrypt(json.dumps(value).encode())

    def open(self, sealed: bytes) -> Any:
        try:
            return json.loads(self._box.decrypt(sealed))
        except InvalidToken as error:
            raise SettingsError(
                "A stored payload can't be decrypted: put the key it was written with back into SECRET_KEY's list."
            ) from error


def digest(*parts: str) -> str:
    """A fingerprint of texts, the same on every machine and after every change of keys."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
