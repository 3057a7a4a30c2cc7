"""Which rows of a file, or of its sealed copy, name somebody: the whole file is read, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from worker import platforms
from worker.ledger import finding
from worker.ledger.types import Row
from worker.processes.process import Process
from worker.runner.stretch import source_of
from worker.sources.read_back import read_piece, rows_of

# What may stand between the digits of a telephone number, the bytes of hyphens that are no ASCII among it.
BETWEEN_DIGITS = b" \t()-./+\xe2\x80\x90\x91\x92\x93\x94\x95\xc2\xa0"
ESCAPED = b"\\u"


def rows_naming(process: Process, job: Row[Any], wanted: str) -> Iterator[int]:
    """The numbers of rows with a value that is `wanted`, which consent's rule made of an address or an id. Raises
    `SourceChanged`, and what opening a source raises."""
    may_hold, seen = _glance(wanted), set()
    for chunk in process.ledger.read(lambda tx: finding.stretches(tx, job.id)):
        if chunk.too_long or chunk.offset in seen:
            continue
        seen.add(chunk.offset)
        source = source_of(process, job, chunk)
        data = read_piece(source, chunk)
        if may_hold(data):
            taken = rows_of(source, chunk, data)
            yield from (n for n, line in zip(taken.numbers, taken.lines, strict=True) if _names(line, wanted))


def _glance(wanted: str) -> Callable[[bytes], bool]:
    """Most pieces of a large file hold nothing of the kind, which a search in their bytes tells."""
    plain = wanted.encode("utf-8", "surrogatepass")
    if wanted.isdigit():
        return lambda data: plain in data.translate(None, BETWEEN_DIGITS) or ESCAPED in data
    if wanted.isascii():
        small = plain.lower()
        return lambda data: small in data.lower() or ESCAPED in data
    return lambda _data: True


def names(content: Any, wanted: str) -> bool:
    """Whether any value in it, however deep, is `wanted` once consent's rule was put to it."""
    same = platforms.consent().same
    return any(same(value) == wanted for value in _values(content))


def _names(line: bytes, wanted: str) -> bool:
    try:
        return names(msgspec.json.decode(line), wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _values(row: Any) -> Iterator[str]:
    left = [row]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            yield str(value)
