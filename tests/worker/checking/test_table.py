"""Rows that are looked at all at once: never taken for something that a strict reader, or a shape, would not see."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError
from marshmallow.validate import Email

from tasks.omnisense.addresses import ADDRESS, are_addresses
from worker.checking.table import Plain
from worker.sources.glance import plainly

DELIMITERS = st.sampled_from(",;\t|")
MARKS = st.text('ab@.,;\t|"\n\r é', max_size=30)
CELL = st.text("ab,;|é", max_size=3)
QUOTED = CELL.map(lambda cell: f'"{cell.replace("b", chr(34) * 2)}"')


@dataclass(frozen=True)
class Lines:
    """A stretch of a file whose rows are lines."""

    lines: int
    offset: int = 0
    length: int = 0
    first_row: int = 2
    checksum: str = ""
    too_long: bool = False

    @property
    def rows(self) -> int:
        return self.lines


def _found(text: str, delimiter: str, width: int) -> Plain | None:
    """As the cutter would have counted the lines, or as somebody might who is wrong."""
    return plainly(delimiter, width, Lines(text.count("\n") + (not text.endswith("\n"))), text.encode())


def _read(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


@given(MARKS.filter(bool), DELIMITERS, st.integers(2, 3))
@settings(max_examples=500, deadline=None)
@example('a,"b"\n"a""",\n', ",", 2)
@example('a,"b"c\na,b', ",", 2)
@example(';;"\n"', ";", 3)
def test_what_is_plain_is_read_the_same_by_a_strict_reader(text: str, delimiter: str, width: int) -> None:
    plain = _found(text, delimiter, width)
    if plain is not None:
        rows = _read(text, delimiter)
        assert [list(plain), len(plain)] == [rows, len(rows)]
        assert {len(row) for row in rows} == {width}


@given(
    st.lists(st.lists(QUOTED | CELL, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"])
)
@settings(max_examples=300, deadline=None)
def test_rows_that_are_quoted_as_they_should_be_are_plain(rows: list[list[str]], end: str) -> None:
    """And they leave cell for cell as they came, with whatever delimiter."""
    text = "".join(f"{chr(9).join(row)}{end}" for row in rows)
    plain = _found(text, "\t", 3)
    assert plain is not None
    cells = _read(text, "\t")
    assert [list(plain), plain.column(1), plain[-1]] == [cells, [row[1] for row in cells], cells[-1]]
    assert list(plain[1:]) == cells[1:]
    for delimiter in "\t;":
        written = plain.delimited(delimiter, "\r\n")
        assert written is None or _read(written.decode(), delimiter) == cells
    assert plain.delimited("\t", "\r\n") is not None


ADDRESSES = st.one_of(
    st.text("ab.@-|;,é_", max_size=12),
    st.sampled_from(["a@b.co", "a.b@c-d.example.com", "a.@b.co", ".a@b.co", "a@-b.co", "a@b-.co", "a@b..co", "a@b.c"]),
    st.sampled_from([f"a@{'x' * 63}.co", f"a@{'x' * 64}.co", "a@b.co.", "a@localhost", "a@[127.0.0.1]", "a|b@c.de"]),
)


@given(st.lists(ADDRESSES, min_size=1, max_size=4), DELIMITERS, st.integers(0, 2), st.booleans())
@settings(max_examples=800, deadline=None)
@example(["a|b@c.de"], "|", 0, False)
@example(["a.@b.co"], ",", 1, False)
def test_the_pattern_of_an_address_takes_none_that_is_none(
    cells: Sequence[str], delimiter: str, at: int, quoted: bool
) -> None:
    rows = [["x"] * at + [f'"{cell}"' if quoted else cell] + ["é"] * (2 - at) for cell in cells]
    plain = _found("".join(f"{delimiter.join(row)}\n" for row in rows), delimiter, 3)
    if plain is not None and plain.all_are(at, ADDRESS):
        found = plain.column(at)
        assert are_addresses(found)
        assert all(map(_is_address, found))


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_pattern_takes_the_addresses_that_people_have(delimiter: str, quoted: bool) -> None:
    people = ["foo@bar.com", "foo.bar+baz@shop-1.example.co.uk", "o'neil_x@1und1.de", "x@y.museum", "A@B.IO"]
    mark = '"' if quoted else ""
    rows = [f"Bar{delimiter}{mark}{one}{mark}" for one in people]
    plain = _found("\n".join(rows), delimiter, 2)
    assert plain is not None
    assert plain.all_are(1, ADDRESS)
    assert not plain.all_are(0, ADDRESS)


def _is_address(cell: str) -> bool:
    try:
        Email()(cell)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("at", [0, 6000, 11_999])
def test_a_table_of_very_many_columns_is_looked_at_like_others(at: int) -> None:
    cells = ["x"] * 12_000
    quoted = [f'"{cell}"' for cell in cells]
    for some in (cells, quoted):
        row = ",".join(some)
        plain = _found(f"{row}\n{row}\n", ",", len(cells))
        assert plain is not None
        assert [plain.all_are(at, pattern) for pattern in (b"x", b"y")] == [True, False]
    assert _found(f"{row},\n", ",", len(cells)) is None
