"""The facts of a platform calling us: how a caller proves who it is, and what its words mean. Records like those of
`operation.py`; a platform fills them in in `tasks/<platform>/callbacks.py`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Called:
    """The head of a request that came in."""

    query: Query = field(default=(), repr=False)
    headers: Iterable[tuple[str, str]] = field(default=(), repr=False)


@dataclass(frozen=True)
class Told:
    """One thing that a platform told: a notice before it is written.

    `subject` is the id of what it happened to; where that is a person's address, `personal` says so, and the ledger
    holds a keyed hash of it. `stable` are the words that are the same when the same is told twice. `happened_at` is the
    event's own time, None if it names none. `content` are the platform's own words.
    """

    kind: str
    subject: str = field(repr=False)
    stable: tuple[str, ...] = field(repr=False)
    happened_at: float | None
    content: Any = field(repr=False)
    personal: bool = False
    urgent: bool = False


@dataclass(frozen=True)
class Unread:
    """A piece of a callback that came from the platform and is not understood: kept, quarantined, for a person."""

    why: str
    piece: Any = field(repr=False)


@dataclass(frozen=True)
class Field:
    """A field of a callback's body, for its page: what it may be, and what we make of it."""

    name: str
    takes: str
    meaning: str


@dataclass(frozen=True)
class Callbacks:
    """What a platform calls us for, under its name: `/callbacks/<platform>[/<account>]`.

    `secrets` names the platform's setting with what a caller may prove itself by, a comma list for rotation; without it
    the door does not exist. `kinds` are the notices it can become. `verify(called, secrets)` looks at the head alone;
    `read(body)` takes the JSON and gives every single thing in it, understood or not.

    For its page: `source` names document and section, `asked_for` says how the platform comes to call, `fields` what
    stands in a body; the `examples` are the document's own.
    """

    secrets: str
    kinds: tuple[str, ...]
    verify: Callable[[Called, Sequence[str]], bool]
    read: Callable[[Any], Sequence[Told | Unread]]
    source: str = ""
    asked_for: str = ""
    fields: tuple[Field, ...] = ()
    examples: tuple[Any, ...] = ()


def proven(given: Sequence[str], secrets: Sequence[str]) -> bool:
    """Exactly one secret was given, and it is one of ours. Takes as long whichever it is, and whether it is one."""
    words = [word.encode("utf-8", "surrogatepass") for word in (*given, "")]
    fits = [hmac.compare_digest(words[0], secret.encode("utf-8", "surrogatepass")) for secret in secrets if secret]
    return any(fits) and len(given) == 1
