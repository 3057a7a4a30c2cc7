"""Persons as the ledger knows them: a keyed hash, which says who is the same and never who it is.

The key is made once, sealed in the ledger: a change of SECRET_KEY leaves the hashes as they are.
"""

from __future__ import annotations

import base64
import hmac
import secrets

from worker.ledger import keepsakes
from worker.ledger.types import Connection
from worker.seal import Seal

KEY = "persons"
ANYWHERE = ""  # no account is called so


class People:
    """One process's. Every look is part of a transaction of the ledger."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._key: bytes | None = None

    def mark(self, tx: Connection, account: str, person: str) -> str:
        """64 characters that stand for a person at an account."""
        return mark_by(self.key(tx), account, person)

    def key(self, tx: Connection) -> bytes:
        """What hashes of persons are made with, the same in every process of this ledger."""
        return self._key or self._find_key(tx)

    @property
    def known_key(self) -> bytes | None:
        """The same without a look into the ledger, once it was found there."""
        return self._key

    def everywhere(self, tx: Connection, address: str) -> str:
        """64 characters that stand for an address, whichever platform or account writes to it."""
        return self.mark(tx, ANYWHERE, address)

    def _find_key(self, tx: Connection) -> bytes:
        """Not remembered when it is made: should this transaction fail, there is none."""
        kept = keepsakes.get(tx, KEY)
        if kept is None:
            made = self._seal.close(base64.b64encode(secrets.token_bytes(32)).decode())
            return base64.b64decode(self._seal.open(keepsakes.first(tx, KEY, made)))
        self._key = base64.b64decode(self._seal.open(kept))
        return self._key

    def whom(self, tx: Connection, account: str, person: str) -> str:
        """The mark of a person, whichever of their names this one is."""
        return _first_name(tx, self.mark(tx, account, person))

    def same(self, tx: Connection, account: str, mark: str, other: str) -> None:
        """The platform said that `other` is a further name of who stands behind `mark`."""
        first, further = _first_name(tx, mark), self.whom(tx, account, other)
        if first != further:
            keepsakes.keep(tx, f"same/{further}", first.encode())

    def kept(self, tx: Connection, mark: str) -> str | None:
        """What the platform wants handed back for this person."""
        sealed = keepsakes.get(tx, f"kept/{mark}")
        return None if sealed is None else str(self._seal.open(sealed))

    def keep(self, tx: Connection, mark: str, value: str) -> None:
        keepsakes.keep(tx, f"kept/{mark}", self._seal.close(value))


def mark_by(key: bytes, account: str, person: str) -> str:
    """The same for whoever has the key and is in no transaction."""
    return hmac.new(key, f"{account}\0{person}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _first_name(tx: Connection, mark: str) -> str:
    """Two who teach each other's name at the same moment may close a circle: then the least of them is the first."""
    seen = [mark]
    while (further := keepsakes.get(tx, f"same/{seen[-1]}")) is not None:
        if further.decode() in seen:
            return min(seen[seen.index(further.decode()) :])
        seen.append(further.decode())
    return seen[-1]
