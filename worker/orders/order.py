"""What somebody asks for, read and found possible: a call's payload, a file's source, or rows given with the order."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker import accounts, platforms
from worker.afterwards import off_afterwards
from worker.checking.check import check_payload
from worker.facts.wire import Choice, Steps
from worker.operation import JSON, NotConnected, Operation
from worker.orders.options import is_text, named, off_options
from worker.orders.parts import Part, parts_of, steps_for
from worker.orders.permitted import off_consent
from worker.orders.words import (
    CALL_OPTIONS,
    CALL_WORDS,
    FILE_OPTIONS,
    FILE_WORDS,
    ON_UNSURE,
    ROWS_OPTIONS,
    ROWS_WORDS,
    Option,
    Word,
    names,
)
from worker.outcome import Refusal
from worker.runner.results import Refused
from worker.seal import digest
from worker.sources.given import lines_of_given
from worker.sources.refused import SourceRefused

KINDS: dict[str, tuple[type, str]] = {
    "source": (str, "source has to be a text: a path in the inbox, or an address."),
    "key": (str, "key has to be a text that names what was asked for, once and for all."),
    "account": (str, "account has to be a text, the name of one of your accounts."),
    "options": (dict, "options has to be an object."),
    "then": (list, "then has to be a list of objects."),
    "on_error": (list, "on_error has to be a list of objects."),
}
# A call that is cut into several requests may be larger than one of them.
MOST_REQUESTS = 32


@dataclass(frozen=True)
class Order:
    """What an application asked for. Its repr shows no content."""

    operation: Operation
    account: str
    key: str | None
    payload: JSON | None = field(default=None, repr=False)
    source: str | None = field(default=None, repr=False)
    rows: bytes | None = field(default=None, repr=False)
    options: JSON = field(default_factory=dict)
    then: list[JSON] = field(default_factory=list)
    on_error: list[JSON] = field(default_factory=list)
    parent: str | None = None
    step: str | None = None
    urgent: bool = False
    each: Sequence[JSON] = field(default=(), repr=False)

    @property
    def steps(self) -> Steps | None:
        return steps_for(self.operation, self.options)

    @functools.cached_property
    def parts(self) -> Sequence[Part]:
        """What each request of a call carries; fixed at the first look."""
        whole = self.steps is not None
        payloads: Sequence[Any] = self.each or [self.payload]
        return [part for one in payloads for part in parts_of(self.operation, one, whole=whole)]

    @functools.cached_property
    def content(self) -> str:
        """What the same key has to be asked for with again."""
        also = [self.on_error] if self.on_error else []
        said = json.dumps([self.payload, self.source, self.options, self.then, *also], sort_keys=True)
        many = json.dumps(self.each, sort_keys=True) if self.each else ""
        return said + many if self.rows is None else said + digest(self.rows.decode())

    @property
    def kind(self) -> str:
        return "call" if self.source is None and self.rows is None else "file"

    @property
    def around(self) -> JSON | None:
        """What stands around the rows of a file in each request."""
        return self.payload if self.kind == "file" else None

    @property
    def on_unsure(self) -> str:
        """What the order says, else what the account's setting says, where the operation leaves a choice at all."""
        default = platforms.account(self.account).on_unsure if self.operation.may_repeat else "park"
        return str(self.options.get("on_unsure", default))


def read_order(operation: Operation, words: JSON) -> Order:
    """The order in a task's kwargs or a command's words; `Refused` names every word that is off."""
    known: tuple[Word, ...] = FILE_WORDS if "source" in words else ROWS_WORDS if "rows" in words else CALL_WORDS
    _refuse(_off_words(operation, words, names(known)))
    order = Order(
        operation,
        f"{operation.platform}/{words.get('account') or 'default'}",
        words.get("key"),
        words.get("payload"),
        words.get("source"),
        _rows(words["rows"]) if "rows" in words else None,
        words.get("options") or {},
        words.get("then") or [],
        words.get("on_error") or [],
    )
    _refuse(_off_order(order))
    _check_account(order)
    payloads = (
        [part.payload for part in order.parts if not part.refusals] if order.kind == "call" else [order.around or {}]
    )
    _refuse(off_consent(operation, order.options, payloads, platforms.account(order.account).told))
    return order


