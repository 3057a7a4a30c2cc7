"""Facts of what goes on at a platform long after it was made, and of whose end it tells nobody: how to ask for it. A
platform fills them in in `tasks/<platform>/`; `worker/runner/watching.py` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seen:
    """How it stands: the platform's own word, its counters, and whether that is the end; `channels` are those of its
    parts, by the platform's id of each."""

    state: str
    counters: Mapping[str, int]
    ended: bool
    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Watched:
    """`made_by` makes it, and `subject(answer)` is its id. `operation` is the safe read that `payload(id)` asks with
    and `read(answer)` understands, None where it doesn't. Its end is a notice of `kind`."""

    made_by: str
    operation: str
    kind: str
    subject: Callable[[Any], str | None]
    payload: Callable[[str], dict[str, Any]]
    read: Callable[[Any], Seen | None]
