"""Cutting: every row in exactly one piece, whatever the lines look like, in bounded memory."""

from __future__ import annotations

import hashlib
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema

from worker.facts.rows import Rows
from worker.operation import Limits
from worker.sources.cut import cut, halves
from worker.sources.form import Form
from worker.sources.inbox import open_source
from worker.sources.original import in_place
from worker.sources.piece import ENVELOPE, Piece
from worker.sources.read_back import lines_of, read_piece
from worker.sources.refused import SourceRefused
from worker.sources.source import Source
from worker.sources.wanted import Wanted

Write = Callable[[bytes], Source]


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Write]:
    opened: list[Source] = []

    def write(content: bytes) -> Source:
        (tmp_path / "rows.ndjson").write_bytes(content)
        opened.append(_rows_in("rows.ndjson", tmp_path))
        return opened[-1]

    yield write
    for source in opened:
        source.close()


@contextmanager
def _file(content: bytes) -> Iterator[Source]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rows").write_bytes(content)
        with _rows_in("rows", Path(folder)) as source:
            yield source


def _rows_in(name: str, folder: Path) -> Source:
    return in_place(open_source(name, [folder]), Form("ndjson", "utf-8"), Wanted(), Rows("things", Schema))


def _limits(rows: int, line_bytes: int) -> Limits:
    return Limits(rows, ENVELOPE + line_bytes)


def test_a_piece_holds_at_most_the_rows_of_a_request(written: Write) -> None:
    pieces = list(cut(written(b"1\n2\n3\n4\n5\n"), _limits(2, 100)))
    assert [(piece.offset, piece.length, piece.first_row, piece.rows) for piece in pieces] == [
        (0, 4, 1, 2),
        (4, 4, 3, 2),
        (8, 2, 5, 1),
    ]
    assert pieces[0].checksum == hashlib.sha256(b"1\n2\n").hexdigest()


def test_a_piece_holds_at_most_the_bytes_of_a_request(written: Write) -> None:
    pieces = list(cut(written(b"aaaa\nbbbb\ncccc\n"), _limits(100, 10)))
    assert [(piece.offset, piece.length, piece.rows) for piece in pieces] == [(0, 10, 2), (10, 5, 1)]


def test_blank_lines_are_counted_but_are_no_rows(written: Write) -> None:
    content = b"\n  \n1\r\n\t\r\n\n2\n\n"
    (piece,) = cut(written(content), _limits(10, 100))
    assert (piece.first_row, piece.lines, piece.rows, piece.length) == (1, 7, 2, len(content))
    assert lines_of(piece, content) == ([3, 6], [b"1", b"2"])


def test_a_file_of_blank_lines_has_no_pieces(written: Write) -> None:
    assert list(cut(written(b"\n \n\r\n" * 100), _limits(2, 10))) == []


def test_the_last_line_may_lack_its_end(written: Write) -> None:
    *_, last = cut(written(b"1\n2\n3"), _limits(2, 100))
    assert (last.offset, last.length, last.first_row, last.rows) == (4, 1, 3, 1)


def test_a_byte_order_mark_belongs_to_no_row(written: Write) -> None:
    source = written(b"\xef\xbb\xbf{}\n")
    (piece,) = cut(source, _limits(2, 100))
    assert (piece.offset, read_piece(source, piece)) == (3, b"{}\n")


def test_a_line_longer_than_a_request_is_a_piece_of_its_own(written: Write) -> None:
    first, long, last = cut(written(b"1\n" + b"x" * 50 + b"\n2\n"), _limits(5, 10))
    assert (first.rows, first.too_long) == (1, False)
    assert long == Piece(offset=2, length=51, first_row=2, lines=1, rows=1, checksum="", too_long=True)
    assert (last.offset, last.first_row, last.too_long) == (53, 3, False)


@pytest.mark.parametrize(("length", "long"), [(9, False), (10, True)])
def test_the_end_of_a_line_counts_towards_its_length(length: int, long: bool, written: Write) -> None:
    (piece,) = cut(written(b"x" * length + b"\n"), _limits(5, 10))
    assert (piece.too_long, piece.length) == (long, length + 1)