def place(source: str) -> str:
    """A path means the same to every process once it is absolute; an address is left as it is."""
    return source if "://" in source else str(Path(source).absolute())


def _rows(given: Any) -> bytes:
    try:
        return lines_of_given(given)
    except SourceRefused as error:
        raise refused("rows.invalid", str(error)) from None


def _off_words(operation: Operation, words: JSON, allowed: set[str]) -> Iterator[Refusal]:
    unknown = sorted(set(words) - allowed)
    if unknown:
        yield Refusal(
            1, "words.unknown", f"{operation.name} does not know {named(unknown)}: it takes {named(allowed)}."
        )
    for word, (kind, sentence) in KINDS.items():
        if word in words and words[word] is not None and not isinstance(words[word], kind):
            yield Refusal(1, f"{word}.invalid", sentence)


def _off_order(order: Order) -> Iterator[Refusal]:
    """Everything that is wrong with the order as a whole."""
    name = order.operation.name
    if order.kind == "file" and not order.operation.takes_files:
        yield Refusal(1, "source.not_taken", f"{name} is a single call: give it a payload, not rows.")
    if order.kind == "call" and not order.operation.takes_calls:
        yield Refusal(1, "source.missing", f"{name} delivers the rows of a file: give it a source, or rows.")
    elif order.kind == "call" and not isinstance(order.payload, dict):
        yield Refusal(
            1, "payload.missing", f"{name} needs a payload, a JSON object; `omniworker operations {name}` shows one."
        )
    yield from _off_around(order)
    if order.key is not None and not is_text(order.key):
        yield Refusal(1, "key.invalid", "A key is a text that names what was asked for, once and for all.")
    if not accounts.NAME.fullmatch(order.account.partition("/")[2]):
        yield Refusal(
            1,
            "account.invalid",
            "account has to be the name of one of your accounts: small letters, digits, - and _.",
        )
    yield from off_afterwards(order.then, order.on_error)
    yield from off_options(order.operation, _options_of(order), order.options)
    yield from _off_size(order)


def _options_of(order: Order) -> tuple[Option | Choice, ...]:
    if order.kind == "call":
        return (*CALL_OPTIONS, *order.operation.choices)
    return ROWS_OPTIONS if order.source is None else FILE_OPTIONS


def _off_around(order: Order) -> Iterator[Refusal]:
    """What is said beside the rows of a file: checked as a whole before anything is recorded."""
    around = order.operation.rows.around if order.operation.rows else None
    if order.kind == "call" or (around is None and order.payload is None):
        return
    if around is None:
        yield Refusal(
            1,
            "payload.not_taken",
            f"{order.operation.name} takes nothing beside its rows: leave the payload out.",
        )
        return
    yield from check_payload({} if order.payload is None else order.payload, around)[1]


def _off_size(order: Order) -> Iterator[Refusal]:
    try:
        size = len(order.content)
    except (TypeError, ValueError, RecursionError) as error:
        yield Refusal(1, "words.not_json", f"It can't be written as JSON ({type(error).__name__}).")
        return
    most = order.operation.limits.bytes * (MOST_REQUESTS if order.operation.split else 1)
    if order.kind == "call" and size > most:
        yield Refusal(
            1,
            "payload.too_large",
            f"The payload has {size:,} bytes as JSON; {order.operation.name} takes at most {most:,}.",
        )


def _refuse(found: Iterator[Refusal]) -> None:
    """Everything that is off at once, so that nobody has to send a thing twice to learn of its second fault."""
    refusals = list(found)
    if refusals:
        raise Refused.of(refusals, None)


def _check_account(order: Order) -> None:
    """A platform without keys is not connected: its operations are refused with that sentence."""
    try:
        account = platforms.account(order.account)
        if not account.by_link(order.operation):  # its link lies in the ledger: whoever records it looks there
            account.access  # noqa: B018 - raises where a setting is missing
    except NotConnected as error:
        raise refused("not_connected", str(error)) from None
    if order.on_unsure not in (ON_UNSURE.allowed if order.operation.may_repeat else ("park",)):
        raise refused("options.on_unsure", "on_unsure is park; for user events it may be again.")


def refused(code: str, sentence: str) -> Refused:
    return Refused.of([Refusal(1, code, sentence)], None)
