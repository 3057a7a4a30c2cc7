"""Facts about who may be written to: records, no behaviour. The rule stands in `tasks/consent.py` and is found by
`platforms.consent()`; the house itself knows none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Of each reason, the latest that is known: its own time in seconds since 1970, and where it came from.
Known = dict[str, list[Any]]


@dataclass(frozen=True)
class Event:
    """Somebody agreed to be written to on one channel, or no longer does; or their address stopped to work.

    `reason` says which; `at` is the event's own time in seconds since 1970, not that of its arrival; `source` an
    account, a file or a person's name. `purpose` is what was agreed to or taken back.
    """

    address: str = field(repr=False)
    channel: str
    reason: str
    at: float
    source: str
    purpose: str


@dataclass(frozen=True)
class Standing:
    """Where somebody stands: may not be written to (`out`), or agreed; why, since when, and who said so."""

    out: bool
    reason: str
    at: float
    source: str

    @property
    def state(self) -> str:
        return "out" if self.out else "in"


@dataclass(frozen=True)
class Way:
    """One address at which a row reaches somebody, and the channels that lead there."""

    address: str = field(repr=False)
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """What decides: functions of facts alone, which give the same in whatever order events come.

    `same` is the form in which two spellings of an address are equal, None for what is no address; `purposes` are those
    that an event speaks of; `learn` takes an event into what is known; `standing` reads where that leaves somebody;
    `stops` says of the opt-outs on the ways to an address (a reason, or None for each channel) whether it is dropped.
    `opt_ins` and `opt_outs` are the reasons there are, the gravest first.
    """

    channels: tuple[str, ...]
    purposes_of_use: tuple[str, ...]
    opt_outs: tuple[str, ...]
    opt_ins: tuple[str, ...]
    same: Callable[[str], str | None]
    channels_of: Callable[[str], tuple[str, ...]]
    purposes: Callable[[Event], Sequence[str]]
    learn: Callable[[Known, Event], Known]
    standing: Callable[[Known], Standing]
    stops: Callable[[Sequence[str | None]], bool]


@dataclass(frozen=True)
class Addressed:
    """Where the rows of a request depend on who may be written to.

    `ways(row)` are the addresses that it writes to, or says may be written to; `without(row, addresses)` is the row
    without these, None when nobody is left; `note` says of such a row what was left out. `key` names the rows in the
    payload of a call; without it the payload is the one row.
    """

    ways: Callable[[Any], Sequence[Way]]
    without: Callable[[Any, Collection[str]], Any | None]
    note: str
    key: str | None = None


@dataclass(frozen=True)
class Transactional:
    """Which requests may be asked for as transactional: those whose `id` stands in the comma list of `setting`.
    `said(payload)`: whether the payload itself asks for it."""

    setting: str
    id: Callable[[Any], object]
    said: Callable[[Any], bool] = field(default=lambda _payload: False)

    def listed(self, payload: Any, settings: Mapping[str, str]) -> bool:
        return str(self.id(payload)) in [one.strip() for one in settings.get(self.setting, "").split(",")]
