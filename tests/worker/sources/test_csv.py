"""CSV: every cell arrives, in the row and under the name where it was, however the file is cut."""

from __future__ import annotations

import csv
import io
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema

from worker.facts.rows import Cells, Rows
from worker.operation import Limits
from worker.settings import Settings
from worker.sources import strides
from worker.sources.cut import cut, halves
from worker.sources.opening import open_to_look
from worker.sources.original import Named
from worker.sources.piece import ENVELOPE, Piece
from worker.sources.read_back import SourceChanged, read_piece, rows_of
from worker.sources.records import cut_closely
from worker.sources.refused import SourceRefused
from worker.sources.source import Source

ROWS = Rows("things", Schema, cells=Cells((), rest="cells"))


@contextmanager
def _csv(content: bytes, **options: Any) -> Iterator[Source]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rows.csv").write_bytes(content)
        with open_to_look(Named("rows.csv", options, ROWS), Settings({"INBOX": folder})) as source:
            yield source


def _limits(rows: int, size: int) -> Limits:
    return Limits(rows, ENVELOPE + size)


def _cells(source: Source, piece: Piece) -> dict[int, dict[str, str]]:
    taken = rows_of(source, piece, read_piece(source, piece))
    assert not taken.refusals
    assert len(taken.lines) == piece.rows
    rows = [msgspec.json.decode(line).get("cells", {}) for line in taken.lines]
    return dict(zip(taken.numbers, rows, strict=True))


CELL = st.text(st.characters(codec="utf-8"), max_size=12) | st.text('a,;\t|"\r\n\0 é', max_size=12)
STYLE = st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)])


@given(st.data(), STYLE, st.sampled_from(",;\t|"), st.integers(1, 5), st.integers(60, 400))
@settings(max_examples=200, deadline=None)
def test_what_a_csv_writer_wrote_arrives_cell_for_cell(
    data: st.DataObject, style: tuple[str, int], delimiter: str, rows: int, size: int
) -> None:
    names = [f"c{n}" for n in range(data.draw(st.integers(1, 4)))]
    wanted = data.draw(st.lists(st.lists(CELL, min_size=len(names), max_size=len(names)), min_size=1, max_size=20))
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator=style[0], quoting=style[1])
    writer.writerows([names, *wanted])
    with _csv(written.getvalue().encode(), delimiter=delimiter) as source:
        pieces = list(cut(source, _limits(rows, size)))
        found: dict[int, dict[str, str]] = {}
        for at, piece in enumerate(pieces):
            assert list(cut(source, _limits(rows, size), after=piece)) == pieces[at + 1 :]
            found |= {} if piece.too_long else _cells(source, piece)
    if not any(piece.too_long for piece in pieces):
        given_cells = [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in wanted]
        assert list(found.values()) == given_cells
    assert sum(piece.rows for piece in pieces) == len(wanted)


@given(st.lists(st.tuples(CELL, CELL), min_size=2, max_size=12))
@settings(max_examples=100, deadline=None)
def test_two_halves_are_the_whole(rows: list[tuple[str, str]]) -> None:
    written = io.StringIO()
    csv.writer(written).writerows([("a", "b"), *rows])
    with _csv(written.getvalue().encode(), delimiter="comma") as source:
        (piece,) = cut(source, _limits(100, 1 << 16))
        parts = halves(source, piece, read_piece(source, piece))
        assert _cells(source, parts[0]) | _cells(source, parts[1]) == _cells(source, piece)
    assert abs(parts[0].rows - parts[1].rows) <= 1


def test_a_row_has_the_number_of_the_line_on_which_it_begins() -> None:
    with _csv(b'a,b\n1,2\n\n"x\ny",3\r\n4,5\r6,7') as source:
        (piece,) = cut(source, _limits(100, 1 << 16))
        assert list(_cells(source, piece)) == [2, 4, 6, 7]
        assert (piece.lines, piece.rows) == (6, 4)


def test_a_changed_header_is_found_in_every_chunk() -> None:
    with _csv(b"a,b\n1,2\n") as source, _csv(b"b,a\n1,2\n") as other:
        (piece,) = cut(source, _limits(100, 1 << 16))
        with pytest.raises(SourceChanged, match="its bytes differ"):
            read_piece(other, piece)


def test_a_quoted_cell_of_any_length_is_scanned_in_bounded_memory() -> None:
    with _csv(b'a,b\n"' + (b"x" * 63 + b"\n") * (1 << 16) + b'",1\n2,3\n') as source:
        tracemalloc.start()
        long, last = cut(source, _limits(500, 1 << 20))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (long.too_long, long.first_row, long.lines) == (True, 2, (1 << 16) + 1)
    assert (last.first_row, last.rows) == ((1 << 16) + 3, 1)
    assert peak < 12 << 20


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_line_ends_may_fall_between_any_two_blocks(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.sources.records.BLOCK", size)
    with _csv(b'a,b\r\n1,2\r\n"3\r\n3",4\r5,6\n7,8\r\n') as source:
        pieces = list(cut(source, _limits(1, 1 << 16)))
        assert [_cells(source, piece) for piece in pieces] == [
            {2: {"a": "1", "b": "2"}},
            {3: {"a": "3\r\n3", "b": "4"}},
            {5: {"a": "5", "b": "6"}},
            {6: {"a": "7", "b": "8"}},
        ]


def test_the_reader_and_the_cutter_agree_about_wrong_quotes() -> None:
    with _csv(b'a,b\n"1"x,2\n3,4\n"5,6\n7,8\n') as source:
        (piece,) = cut(source, _limits(100, 1 << 16))
        taken = rows_of(source, piece, read_piece(source, piece))
        assert piece.rows == len(taken.lines) + len(taken.refusals) == 3
        assert [(refusal.row, refusal.last, refusal.code) for refusal in taken.refusals] == [
            (2, None, "row.quotes"),
            (4, 5, "row.quotes"),
        ]
        assert taken.numbers == [3]
        first, second = halves(source, replace(piece), read_piece(source, piece))
        assert (first.rows, second.rows) == (1, 2)


# Rows that repeat, so that strides are long, and whatever may come between them.
ODD = st.sampled_from(['"', '""', "\n", "\r\n", "\r", ",", 'a"b,c\n', '"x\ny",z\n', "é,\0\n", "y" * 70, "  \n"])
FILE = st.lists(st.one_of(ODD, st.integers(1, 30).map(lambda times: "1,2\n" * times)), max_size=12).map("".join)


@given(FILE, st.integers(1, 9), st.integers(20, 90), st.booleans(), st.sampled_from([1, 7, 50, 1 << 18]))
@settings(max_examples=400, deadline=None)
def test_strides_cut_the_same_pieces_as_steps(text: str, rows: int, most: int, names_once: bool, block: int) -> None:
    limits = Limits(rows, ENVELOPE + most)
    with _csv(b"a,b\n" + text.encode(), format="csv") as source:
        assert source.reader is not None
        source.reader.names_once = names_once
        with patch.object(strides, "BLOCK", block):
            found = _cut_or_refused(lambda: cut(source, limits))
        source.stream.seek(source.start)
        assert found == _cut_or_refused(lambda: cut_closely(source, limits, source.start, source.row))


def _cut_or_refused(pieces: Callable[[], Iterator[Piece]]) -> list[Piece] | str:
    try:
        return list(pieces())
    except SourceRefused as error:
        return str(error)
