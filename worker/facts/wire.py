"""Facts about the way of a single payload: what is fixed when it is asked for, what it is on the wire, and how the
platform is asked about it later. Records like those of `operation.py`, which holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from worker.outcome import Refusal

JSON = dict[str, Any]
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class File:
    """A file that a request carries, as a form does: `part` is the form's field, `kind` a media type."""

    part: str
    name: str
    kind: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Wire:
    """One request below its platform's base address, before credentials: `body` is JSON, None for none; without
    `method` or `auth`, which names its way in, they are the operation's. With a `file` the body goes as the fields of a
    form, what is nested in it as `outer[inner]`."""

    path: str
    query: Query = field(default=(), repr=False)
    body: JSON | None = field(default=None, repr=False)
    method: str | None = None
    auth: str | None = None
    file: File | None = None


@dataclass(frozen=True)
class Asked:
    """What is known when a call is recorded, and never changes: the moment, and a token that only this job has."""

    at: datetime
    token: str


@dataclass(frozen=True)
class CalledBack:
    """Where the platform is told to call, secret included, and what it is told to say there of a row of the request,
    counted from 1."""

    url: str = field(repr=False)
    refer: Callable[[int], str]


@dataclass(frozen=True)
class Sending:
    """What is known right before a request leaves: the moment, the account's settings that are no secret, and what was
    kept of this person from earlier answers (`Keeps`). `purpose`: what it was asked for. `callback`: where the
    platform can tell what became of it."""

    at: datetime
    settings: Mapping[str, str]
    kept: str | None = None
    purpose: str | None = None
    callback: CalledBack | None = None


@dataclass(frozen=True)
class Sorted:
    """What an answer says of single rows (numbered from 1 within their request): those refused, those of which it
    can't be said, those that were not done and may go `again`. All others were accepted."""

    refused: tuple[Refusal, ...] = ()
    unsure: tuple[int, ...] = ()
    again: tuple[int, ...] = ()


@dataclass(frozen=True)
class Lookup:
    """How the platform is asked what became of a request whose answer was lost.

    `wire(payload, sent_at)` is the question, a GET; `found(payload, answer)` gives what the platform made of it, as the
    call's own answer would have, or None. Asked up to `looks` times, `settle` seconds apart, before the request may be
    made again.
    """

    wire: Callable[[JSON, datetime], Wire]
    found: Callable[[JSON, JSON], JSON | None]
    looks: int = 2
    settle: float = 5.0


@dataclass(frozen=True)
class Taken:
    """What a platform is asked about later: the `count` rows of a request that left at `sent_at`, which it keeps under
    the name `receipt` (None: its answer was lost), and how often it was asked. `rows()` reads them, as they went."""

    receipt: str | None
    sent_at: datetime
    count: int
    looks: int
    rows: Callable[[], Sequence[JSON]] = field(repr=False)


@dataclass(frozen=True)
class Later:
    """How a platform that takes rows first, and sees to them afterwards, is asked what came of them.

    `receipt` is the name under which it keeps them, in its answer to the request. `told` asks: it yields one question
    (a GET) after the other and gets the answers, or `worker.errors.Refused` where the platform refuses one; it returns
    what came of the rows, None while they are under way, and raises `worker.errors.Unsure` where that can't be known
    any more. `find` asks in the same way for the receipt of a request whose answer was lost; None where the platform
    has nothing of it: after `looks` times it goes again. Asked after `first` seconds, then ever more rarely, down to
    every `longest` seconds.

    `only_singly` are the codes by which the platform says that it takes no rows together at all.
    """

    receipt: Callable[[JSON], str]
    told: Callable[[Taken], Generator[Wire, JSON, Sorted | None]]
    find: Callable[[Taken], Generator[Wire, JSON, str | None]]
    only_singly: frozenset[str] = frozenset()
    looks: int = 2
    first: float = 5.0
    longest: float = 60.0


@dataclass(frozen=True)
class Pages:
    """How a list is walked: `items` is the key of its rows in an answer; `following(payload, answer)` is the payload
    that asks for the next page, None after the last. A place that points elsewhere raises `worker.errors.Refused`."""

    items: str
    following: Callable[[JSON, JSON], JSON | None]


@dataclass(frozen=True)
class Step:
    """One call of a job that takes several: an operation's name and its payload, or many payloads in `each`, which go
    one after the other."""

    name: str
    operation: str
    payload: JSON | None = field(default=None, repr=False)
    each: Sequence[JSON] = field(default=(), repr=False)


@dataclass(frozen=True)
class Steps:
    """How a job of several calls goes on: `following(payload, done)` is the next step, or the job's answer after the
    last; `done` holds the answers so far by the names of their steps (a list, where a call took several requests).

    It is asked again after a kill, so the same answers have to give the same step. It raises `worker.errors.Refused`
    where it can't go on. `rows` names the last step, whose rows are the job's.

    `first` names a step before it that carries each row of the job as well: what is refused there is refused, and
    `following` leaves it out of what comes after. Of this step `done` says which rows were accepted, in order.
    """

    following: Callable[[JSON, Mapping[str, Any]], Step | JSON]
    rows: str
    first: str | None = None


@dataclass(frozen=True)
class Choice:
    """An option of a call, true or false: with it the call takes these `steps`, of which it is one itself."""

    name: str
    meaning: str
    steps: Steps


@dataclass(frozen=True)
class Keeps:
    """What is kept of an answer for the same person's later calls: a text that the platform wants handed back."""

    read: Callable[[JSON], str | None]
