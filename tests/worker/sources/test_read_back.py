"""Reading a chunk back: what was cut, or a sentence that says where the file was changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from worker.operation import Limits
from worker.sources.cut import cut
from worker.sources.inbox import open_source
from worker.sources.piece import ENVELOPE, Piece
from worker.sources.read_back import SourceChanged, lines_of, read_piece
from worker.sources.source import Source

CONTENT = b"one\ntwo\n\nthree\nfour\n"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def source(rows: Path) -> Iterator[Source]:
    with open_source(rows.name, [rows.parent]) as opened:
        yield opened


@pytest.fixture
def pieces(source: Source) -> list[Piece]:
    return list(cut(source, Limits(2, ENVELOPE + 100)))


def test_what_was_cut_is_read_back_in_any_order(source: Source, pieces: list[Piece]) -> None:
    assert [read_piece(source, piece) for piece in reversed(pieces)] == [b"\nthree\nfour\n", b"one\ntwo\n"]


def test_the_rows_of_a_piece_keep_their_line_numbers(source: Source, pieces: list[Piece]) -> None:
    assert lines_of(pieces[1], read_piece(source, pieces[1])) == ([4, 5], [b"three", b"four"])


def test_line_ends_of_both_kinds_are_left_out(pieces: list[Piece]) -> None:
    piece = replace(pieces[0], lines=5, rows=3)
    assert lines_of(piece, b"one\r\n\r\ntwo\n \r\nthree") == ([1, 3, 5], [b"one", b"two", b"three"])


def test_a_changed_byte_is_found_and_the_sentence_says_where(source: Source, pieces: list[Piece], rows: Path) -> None:
    rows.write_bytes(CONTENT.replace(b"four", b"FOUR"))
    assert read_piece(source, pieces[0]) == b"one\ntwo\n"
    with pytest.raises(SourceChanged) as changed:
        read_piece(source, pieces[1])
    assert str(rows) in str(changed.value)
    assert "its bytes differ" in str(changed.value)
    assert "in rows 3 to 5 (from byte 8)" in str(changed.value)
    assert "Nothing of this chunk was sent; the job stops." in str(changed.value)


def test_a_file_cut_short_is_found_and_the_sentence_says_where(source: Source, pieces: list[Piece], rows: Path) -> None:
    rows.write_bytes(CONTENT[:10])
    with pytest.raises(SourceChanged, match=r"now ends at byte 10, in rows 3 to 5 \(from byte 8\)"):
        read_piece(source, pieces[1])


def test_a_file_that_grew_is_still_read(source: Source, pieces: list[Piece], rows: Path) -> None:
    rows.write_bytes(CONTENT + b"five\n")
    assert read_piece(source, pieces[1]) == b"\nthree\nfour\n"


def test_a_line_that_is_too_long_is_never_read_into_memory(source: Source) -> None:
    with pytest.raises(ValueError, match="never read back"):
        read_piece(source, Piece(0, 10 << 30, 1, 1, 1, "", too_long=True))
