"""Reads a chunk's rows back from where they lie, and makes sure that they are the rows that were cut."""

from __future__ import annotations

from worker.sources.piece import Stretch, checksum
from worker.sources.read_rows import ReadRows
from worker.sources.source import Source


class SourceChanged(Exception):
    """A file is not what it was when it was cut; the sentence says where."""


def read_piece(source: Source, piece: Stretch) -> bytes:
    """The bytes of a piece that is not too long. Threads may share the source: its position is not used.

    Raises `SourceChanged` when there are fewer, or other ones, than were cut.
    """
    if piece.too_long:
        raise ValueError("a line that is too long is never read back: it may not fit into memory")
    data = source.read_at(piece.offset, piece.length)
    if len(data) < piece.length:
        raise SourceChanged(_sentence(source, piece, f"it now ends at byte {piece.offset + len(data)}"))
    if checksum(source.head, data) != piece.checksum:
        raise SourceChanged(_sentence(source, piece, "its bytes differ from those that were recorded"))
    return data


def rows_of(source: Source, piece: Stretch, data: bytes) -> ReadRows:
    """The rows of a piece whose bytes are `data`: as lines of JSON, or refused where CSV can't be made into one."""
    return source.reader.rows(piece, data) if source.reader else ReadRows(*lines_of(piece, data))


def lines_of(piece: Stretch, data: bytes) -> tuple[list[int], list[bytes]]:
    """The numbers and the raw lines, without their ends, of a piece's rows; blank lines are left out."""
    lines = data.removesuffix(b"\n").split(b"\n")
    if b"\r" in data:
        lines = [line.removesuffix(b"\r") for line in lines]
    if piece.rows == piece.lines:  # nearly always: no line is blank
        return list(range(piece.first_row, piece.first_row + piece.lines)), lines
    numbers = [number for number, line in enumerate(lines, piece.first_row) if line and not line.isspace()]
    if len(numbers) < len(lines):
        lines = [line for line in lines if line and not line.isspace()]
    return numbers, lines


def _sentence(source: Source, piece: Stretch, what: str) -> str:
    last = piece.first_row + piece.lines - 1
    return (
        f"{source.path} was changed after it was cut into chunks: {what}, in rows {piece.first_row} to {last} "
        f"(from byte {piece.offset}). Nothing of this chunk was sent; the job stops. "
        "Put a file in place whole and leave it there until its job has ended; import what is missing as a new file."
    )
