"""Takes what somebody asks for into the ledger: the first act, before anything else can go wrong."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from worker import platforms
from worker.ledger import jobs, planning
from worker.ledger.ids import new_id
from worker.ledger.jobs import Asked
from worker.ledger.types import Connection, Row
from worker.operation import JSON, NotConnected, Operation
from worker.outcome import Refusal
from worker.parts import Part, parts_of
from worker.process import Process
from worker.runner.results import Refused
from worker.seal import digest
from worker.sources.wanted import OptionWrong, wanted
from worker.words import CALL_OPTIONS, CALL_WORDS, FILE_OPTIONS, FILE_WORDS, ON_UNSURE, names

AddCall = Callable[[Connection, planning.Load], Row[Any]]
WORD = re.compile(r"[A-Za-z_]{1,40}")
ACCOUNT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
KINDS: dict[str, tuple[type, str]] = {
    "source": (str, "source has to be a text: a path in the inbox, or an address."),
    "key": (str, "key has to be a text that names what was asked for, once and for all."),
    "account": (str, "account has to be a text, the name of one of your accounts."),
    "options": (dict, "options has to be an object."),
    "then": (list, "then has to be a list of objects."),
}


@dataclass(frozen=True)
class Order:
    """A call's `payload`, or a file's `source`, as an application asked for it. Its repr shows neither."""

    operation: Operation
    account: str
    key: str | None
    payload: JSON | None = field(default=None, repr=False)
    source: str | None = field(default=None, repr=False)
    options: JSON = field(default_factory=dict)
    then: list[JSON] = field(default_factory=list)

    @functools.cached_property
    def parts(self) -> Sequence[Part]:
        """What each request of a call carries; fixed at the first look."""
        return parts_of(self.operation, self.payload)

    @functools.cached_property
    def content(self) -> str:
        """What the same key has to be asked for with again."""
        return json.dumps([self.payload, self.source, self.options, self.then], sort_keys=True)

    @property
    def kind(self) -> str:
        return "file" if self.source is not None else "call"


def read_order(operation: Operation, words: JSON) -> Order:
    """The order in a task's kwargs or a command's words; `Refused` names every word that is off."""
    _refuse(_off_words(operation, words, names(FILE_WORDS if "source" in words else CALL_WORDS)))
    order = Order(
        operation,
        f"{operation.platform}/{words.get('account') or 'default'}",
        words.get("key"),
        words.get("payload"),
        words.get("source"),
        words.get("options") or {},
        words.get("then") or [],
    )
    _refuse(_off_order(order))
    _check_account(order)
    return order


def place(source: str) -> str:
    """A path means the same to every process once it is absolute; an address is left as it is."""
    return source if "://" in source else str(Path(source).absolute())


def _off_words(operation: Operation, words: JSON, allowed: set[str]) -> Iterator[Refusal]:
    unknown = sorted(set(words) - allowed)
    if unknown:
        yield Refusal(
            1, "words.unknown", f"{operation.name} does not know {_named(unknown)}: it takes {_named(allowed)}."
        )
    for word, (kind, sentence) in KINDS.items():
        if word in words and words[word] is not None and not isinstance(words[word], kind):
            yield Refusal(1, f"{word}.invalid", sentence)


def _named(words: Iterable[str]) -> str:
    """Only what looks like a word: what somebody took for one may be their customer."""
    return ", ".join(word if WORD.fullmatch(word) else "(no word)" for word in sorted(words))


def _off_order(order: Order) -> Iterator[Refusal]:
    """Everything that is wrong with the order as a whole."""
    name = order.operation.name
    if order.kind == "file" and order.operation.rows is None:
        yield Refusal(1, "source.not_taken", f"{name} is a single call: give it a payload, not a source.")
    if order.kind == "call" and order.operation.rows is not None:
        yield Refusal(1, "source.missing", f"{name} delivers the rows of a file: give it a source.")
    elif order.kind == "call" and not isinstance(order.payload, dict):
        sentence = f"{name} needs a payload, a JSON object; `omniworker operations {name}` shows one."
        yield Refusal(1, "payload.missing", sentence)
    if order.key is not None and not _is_text(order.key):
        yield Refusal(1, "key.invalid", "A key is a text that names what was asked for, once and for all.")
    if not ACCOUNT.fullmatch(order.account.partition("/")[2]):
        sentence = "account has to be the name of one of your accounts: a letter, then letters, digits, - and _."
        yield Refusal(1, "account.invalid", sentence)
    if not all(map(_is_step, order.then)):
        sentence = (
            "Each entry of `then` is an object with task and queue, both texts, and kwargs, an object, if wanted."
        )
        yield Refusal(1, "then.invalid", sentence)
    yield from _off_options(order)
    yield from _off_size(order)


def _off_options(order: Order) -> Iterator[Refusal]:
    known = names(FILE_OPTIONS if order.kind == "file" else CALL_OPTIONS)
    unknown = sorted(set(order.options) - known)
    if unknown:
        takes = f"it takes {_named(known)}" if known else "a call takes none"
        sentence = f"{order.operation.name} does not know the options {_named(unknown)}: {takes}."
        yield Refusal(1, "options.unknown", sentence)
    try:
        wanted(order.options)
    except OptionWrong as error:
        yield Refusal(1, f"options.{error.option}", str(error))


def _off_size(order: Order) -> Iterator[Refusal]:
    try:
        size, most = len(order.content), order.operation.limits.bytes
    except (TypeError, ValueError, RecursionError) as error:
        yield Refusal(1, "words.not_json", f"It can't be written as JSON ({type(error).__name__}).")
        return
    if order.kind == "call" and size > most:
        sentence = f"The payload has {size:,} bytes as JSON; {order.operation.name} takes at most {most:,}."
        yield Refusal(1, "payload.too_large", sentence)


def _refuse(found: Iterator[Refusal]) -> None:
    """Everything that is off at once, so that nobody has to send a thing twice to learn of its second fault."""
    refusals = list(found)
    if refusals:
        raise Refused.of(refusals, None)


def _is_text(value: Any) -> bool:
    """Something in it, and nothing that no database takes."""
    # Half surrogates and NUL are not printable.
    return isinstance(value, str) and bool(value) and value.isprintable()


def _is_step(step: Any) -> bool:
    if not isinstance(step, dict) or not {"task", "queue"} <= set(step) <= {"task", "queue", "kwargs"}:
        return False
    return all(_is_text(step[name]) for name in ("task", "queue")) and isinstance(step.get("kwargs", {}), dict)


def _check_account(order: Order) -> None:
    """A platform without keys is not connected: its operations are refused with that sentence."""
    try:
        account = platforms.account(order.account)
        account.access  # noqa: B018 - raises where a setting is missing
    except NotConnected as error:
        raise _refused("not_connected", str(error)) from None
    if on_unsure(order) not in (ON_UNSURE.allowed if order.operation.may_repeat else ("park",)):
        raise _refused("options.on_unsure", "on_unsure is park; for user events it may be again.")


def on_unsure(order: Order) -> str:
    """What the order says, else what the account's setting says, where the operation leaves a choice at all."""
    default = platforms.account(order.account).on_unsure if order.operation.may_repeat else "park"
    return str(order.options.get("on_unsure", default))