def test_a_long_line_of_white_space_is_no_row(written: Write) -> None:
    (piece,) = cut(written(b" " * 100 + b"\n1\n"), _limits(5, 10))
    assert (piece.first_row, piece.offset, piece.too_long) == (2, 101, False)


def test_a_line_of_any_length_is_scanned_in_bounded_memory(tmp_path: Path) -> None:
    size, most = 256 << 20, 1 << 20
    with (tmp_path / "rows").open("wb") as file:
        file.truncate(size)  # one line of NUL bytes
    with open_source("rows", [tmp_path]) as source:
        tracemalloc.start()
        (piece,) = cut(source, _limits(500, most))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (piece.length, piece.too_long) == (size, True)
    assert peak < 3 * most


def test_a_long_file_is_cut_in_bounded_memory(tmp_path: Path) -> None:
    most = 1 << 16
    with (tmp_path / "rows").open("wb") as file:
        file.writelines(b"%0240d\n" % number for number in range(50_000))
    with open_source("rows", [tmp_path]) as source:
        tracemalloc.start()
        rows = sum(piece.rows for piece in cut(source, _limits(500, most)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert rows == 50_000
    assert peak < 16 * most


def test_a_file_changed_while_it_is_cut_is_refused(written: Write, tmp_path: Path) -> None:
    pieces = cut(written(b"1\n2\n3\n"), _limits(1, 100))
    next(pieces)
    (tmp_path / "rows.ndjson").write_bytes(b"1\n")
    with pytest.raises(SourceRefused, match="changed while it was being read"):
        list(pieces)


LINE = st.one_of(
    st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")),
    st.sampled_from([b"", b" ", b"\r", b"\t \r", b"{}", b"{}\r", b"\x0b", b"\0", b"x" * 100]),
)


@given(lines=st.lists(LINE, max_size=40), ended=st.booleans(), rows=st.integers(1, 5), size=st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_every_row_is_in_exactly_one_piece_and_cutting_goes_on_anywhere(
    lines: list[bytes], ended: bool, rows: int, size: int
) -> None:
    content = b"\xef\xbb\xbf" + b"\n".join(lines) + (b"\n" if ended else b"x")
    wanted = {number: line for number, line in enumerate(content[3:].split(b"\n"), 1) if line.strip()}
    limits = _limits(rows, size)
    with _file(content) as source:
        pieces = list(cut(source, limits))
        found: dict[int, bytes] = {}
        for at, piece in enumerate(pieces):
            assert list(cut(source, limits, after=piece)) == pieces[at + 1 :]
            assert (piece.length > size) == piece.too_long
            found |= _rows_of(source, piece)
    assert sum(piece.rows for piece in pieces) == len(found)
    assert found == {number: line.removesuffix(b"\r") for number, line in wanted.items()}


def _rows_of(source: Source, piece: Piece) -> dict[int, bytes]:
    if piece.too_long:
        source.stream.seek(piece.offset)
        return {piece.first_row: source.stream.read(piece.length).removesuffix(b"\n").removesuffix(b"\r")}
    numbers, lines = lines_of(piece, read_piece(source, piece))
    assert len(numbers) == len(lines) == piece.rows
    return dict(zip(numbers, lines, strict=True))


@given(lines=st.lists(LINE, min_size=2, max_size=20))
@settings(max_examples=100, deadline=None)
def test_two_halves_are_the_whole(lines: list[bytes]) -> None:
    with _file(b"\n".join([b"1", *lines, b"2"])) as source:
        (piece,) = cut(source, _limits(1000, 1 << 16))
        data = read_piece(source, piece)
        parts = halves(source, piece, data)
        assert b"".join(read_piece(source, part) for part in parts) == data
        assert {number: line for part in parts for number, line in _rows_of(source, part).items()} == _rows_of(
            source, piece
        )
    assert abs(parts[0].rows - parts[1].rows) <= 1
