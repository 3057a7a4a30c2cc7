"""What docs/tasks.md says of queues, words and options: from the routes and from worker/orders/words.py."""

from __future__ import annotations

from collections.abc import Iterable

from docs.generator.markdown import code, table
from worker.orders.words import CALL_OPTIONS, CALL_WORDS, FILE_OPTIONS, FILE_WORDS, Option, Word
from worker.platforms import operations
from worker.runner.tasks import routes


def queues() -> str:
    found = operations()
    rows = ((code(name), code(route["queue"]), _kind(name)) for name, route in routes(list(found.values())).items())
    return table(("task", "queue", "takes a"), rows)


def _kind(name: str) -> str:
    return "call" if operations()[name].takes_calls else "file"


def call_words() -> str:
    return _words(CALL_WORDS)


def file_words() -> str:
    return _words(FILE_WORDS)


def _words(declared: Iterable[Word]) -> str:
    rows = ((code(one.name), one.takes, "yes" if one.needed else "", one.meaning) for one in declared)
    return table(("word", "takes", "needed", "meaning"), rows)


def file_options() -> str:
    return table(("option", "takes", "meaning"), ((code(one.name), _values(one), one.meaning) for one in FILE_OPTIONS))


def call_options() -> str:
    return table(("option", "takes", "meaning"), ((code(one.name), _values(one), one.meaning) for one in CALL_OPTIONS))


def _values(one: Option) -> str:
    return " or ".join(map(code, one.allowed)) or one.takes
