"""The options of an order, looked at before anything is recorded: unknown ones are refused, not ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from worker.facts.wire import Choice
from worker.operation import JSON, Operation
from worker.orders.words import Option, names
from worker.outcome import Refusal
from worker.sources.chosen import chosen
from worker.sources.wanted import OptionWrong, wanted

WORD = re.compile(r"[A-Za-z_]{1,40}")


def off_options(operation: Operation, declared: tuple[Option | Choice, ...], given: JSON) -> Iterator[Refusal]:
    """Everything that is wrong with the options that were given."""
    own = operation.rows.options if operation.rows and declared else ()
    known = names((*declared, *own))
    unknown = sorted(set(given) - known)
    if unknown:
        takes = f"it takes {named(known)}" if known else "it takes none"
        yield Refusal(1, "options.unknown", f"{operation.name} does not know the options {named(unknown)}: {takes}.")
    for look in (_choices, _file, _rows, _own):
        try:
            look(operation, given)
        except OptionWrong as error:
            yield Refusal(1, f"options.{error.option}", str(error))


def is_text(value: object) -> bool:
    """Something in it, and nothing that no database takes."""
    # Half surrogates and NUL are not printable.
    return isinstance(value, str) and bool(value) and value.isprintable()


def named(words: Iterable[str]) -> str:
    """Only what looks like a word: what somebody took for one may be their customer."""
    return ", ".join(word if WORD.fullmatch(word) else "(no word)" for word in sorted(words))


def _choices(operation: Operation, given: JSON) -> None:
    for choice in operation.choices:
        if not isinstance(given.get(choice.name, False), bool):
            raise OptionWrong(choice.name, f"{choice.name} has to be true or false.")


def _file(_operation: Operation, given: JSON) -> None:
    wanted(given)


def _own(operation: Operation, given: JSON) -> None:
    if operation.rows and operation.rows.look:
        operation.rows.look(given)


def _rows(operation: Operation, given: JSON) -> None:
    asked, rows = chosen(given), operation.rows
    if asked.changed_only and rows and not (asked.unique or rows.identity):
        raise OptionWrong(
            "changed_only",
            f"changed_only needs to know who a row of {operation.name} is about: name the fields with unique.",
        )
