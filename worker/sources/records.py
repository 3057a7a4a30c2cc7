"""Cuts CSV into records: lines, but for those that end inside a quoted cell.

Python's own reader (strict, RFC 4180) says where a record ends, so cutting and reading back can't differ. Text is
taken for Latin-1 meanwhile, in which every byte is a letter: only quotes, delimiters and line ends matter here.
An empty line is no row. Where quotes are wrong, the lines of that record are one row, refused when it is read back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from worker.operation import Limits
from worker.sources.inbox import BLOCK
from worker.sources.piece import Piece, Stretch, line_limit, piece_of
from worker.sources.refused import SourceRefused
from worker.sources.source import Source

LONGEST = 16 << 20
# A row in JSON repeats every column's name; quotes, colon and comma come with it.
SIGNS = 6
# Cells are bounded by the length of a record, checked before the reader sees it.
csv.field_size_limit(LONGEST)


class Record(NamedTuple):
    """`parts` are its lines, none when it is longer than a request; `row` is 0 for an empty line."""

    parts: Sequence[bytes]
    length: int
    lines: int
    row: int


class _Long(Exception):
    """The record is longer than any request."""


class _Feed:
    """Hands lines to the reader as text, and remembers those of the record it is in."""

    def __init__(self, lines: Iterator[bytes], most: int) -> None:
        self._lines = lines
        self._most = most
        self.parts: list[bytes] = []
        self.length = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.parts.append(line)
        self.length += len(line)
        if self.length > self._most:
            raise _Long
        return line.decode("latin-1")

    def take(self, row: int) -> Record:
        record = Record(self.parts, self.length, len(self.parts), row)
        self.parts, self.length = [], 0
        return record


def cut_closely(source: Source, limits: Limits, offset: int, row: int) -> Iterator[Piece]:
    """The pieces of a CSV file from `offset`, which is the beginning of line `row` and where its stream stands."""
    most = line_limit(limits)
    names = weight_of_names(source)
    held: list[Record] = []
    weight = rows = 0
    for record in _records(source, most, row):
        heavier = weight + record.length + names * record.row
        if held and (not record.parts or rows == limits.rows or heavier > most):
            yield from _kept(piece := _piece(source, offset, row, held))
            offset, row = offset + piece.length, row + piece.lines
            held, rows, heavier = [], 0, record.length + names * record.row
        if record.parts:
            held.append(record)
            weight, rows = heavier, rows + record.row
        else:
            yield Piece(offset, record.length, row, record.lines, 1, "", too_long=True)
            offset, row, weight = offset + record.length, row + record.lines, 0
    if held:
        yield from _kept(_piece(source, offset, row, held))


def weight_of_names(source: Source) -> int:
    """What they add to each row of a request."""
    if source.reader and source.reader.names_once:
        return 0
    return len(source.head) + SIGNS * source.head.count(source.delimiter.encode())


def halve_records(source: Source, piece: Stretch, data: bytes) -> tuple[Piece, Piece]:
    """The two halves of a piece whose bytes are `data`."""
    found = list(records_in(data, source.delimiter))
    rows = [at for at, record in enumerate(found) if record.row]
    middle = rows[len(rows) // 2]
    first = _piece(source, piece.offset, piece.first_row, found[:middle])
    offset, row = first.offset + first.length, first.first_row + first.lines
    return first, _piece(source, offset, row, found[middle:])


def records_in(data: bytes, delimiter: str) -> Iterator[Record]:
    """The records of whole lines that are in memory, empty ones too."""
    return _split(_lines(io.BytesIO(data), len(data)), len(data), delimiter)


def _kept(piece: Piece) -> Iterator[Piece]:
    if piece.rows:
        yield piece


def _piece(source: Source, offset: int, row: int, records: Sequence[Record]) -> Piece:
    parts = [part for record in records for part in record.parts]
    return piece_of(source.head, offset, row, len(parts), sum(record.row for record in records), parts)


def _records(source: Source, most: int, row: int) -> Iterator[Record]:
    """All records; one longer than `most` without its lines. Raises `SourceRefused` for one that has no end."""
    lines = _lines(source.stream, most)
    for record in _split(lines, most, source.delimiter):
        if record.length > most:
            record = _to_its_end(record, lines)
            if record.length > LONGEST:
                raise SourceRefused(_endless(source.path, row))
        row += record.lines
        yield record


def _split(lines: Iterator[bytes], most: int, delimiter: str) -> Iterator[Record]:
    """The records as they come; of one longer than `most` only the beginning, and whoever asks takes the rest."""
    feed = _Feed(lines, most)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield feed.take(1)
        except _Long:
            yield feed.take(1)
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
        else:
            yield feed.take(1 if cells else 0)


def _to_its_end(begun: Record, lines: Iterator[bytes]) -> Record:
    """A record ends with the first line that leaves no quote open; nothing of it is kept."""
    length, count = begun.length, _ends(begun.parts)
    quotes, last = sum(part.count(b'"') for part in begun.parts), begun.parts[-1]
    while (quotes % 2 or not _ends([last])) and length <= LONGEST:
        last = next(lines, b"")
        if not last:
            break
        quotes, length, count = quotes + last.count(b'"'), length + len(last), count + _ends([last])
    return Record((), length, count + (not _ends([last])), 1)


def _ends(parts: Sequence[bytes]) -> int:
    return sum(part.endswith((b"\n", b"\r")) for part in parts)


def _lines(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """Lines with their ends, which are LF, CRLF or CR; one longer than `most` may come in parts."""
    rest = b""
    while block := stream.read(BLOCK):
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield from lines
        if len(rest) > most and not rest.endswith(b"\r"):
            yield rest
            rest = b""
    if rest:
        yield rest


def _endless(path: str, row: int) -> str:
    return (
        f"{path}: the row that begins in line {row} does not end within {LONGEST >> 20} MB, so a closing quote is "
        f"probably missing there. Nothing from line {row} on is sent: mend that line, and import the file again, "
        "without the rows before it if the report says that they were accepted."
    )
