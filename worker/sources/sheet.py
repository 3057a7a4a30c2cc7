"""The header of a CSV file: how its cells are divided, and what its columns are called."""

from __future__ import annotations

import csv
import difflib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from worker.facts.rows import Rows
from worker.sources.columns import called, shown
from worker.sources.formulas import restored
from worker.sources.refused import SourceRefused
from worker.sources.wanted import DELIMITERS, Wanted

HEAD = 1 << 16  # bytes in which the header has to end


@dataclass(frozen=True)
class Sheet:
    """`names` are those of the columns as a row has them, `theirs` as the file has them; `head` are the header's bytes,
    which fill `lines` lines."""

    delimiter: str
    names: tuple[str, ...]
    head: bytes
    lines: int
    theirs: tuple[str, ...]


def sheet_of(path: str, begin: bytes, wanted: Wanted, rows: Rows) -> Sheet:
    """The sheet of a file that begins so (in UTF-8, after its byte order mark).

    Raises `SourceRefused` for a header that names no column, names one twice, or lacks one that every row needs.
    """
    if rows.cells is None and not wanted.json_column:
        raise SourceRefused(f"{path} is CSV, which this operation does not take: give the rows as NDJSON.")
    fields = {*(rows.cells.fields if rows.cells else ()), *wanted.map, *wanted.leave_out, wanted.json_column}
    marks = [wanted.delimiter] if wanted.delimiter else DELIMITERS.values()
    # The beginning may end within a letter or a row: what follows the header does not matter here.
    text = begin[: begin.rfind(b"\n") + 1 or None].decode("utf-8", "surrogateescape")
    read = [sheet for mark in marks if (sheet := _read(text, mark, wanted.defused))]
    if not read:
        raise SourceRefused(
            f"{path}: the quotes of the header are wrong: a quoted name has to end with a quote, right before the next "
            f"delimiter or the line's end, within the first {HEAD >> 10} KB."
        )
    sheet = max(read, key=lambda one: (len(fields.intersection(one.names)), len(one.names)))
    if not sheet.names:
        raise SourceRefused(f"{path} holds only empty lines: the first line of CSV names the columns.")
    names = _ours(path, sheet.names, wanted)
    _check(path, names, [wanted.json_column] if wanted.json_column else _needed(rows))
    _check_named(path, names, wanted)
    return replace(sheet, names=names)


def _read(text: str, delimiter: str, is_defused: bool) -> Sheet | None:
    """The first record that is no empty line; None when its quotes are wrong for this delimiter."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        cells = next((record for record in reader if record), [])
    except csv.Error:
        return None
    head = text[: lines.tell()].encode("utf-8", "surrogateescape")
    names = tuple((restored(cell) if is_defused else cell).strip() for cell in cells)
    return Sheet(delimiter, names, head, reader.line_num, names)


def _check_named(path: str, names: Sequence[str], wanted: Wanted) -> None:
    """Columns of which an option speaks have to be there."""
    for option, spoken_of in (("--numbers", wanted.numbers), ("leave_out", wanted.leave_out)):
        if unknown := [name for name in spoken_of if name not in names]:
            raise SourceRefused(f"{path} has no column {unknown[0]!r}, of which {option} speaks: {called(names)}.")


def _ours(path: str, theirs: Sequence[str], wanted: Wanted) -> tuple[str, ...]:
    """The names after `map`. A name in it that is in no column is a slip, not a wish."""
    for name in wanted.map:
        if name not in theirs:
            near = difflib.get_close_matches(name, theirs, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"{called(theirs)}."
            raise SourceRefused(f"{path} has no column {name!r}, of which --map speaks: {hint}")
    return tuple(wanted.map.get(name, name) for name in theirs)


def _check(path: str, names: Sequence[str], needed: Sequence[str]) -> None:
    if "" in names:
        raise SourceRefused(
            f"{path}: column {names.index('') + 1} of {len(names)} has no name in the header: name it, or remove it."
        )
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise SourceRefused(f"{path}: the header names {shown(twice)} twice: rename or remove one of them.")
    if any(not name.isprintable() for name in names):
        raise SourceRefused(
            f"{path}: the header holds characters that are no text: {called(names)}. "
            "Is it CSV, and in UTF-8? Else say --encoding."
        )
    for name in needed:
        if name not in names:
            raise SourceRefused(_missing(path, name, names))


def _missing(path: str, name: str, names: Sequence[str]) -> str:
    folded = {other.casefold(): other for other in names}
    near = difflib.get_close_matches(name, folded, 1)
    like = folded[near[0]] if near else "THEIRS"
    return (
        f"{path} has no column {name!r}; {called(names)}. The first line has to name the columns: rename one in the "
        f"file, or say --map {_word(f'{like}={name}')}."
    )


def _word(text: str) -> str:
    return f"'{text}'" if " " in text else text


def _needed(rows: Rows) -> list[str]:
    """The fields that the shape can't do without."""
    assert rows.cells is not None  # noqa: S101 - looked at before
    fields = rows.shape().fields
    return [name for name in rows.cells.fields if name in fields and fields[name].required]
