"""Leaves traces of whom a call, or a row that came with an order, speaks to, and of what its answer named.

An address is hashed as consent does it, so that all spellings of it are one. Whoever records a call leaves them in the
same transaction; of a request to very many people they are left in several, right before it is made ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from worker import platforms
from worker.ledger import traces
from worker.ledger.traces import WHOLE
from worker.ledger.types import Connection, Row
from worker.operation import JSON, Operation
from worker.processes.process import Process

AT_ONCE = 500  # rows of one request, traces of one transaction
Found = tuple[int, str]  # the number of a row, and what it is found by


def of_payload(operation: Operation, payload: Any, first: int = 1, rows: int = 1) -> Iterator[Found]:
    """What a payload names, of each of its rows, which are numbered from `first`; of one that nobody could send too."""
    for path in operation.found_by.asked:
        for place, name in _places(payload, path.split(".")):
            yield first + (place if place and place < rows else 0), name


def of_row(operation: Operation, row: Any) -> Iterator[str]:
    """What a row of a file names."""
    for path in operation.found_by.row:
        yield from (name for _, name in _places(row, path.split(".")))


def of_answer(operation: Operation, answer: JSON, chunk: Row[Any]) -> Iterator[Found]:
    """What an answer names: of a single row, where there is one, or one item a row."""
    for path in operation.found_by.answered:
        found = list(_places(answer, path.split(".")))
        each = chunk.rows == 1 or [place for place, _ in found] == list(range(chunk.rows))
        yield from (((chunk.first_row + (place or 0)) if each else WHOLE, name) for place, name in found)


def of_lines(operation: Operation, numbers: Sequence[int], lines: Iterable[bytes]) -> Iterator[Found]:
    """What the rows of a piece name; a line that can't be read names nothing."""
    for number, line in zip(numbers, lines, strict=True):
        try:
            row = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        yield from ((number, name) for name in of_row(operation, row))


def leave(process: Process, tx: Connection, job_id: str, found: Iterable[Found]) -> None:
    """In this transaction."""
    traces.leave(tx, job_id, dict.fromkeys((row, who) for row, name in found if (who := _hash(process, tx, name))))


def leave_many(process: Process, chunk: Row[Any], operation: Operation) -> None:
    """Of a call to more people than a transaction should hold, unless that was done in an earlier try. Rows that came
    with an order left theirs when it was recorded."""
    if chunk.payload is None or chunk.rows <= AT_ONCE:
        return
    last = chunk.first_row + chunk.rows - 1
    if process.ledger.read(lambda tx: traces.has(tx, chunk.job_id, last)):
        return
    stored = process.seal.open(chunk.payload)
    if isinstance(stored, str):
        return
    found = sorted(of_payload(operation, next(iter(stored.values())), chunk.first_row, chunk.rows))
    for begin in range(0, len(found), AT_ONCE):
        some = found[begin : begin + AT_ONCE]
        process.ledger.write(lambda tx, some=some: leave(process, tx, chunk.job_id, some))  # type: ignore[misc]


def hashed(process: Process, tx: Connection, name: str) -> str | None:
    """By what a row is found that names this; None for nothing at all."""
    return _hash(process, tx, name)


def _hash(process: Process, tx: Connection, name: str) -> str | None:
    same = platforms.consent().same(name)
    return None if same is None else process.people.everywhere(tx, same)


def _places(value: Any, path: Sequence[str], place: int | None = None) -> Iterator[tuple[int | None, str]]:
    """Texts and whole numbers at a path, with their place in the first list on the way."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            if not isinstance(one, list):  # of no document
                yield from _places(one, path, number if place is None else place)
    elif not path:
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield place, str(value)
    elif isinstance(value, dict):
        inner = value.values() if path[0] == "*" else (value.get(path[0]),)
        for one in inner:
            yield from _places(one, path[1:], place)
