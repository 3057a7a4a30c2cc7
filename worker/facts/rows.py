"""Facts about the rows of a file: what each may be, what a job says of all of them, and how they become a request.

Records like those of `operation.py`, which holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from marshmallow import Schema

from worker.facts.wire import JSON, CalledBack, Wire
from worker.orders.words import Option
from worker.people.consent import Addressed


@dataclass(frozen=True)
class Cells:
    """What the columns of a CSV file are to a row.

    Those named in `fields` become its fields. All others go under `rest`; without it, they are fields as well.
    `moments` are dates and times, of which a job may say the time zone. `likely` are further names that the platform
    knows: a column that is nearly called so is probably meant. `names_once`: the names of columns go once a request,
    not with each row.

    `precheck` takes the cells of all rows of a chunk, and gives back what is sent for them, as `Rows.shape` and
    `Rows.fit` would leave it, or None when it can't vouch for every one: then no row has to become JSON first.

    `example` is a header and two rows that the platform accepts.
    """

    fields: tuple[str, ...]
    rest: str | None = None
    moments: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()
    names_once: bool = False
    precheck: Callable[[Sequence[Sequence[str]], Brief], Sequence[Any] | None] | None = None
    example: str = ""


@dataclass(frozen=True)
class Brief:
    """What is known of all rows of a file's job: its options, the account's settings that are no secret, when it was
    asked for, what stands around the rows in each request, and the columns in their order: those of CSV, or the names
    in the first row of JSON. `callback`: where the platform can tell what became of the rows of one request."""

    options: Mapping[str, Any]
    settings: Mapping[str, str]
    asked_at: datetime
    around: JSON = field(default_factory=dict, repr=False)
    columns: tuple[str, ...] = ()
    callback: CalledBack | None = None


def as_list(rows: Sequence[Any], _brief: Brief) -> bytes:
    """The rows as one JSON array."""
    return msgspec.json.encode(rows)


@dataclass(frozen=True)
class Rows:
    """How the rows of a file become one request after the other.

    `shape` is the one truth of what a row may be and writes the reasons. `precheck` takes the raw lines of
    a whole chunk and gives back what to send for them, in order, or None when it can't vouch for every one
    of them; it may accept only what `shape` accepts, with the same result (a property test holds it to that).
    Without `cells` the rows can't come as CSV.

    `fit` makes of a checked row what is sent of it, with what only the job can say; it raises marshmallow's
    `ValidationError` like a shape. `encode` writes the rows that go, which `Limits` bounds; `wire` is the request
    around them, in place of a JSON body with the list under `key`. `around` is the shape of what a job says beside its
    rows, as its `payload`: such an operation can be asked for as a single call too. `identity` names the fields that
    say who a row is about, where later rows about the same replace earlier ones.

    `alone` is the request of a single row, where that is another one. `cut` says how many rows a request carries, by
    the operation's limits, the job's options, and whether its file has more than `few` rows. `options` are those that
    only this operation takes; `look` raises `worker.sources.wanted.OptionWrong` for one that can't be followed.
    `speaks_of` says of which fields such options speak, by their names.
    `addressed` says which rows depend on who may be written to, where their columns have to be known for it.
    """

    key: str
    shape: type[Schema]
    precheck: Callable[[Sequence[bytes]], list[Any] | None] | None = None
    cells: Cells | None = None
    fit: Callable[[JSON, Brief], Any] | None = None
    encode: Callable[[Sequence[Any], Brief], bytes] = as_list
    wire: Callable[[bytes, Brief], Wire] | None = None
    around: type[Schema] | None = None
    identity: tuple[str, ...] = ()
    alone: Callable[[JSON, Brief], Wire] | None = None
    cut: Callable[[int, Mapping[str, Any], bool], int] | None = None
    few: int = 0
    options: tuple[Option, ...] = ()
    look: Callable[[Mapping[str, Any]], None] | None = None
    speaks_of: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    addressed: Callable[[Brief], Addressed | None] | None = None
