"""Cuts a file into pieces, reading it once as a stream and holding no more than about twice a piece.

The number of a row is that of the line on which it begins, from 1, in every format: for CSV the header has line 1, and
a row with a line break inside a cell has several lines. Of NDJSON a row is a line; lines of nothing but white space
are counted but are no rows.
Measured with 1,000,000 lines of 230 bytes: 0.5 s of CPU, 0.2 s of it SHA-256; `readline` with a limit was faster
than searching blocks for line ends or splitting them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from worker.operation import Limits
from worker.sources.inbox import BLOCK
from worker.sources.piece import Piece, Stretch, line_limit, piece_of
from worker.sources.records import halve_records
from worker.sources.source import Source
from worker.sources.strides import cut_records


def cut(source: Source, limits: Limits, after: Stretch | None = None) -> Iterator[Piece]:
    """The pieces of a file in order, each within `limits`; those behind `after`, where cutting goes on.

    Raises `SourceRefused` at the end when the file was changed meanwhile.
    """
    offset, row = (after.offset + after.length, after.first_row + after.lines) if after else (source.start, source.row)
    source.stream.seek(offset)
    yield from (cut_records if source.reader else _cut_lines)(source, limits, offset, row)
    source.check_unchanged()


def halves(source: Source, piece: Stretch, data: bytes) -> tuple[Piece, Piece]:
    """Cut a piece of two rows or more in the middle of its rows; `data` are its bytes."""
    return (halve_records if source.reader else _halve_lines)(source, piece, data)


def _cut_lines(source: Source, limits: Limits, offset: int, row: int) -> Iterator[Piece]:
    most = line_limit(limits)
    while lines := _next_lines(source.stream, limits.rows, most):
        piece = _long_line(source.stream, offset, row, lines[0]) if len(lines[0]) > most else _piece(offset, row, lines)
        if piece.rows:
            yield piece
        offset += piece.length
        row += piece.lines


def _halve_lines(_source: Source, piece: Stretch, data: bytes) -> tuple[Piece, Piece]:
    lines = io.BytesIO(data).readlines()
    rows = [at for at, line in enumerate(lines) if not line.isspace()]
    middle = rows[len(rows) // 2]
    first = _piece(piece.offset, piece.first_row, lines[:middle])
    return first, _piece(first.offset + first.length, first.first_row + first.lines, lines[middle:])


def _next_lines(stream: BinaryIO, rows: int, most: int) -> list[bytes]:
    """The lines of the next piece, or one line's beginning, longer than `most`."""
    lines: list[bytes] = []
    held = found = 0
    while found < rows and held <= most and (line := stream.readline(most + 1)):
        held += len(line)
        if held > most and lines:
            stream.seek(-len(line), os.SEEK_CUR)
            break
        lines.append(line)
        found += not line.isspace()
    return lines


def _piece(offset: int, first_row: int, lines: Sequence[bytes]) -> Piece:
    rows = len(lines) - sum(map(bytes.isspace, lines))
    return piece_of(b"", offset, first_row, len(lines), rows, lines)


def _long_line(stream: BinaryIO, offset: int, row: int, begun: bytes) -> Piece:
    length, blank, part = len(begun), begun.isspace(), begun
    while not part.endswith(b"\n") and (part := stream.readline(BLOCK)):
        length += len(part)
        blank = blank and part.isspace()
    return Piece(offset, length, row, 1, int(not blank), "", too_long=True)
