"""The token in a cascade's name by which it is found again when the answer to its creation was lost.

Devino takes no key that would make a repeat harmless, but it lists cascades by name (platforms.md 2.9).
"""

from __future__ import annotations

import re
from base64 import b32encode
from hashlib import blake2b
from typing import Any

from tasks.devino.values import Text
from tasks.strict import JSON
from worker.facts.wire import Asked

MOST = 100
TOKEN_BYTES = 8
TOKEN_LETTERS = 13
MARK = " ow-"  # nothing that a search by name could take for a pattern
MARKED = re.compile(rf"(.*){MARK}([a-z2-7]{{{TOKEN_LETTERS}}})", re.DOTALL)
MOST_OF_CALLER = MOST - len(MARK) - TOKEN_LETTERS


class CascadeName(Text):
    """Behind it goes a token, by which the cascade is found again if the answer to its creation is lost.

    A token that a name carries already is taken off.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(MOST_OF_CALLER, **more)

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return super()._deserialize(parted(value)[0] if isinstance(value, str) else value, *rest, **more)


def marked(cascade: JSON, asked: Asked) -> JSON:
    """The cascade with a token that only this job has behind its name."""
    return {**cascade, "taskName": f"{cascade['taskName']}{MARK}{_token(asked.token)}"}


def parted(name: str) -> tuple[str, str | None]:
    """The caller's part of a cascade's name, and our token if it carries one."""
    found = MARKED.fullmatch(name)
    return (found[1], found[2]) if found else (name, None)


def _token(text: str) -> str:
    return b32encode(blake2b(text.encode(), digest_size=TOKEN_BYTES).digest()).decode().lower()[:TOKEN_LETTERS]