class Recorded(NamedTuple):
    """The job of an order, whether it is `new`, and the chunk of a new call."""

    job_id: str
    new: bool
    chunk: Row[Any] | None = None


def record(
    process: Process, tx: Connection, order: Order, task_id: str | None, add_call: AddCall = planning.add_call
) -> Recorded:
    """The job of this order. `add_call` says how the chunk of a new call begins, for example claimed."""
    key = order.key or task_id
    asked = Asked(
        operation=order.operation.name,
        account=order.account,
        kind=order.kind,
        key=order.key,
        key_hash=digest("key", key) if key else digest("job", new_id()),
        content_hash=digest("content", order.content),
        source=order.source,
        options=order.options,
        on_unsure=on_unsure(order),
        verified=order.operation.verified,
        then=order.then,
    )
    try:
        job_id, new = jobs.record(tx, asked)
    except jobs.KeyReused as error:
        raise _refused("key_reused", str(error)) from None
    if not new or order.kind == "file":
        return Recorded(job_id, new)
    loads = _loads(process, tx, order, job_id)
    first = add_call(tx, next(loads))
    for load in loads:
        planning.add_call(tx, load)
    return Recorded(job_id, new, first)


def _loads(process: Process, tx: Connection, order: Order, job_id: str) -> Iterator[planning.Load]:
    row = 1
    for n, part in enumerate(order.parts, planning.FIRST_CHUNK):
        person = None if part.person is None else process.people.mark(tx, order.account, part.person)
        sealed = process.seal.close(part.stored())
        yield planning.Load(job_id, order.account, sealed, n, row, part.rows, person)
        row += part.rows


def put(process: Process, order: Order, task_id: str | None = None) -> Row[Any]:
    """Record an order straight into the ledger, without a ticket; the job as it stands."""

    def work(tx: Connection) -> Row[Any]:
        job = jobs.get(tx, record(process, tx, order, task_id).job_id)
        assert job is not None  # noqa: S101 - recorded in this very transaction
        return job

    return process.ledger.write(work)


def _refused(code: str, sentence: str) -> Refused:
    return Refused.of([Refusal(1, code, sentence)], None)
