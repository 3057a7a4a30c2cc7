"""The facts of a platform and of its operations: records, no behaviour.

A platform's folder in `tasks/` fills these in once; the call, the Celery task, validation, cutting,
guarding, command-line words, documentation and contract tests derive from them (docs/decisions/0001).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from worker.facts.callback import Callbacks
from worker.facts.campaign import Campaign
from worker.facts.found_by import FoundBy
from worker.facts.link import Link
from worker.facts.listed import Listed
from worker.facts.rows import Rows
from worker.facts.watched import Watched
from worker.facts.wire import Asked, Choice, Keeps, Later, Lookup, Pages, Sending, Sorted, Steps, Wire
from worker.people.consent import Addressed, Transactional

JSON = dict[str, Any]


class Repeat(enum.Enum):
    """What sending the same request twice does at the platform."""

    SAFE = "safe"
    HARMFUL = "harmful"


@dataclass(frozen=True)
class Setting:
    """One environment variable: `NAME_FILE` may hold the path of a file with the value instead."""

    name: str
    meaning: str
    default: str | None = None
    secret: bool = False


@dataclass(frozen=True)
class Pace:
    """How many calls an account may make in a window of `seconds`."""

    calls: int
    seconds: int


@dataclass(frozen=True)
class Limits:
    """The most one request may carry. `assumed` where no document names the limit."""

    rows: int = 1
    bytes: int = 1 << 20
    assumed: bool = True


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect, for each read, and for the whole request (the lease outlives `total` by 30 s)."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 20.0


@dataclass(frozen=True)
class Operation:
    """One documented request of a platform.

    `source` names document and section; `repeat` may be a function of the payload; `auth` names the way in
    that the platform's `sign` knows; `example` is a payload (or one row) that the platform accepts; `may_repeat`
    lets a caller choose that an unsure one is sent again, counted as repeated; `verified` is false where the platform
    says nothing about single rows.

    What a single payload may need besides: `fix` adds, when it is recorded, what must stay the same in every try;
    `split` makes several requests of it, each of `count` rows; `compose` makes the request right before it leaves and
    raises `worker.errors.Refused` if it is too late for it (without it, the payload is the body); `sort` reads what an
    answer says of single rows; `person` names whom it changes: calls for one person go out in the order they were asked
    for, and `names` says by which names else the same person may be asked for, once the platform answered. `lookup`,
    `pages`, `keeps` and `steps`: see there.

    `found_by`: where it names whom it speaks to, and what came of it, for "was it sent?" to be answered.

    `addressed`: which of its rows depend on who may be written to; `transactional`: which requests may be asked for
    past an unsubscription; `blind` says in a sentence why nobody's opt-out can be looked at, None where that is not so.

    With `rows` it delivers files (the platform may tell `later` what came of them); with what stands `around` them in
    each request, single calls as well.

    `deprecated` says in a sentence until when the platform serves it, empty where nobody announced an end.

    With a `campaign` it writes to many people at once, and can be planned and approved as a newsletter.

    With `steps` it is a flow: a job whose requests are calls of other operations, at the platform `at`. `choices` are
    the options that a call of it takes. With `called_back` its `compose` tells the platform where to call when it knows
    what became of each row.
    """

    name: str
    summary: str
    source: str
    method: str
    path: str
    shape: type[Schema]
    repeat: Repeat | Callable[[JSON], Repeat]
    example: JSON
    auth: str = ""
    rows: Rows | None = None
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    may_repeat: bool = False
    verified: bool = True
    fix: Callable[[JSON, Asked], JSON] | None = None
    split: Callable[[JSON, Limits], list[JSON]] | None = None
    count: Callable[[JSON], int] | None = None
    compose: Callable[[JSON, Sending], Wire] | None = None
    sort: Callable[[JSON, JSON], Sorted] | None = None
    person: Callable[[JSON], str | None] | None = None
    names: Callable[[JSON, JSON], list[str]] | None = None
    lookup: Lookup | None = None
    later: Later | None = None
    pages: Pages | None = None
    keeps: Keeps | None = None
    steps: Steps | None = None
    choices: tuple[Choice, ...] = ()
    at: str | None = None
    called_back: bool = False
    found_by: FoundBy = field(default_factory=FoundBy)
    addressed: Addressed | None = None
    transactional: Transactional | None = None
    blind: Callable[[JSON, Mapping[str, str]], str | None] | None = None
    campaign: Campaign | None = None
    deprecated: str = ""

    @property
    def file_rows(self) -> Rows:
        """Its rows, of which a file is recorded: that happens only for operations that have some."""
        assert self.rows is not None  # noqa: S101 - as said above
        return self.rows

    @property
    def takes_files(self) -> bool:
        return self.rows is not None

    @property
    def takes_calls(self) -> bool:
        return self.rows is None or self.rows.around is not None

    @property
    def shown_shape(self) -> type[Schema]:
        """What its page shows: the payload of a call, else one row."""
        return self.shape if self.takes_calls or self.rows is None else self.rows.shape

    @property
    def platform(self) -> str:
        return self.at or self.name.partition(".")[0]


@dataclass(frozen=True)
class Access:
    """One account's way in: base address and credentials by setting name. Its repr shows neither."""

    base_url: str = field(repr=False)
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Unsigned:
    """A request before its credentials: headers, and a JSON body as a dictionary (values may be raw JSON)."""

    headers: Mapping[str, str]
    body: JSON | None


class Unreadable(Exception):
    """An answer inside 2xx that is not one of the platform's: nobody can say what became of the request."""


@dataclass(frozen=True)
class Reading:
    """What a platform's own words in an answer mean: accepted, or refused with a code and a reason.

    `closes`: the account itself is refused (its balance is empty, say), nothing else of it would do better;
    `passing`: the platform says that it is its own trouble, and that the request was not taken.
    """

    accepted: bool
    code: str = "refused"
    reason: str = ""
    answer: JSON | None = None
    closes: bool = False
    passing: bool = False


@dataclass(frozen=True)
class Platform:
    """A platform as the rest of the house sees it.

    `access(values)` builds the way in from setting values or says in a sentence what is missing
    (`NotConnected`); `sign(operation, unsigned, access)` adds credentials; `read(operation, status, headers, body)`
    reads an answer's words, whatever its status, or raises `Unreadable`. `callbacks` if it calls us,
    `opt_outs` if it lists who opted out and calls nobody for it, `everybody` the list of all people that is compared
    with what is known here; `link` if a person can let us in; `watched` is what goes on there after we made it.
    `persons` are the words by which its operations know who has an address (`Operation.person`); `zone` says by which
    clocks people at an account live.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    pace: Setting
    access: Callable[[Mapping[str, str]], Access]
    sign: Callable[[Operation, Unsigned, Access], Unsigned]
    read: Callable[[Operation, int, Mapping[str, str], bytes], Reading]
    operations: tuple[Operation, ...]
    on_unsure: Setting | None = None
    probe: str | None = None
    callbacks: Callbacks | None = None
    opt_outs: Listed | None = None
    everybody: Listed | None = None
    link: Link | None = None
    watched: Watched | None = None
    zone: Setting | None = None
    persons: Callable[[str], Sequence[str]] = lambda _address: ()


class NotConnected(Exception):
    """A platform without its keys: the sentence names the settings that are missing."""
