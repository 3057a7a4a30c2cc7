"""A platform as the rest of the sandbox sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sandbox.answer import Answer
from sandbox.request import Request
from sandbox.window import Window


@dataclass(frozen=True)
class Reply:
    """What a platform answers, and the identities of the events it took with this request."""

    answer: Answer
    taken: tuple[int, ...] = ()


class Role(Protocol):
    """`prefix` is where its paths begin; a body of more than `most_bytes` is refused unread."""

    @property
    def title(self) -> str: ...
    @property
    def prefix(self) -> str: ...
    @property
    def most_bytes(self) -> int: ...

    def handle(self, request: Request) -> Reply:
        """Take the request, whole or not at all; raises `Refusal`."""
        ...

    def identity(self, event: Any, at: str) -> int:
        """The identity under which an event is counted; raises `Refusal` for one that could not be taken."""
        ...

    def environment(self, url: str) -> dict[str, str]:
        """The variables that connect omniworker to this platform at `url` (its base, prefix included)."""
        ...


@runtime_checkable
class Spread(Protocol):
    """A role whose paths begin in further places, too."""

    @property
    def also(self) -> tuple[str, ...]: ...


def prefixes(role: Role) -> tuple[str, ...]:
    """Every place where paths of this role begin."""
    return (role.prefix, *(role.also if isinstance(role, Spread) else ()))


@runtime_checkable
class Remembering(Protocol):
    """A role that keeps what it was told until it is to forget it."""

    def forget(self) -> None:
        """Be as in the beginning."""
        ...


@runtime_checkable
class KnowsPeople(Remembering, Protocol):
    """It can be asked in what state a person was left."""

    def person(self, whom: str) -> dict[str, Any] | None:
        """What is known of the person with this address or id; None for a stranger."""
        ...


@runtime_checkable
class ShowsState(Remembering, Protocol):
    """What it keeps can be looked at as a whole."""

    def state(self, query: Mapping[str, str]) -> Any:
        """What it has now; `query` narrows it."""
        ...


@runtime_checkable
class Playful(Remembering, Protocol):
    """A role that can be told how to play what its documents leave open."""

    def play(self, told: Mapping[str, Any]) -> None:
        """From now on, until it forgets."""
        ...


@runtime_checkable
class Limited(Protocol):
    """A role that takes only so many calls in a window."""

    @property
    def window(self) -> Window: ...
