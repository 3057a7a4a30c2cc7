"""Fields of which an option speaks have to be in the file: a slip is refused, not followed to nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from worker.facts.rows import Rows
from worker.sources.chosen import chosen
from worker.sources.columns import called
from worker.sources.refused import SourceRefused


def check_columns(path: str, columns: Sequence[str], options: Mapping[str, Any], rows: Rows) -> None:
    """Of CSV, whose header names all there are. Raises `SourceRefused`."""
    for said in _missing(path, "column", columns, columns, options, rows):
        raise SourceRefused(said)


def missing_fields(path: str, lines: Iterable[bytes], options: Mapping[str, Any], rows: Rows) -> list[str]:
    """Of JSON, whose rows may lack a field that others have: a sentence on each that none of these lines has, and that
    the operation does not know either."""
    found = dict.fromkeys(name for line in lines for name in _names(line))
    known = (*found, *rows.shape().load_fields)
    return list(_missing(path, "field", tuple(found), known, options, rows)) if found else []


def _missing(
    path: str, kind: str, names: Sequence[str], known: Sequence[str], options: Mapping[str, Any], rows: Rows
) -> Iterator[str]:
    for option, name in _spoken_of(options, rows):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            word = f"--{option.replace('_', '-')}"
            yield f"{path} has no {kind} {name!r}, of which {word} speaks: {hint}{called(names, kind)}."


def _spoken_of(options: Mapping[str, Any], rows: Rows) -> Iterable[tuple[str, str]]:
    """Option and field."""
    yield from (("unique", name) for name in chosen(options).unique)
    if rows.speaks_of is not None:
        yield from rows.speaks_of(options).items()


def _names(line: bytes) -> Iterable[str]:
    """Of a row and of the objects in it: what is gathered under one of its fields is named like the others."""
    try:
        row = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if isinstance(row, dict):
        yield from row
        yield from (name for value in row.values() if isinstance(value, dict) for name in value)
