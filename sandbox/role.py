"""A platform as the rest of the sandbox sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sandbox.answer import Answer
from sandbox.request import Request


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
class Remembers(Protocol):
    """A platform that keeps what it was told of people, and can be asked in what state that left them."""

    def person(self, whom: str) -> dict[str, Any] | None:
        """What is known of the person with this address or id; None for a stranger."""
        ...

    def forget(self) -> None: ...
