"""Files as people export them, and what each is answered. The table is the documentation.

An answer is either a sentence by which the whole file is refused before anything of it is sent, or what becomes of
its rows: how many would be sent, and for each other one its row number and the code of its reason. The number of a
row is that of the line on which it begins, from 1 (a CSV header is line 1); in a JSON document, its place.
"""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from worker.cli.dry_run import look
from worker.platforms import operation
from worker.settings import Settings
from worker.sources.opening import check_begin, open_to_look
from worker.sources.original import Named
from worker.sources.refused import SourceRefused

EVENTS = operation("omnisense.import_user_events")
HEAD = b"email,date,identifier,city\n"
ROW = "a@shop.com,2026-01-31T12:00:00Z,order,Orléans\n".encode()
ASCII = b"a@shop.com,2026-01-31T12:00:00Z,order,Paris\n"
NAIVE = b"a@shop.com,2026-01-31 12:00:00,order,Paris\n"
NUMBERED = b"email,date,identifier,amount\n"
RUSSIAN = "email,date,identifier,город\n" + "a@shop.com,2026-01-31T12:00:00Z,order,Москва и область\n" * 3
EVENT = {"email": "a@shop.com", "date": "2026-01-31T12:00:00Z", "identifier": "order", "segments": {"city": "Orléans"}}
LINE = json.dumps(EVENT).encode() + b"\n"
CSV = HEAD + ROW + ROW
PARIS = {"time_zone": "Europe/Paris"}


def document(*rows: Any, **more: Any) -> bytes:
    return json.dumps({"user_events": rows} | more, indent=1).encode()


def night(time: bytes) -> bytes:
    return HEAD + NAIVE.replace(b"2026-01-31 12:00", time)


# what it is | name | content | options | how many are sent, {row: code} of the others; or the sentence
TABLE: list[tuple[str, str, bytes, dict[str, Any], int | str, dict[int, str]]] = [
    # Dialects
    ("a plain one", "a.csv", CSV, {}, 2, {}),
    ("semicolons, by the header", "a.csv", CSV.replace(b",", b";"), {}, 2, {}),
    ("tabs, by the header", "a.tsv", CSV.replace(b",", b"\t"), {}, 2, {}),
    ("pipes, as the job says", "a.csv", CSV.replace(b",", b"|"), {"delimiter": "pipe"}, 2, {}),
    ("another delimiter than the job says", "a.csv", CSV, {"delimiter": ";"}, "has no column 'email'", {}),
    ("CRLF", "a.csv", CSV.replace(b"\n", b"\r\n"), {}, 2, {}),
    ("CR, as old Macs wrote it", "a.csv", CSV.replace(b"\n", b"\r"), {}, 2, {}),
    ("line ends of all kinds", "a.csv", HEAD + ASCII[:-1] + b"\r" + ASCII[:-1] + b"\r\n" + ASCII, {}, 3, {}),
    ("no line end at the end", "a.csv", CSV[:-1], {}, 2, {}),
    ("empty lines", "a.csv", b"\n" + HEAD + b"\n\n" + ASCII + b"\n" + b"x\n", {}, 1, {7: "row.cells"}),
    ("a line break in a quoted cell", "a.csv", HEAD + ASCII.replace(b"Paris", b'"P\nQ"') + b"x\n",
     {}, 1, {4: "row.cells"}),
    ("doubled quotes", "a.csv", HEAD + ASCII.replace(b"Paris", b'"""P"", Q"'), {}, 1, {}),
    ("a quote inside a bare cell", "a.csv", HEAD + ASCII.replace(b"Paris", b'5" pipe'), {}, 1, {}),
    ("text behind a closing quote", "a.csv", HEAD + ASCII.replace(b"Paris", b'"P"x') + ASCII, {}, 1, {2: "row.quotes"}),
    ("too few and too many cells", "a.csv", HEAD + b"a@shop.com\n" + ASCII[:-1] + b",x\n" + ASCII, {}, 1,
     {2: "row.cells", 3: "row.cells"}),
    ("a quote that is never closed", "a.csv", HEAD + ASCII + b'"' + ASCII * 3, {}, 1, {3: "row.quotes"}),
    ("the same in front of 20 MB", "a.csv", HEAD + b'"' + ASCII * 480_000, {},
     "the row that begins in line 2 does not end within 16 MB", {}),
    ("a cell of 10 MB", "a.csv", HEAD + ASCII.replace(b"Paris", b"P" * (10 << 20)) + ASCII, {}, 1, {2: "row.too_long"}),
    # Headers
    ("a name twice", "a.csv", b"email,date,identifier,email\n" + ASCII, {}, "names 'email' twice", {}),
    ("an empty name", "a.csv", b"email,date,identifier,\n" + ASCII, {}, "column 4 of 4 has no name", {}),
    ("no header at all", "a.csv", ASCII * 2, {}, "The first line has to name the columns", {}),
    ("a column that is called otherwise", "a.csv", CSV.replace(b"email", b"E-Mail"), {}, "say --map E-Mail=email", {}),
    ("the same, mapped", "a.csv", CSV.replace(b"email", b"E-Mail"), {"map": {"E-Mail": "email"}}, 2, {}),
    ("a map of no column", "a.csv", CSV, {"map": {"emial": "email"}}, "did you mean 'email'?", {}),
    ("only a header", "a.csv", HEAD, {}, 0, {}),
    ("only empty lines", "a.csv", b"\n\n\n", {}, "there is nothing to send", {}),
    # Encodings
    ("a byte order mark", "a.csv", b"\xef\xbb\xbf" + CSV, {}, 2, {}),
    ("nothing but that mark", "a.csv", b"\xef\xbb\xbf", {}, "there is nothing to send", {}),
    ("UTF-16, as Excel writes it", "a.csv", CSV.decode().replace(",", "\t").encode("utf-16"), {}, 2, {}),
    ("UTF-16 without its mark", "a.csv", CSV.decode().encode("utf-16-le"), {}, "say --encoding utf-16-le if it is", {}),
    ("no UTF-16, whatever the job says", "a.csv", CSV, {"encoding": "utf-16"}, "say --encoding utf-16-le, or -be", {}),
    ("half a letter at the end of UTF-16", "a.csv", CSV.decode().encode("utf-16")[:-3], {}, 1, {3: "row.utf8"}),
    ("cp1251, not said", "a.csv", RUSSIAN.encode("cp1251"), {}, "is not in UTF-8: line 1 is the first", {}),
    ("cp1251, said", "a.csv", RUSSIAN.encode("cp1251"), {"encoding": "cp1251"}, 3, {}),
    ("an encoding that does not exist", "a.csv", CSV,
     {"encoding": "utf9"}, "There is no encoding 'utf9'. Did you mean", {}),
    ("a mark of another encoding", "a.csv", b"\xef\xbb\xbf" + CSV,
     {"encoding": "cp1251"}, "begins with the mark of utf-8", {}),
    ("a wrong byte in the last row", "a.csv", CSV + ASCII.replace(b"Paris", b"Par\xeds"), {}, 2, {4: "row.utf8"}),
    ("NUL in a cell", "a.csv", HEAD + ASCII.replace(b"Paris", b"Pa\0ris") + ASCII, {}, 1, {2: "text.nul"}),
    # What cells mean
    ("dates without an offset", "a.csv", HEAD + NAIVE + ASCII, {}, 1, {2: "date.naive"}),
    ("the same, with a time zone", "a.csv", HEAD + NAIVE + ASCII, PARIS, 2, {}),
    ("an hour that the clocks left out", "a.csv", night(b"2026-03-29 02:30"), PARIS, 0, {2: "date.never"}),
    ("an hour that the clocks showed twice", "a.csv", night(b"2026-10-25 02:30"), PARIS, 0, {2: "date.twice"}),
    ("numbers, good, empty and bad", "a.csv", NUMBERED +
     b"".join(ASCII.replace(b"Paris", n) for n in (b"1.50", b"", b'"1,5"', b"NaN")),
     {"numbers": "amount"}, 2, {4: "amount.number", 5: "amount.number"}),
    ("numbers in no column", "a.csv", CSV, {"numbers": "amount"}, "no column 'amount', of which --numbers speaks", {}),
    # JSON
    ("lines of JSON", "a.ndjson", LINE + b"\n{\n" + LINE, {}, 2, {3: "row.json"}),
    ("options of CSV for lines of JSON", "a.ndjson", LINE, PARIS, "time_zone is for CSV alone", {}),
    ("the platform's document", "a.json", document(EVENT, EVENT | {"email": "x"}, 7),
     {}, 1, {2: "email.invalid", 3: "row.not_object"}),
    ("a bare array", "a.json", json.dumps([EVENT] * 3).encode(), {}, 3, {}),
    ("lines of JSON under its name", "a.json", LINE * 3, {}, 3, {}),
    ("a document with something beside the rows", "a.json", document(EVENT, admin={"token": "t"}),
     {}, "holds 'admin' beside the rows", {}),
    ("a document without rows", "a.json", b'{"events":\n []}', {}, "holds 'events' beside the rows", {}),
    ("a document that is cut off", "a.json", document(EVENT, EVENT)[:-9], {}, "premature EOF", {}),
    # Packed
    ("gzip", "a.csv.gz", gzip.compress(CSV), {}, 2, {}),
    ("gzip under another name", "a.csv", gzip.compress(CSV), {}, 2, {}),
    ("a packed document in UTF-16", "a.json", gzip.compress(json.dumps([EVENT]).encode("utf-16")), {}, 1, {}),
    ("several members, and zeros behind them", "a.csv.gz", gzip.compress(HEAD) + gzip.compress(ROW) + bytes(512),
     {}, 1, {}),
    ("gzip that is cut off", "a.csv.gz", gzip.compress(CSV)[:-6], {}, "is cut off: its gzip has no end", {}),
    ("gzip with something behind it", "a.csv.gz", gzip.compress(CSV) + b"and more",
     {}, "goes on after the end of its gzip", {}),
    ("gzip with a wrong checksum", "a.csv.gz", gzip.compress(CSV)[:-8] + bytes(8), {}, "is damaged", {}),
    ("a bomb", "a.csv.gz", gzip.compress(HEAD + bytes(100 << 20)), {}, "grows to more than 200 times its size", {}),
    ("gzip in gzip", "a.csv.gz", gzip.compress(gzip.compress(CSV)), {}, "packed with gzip twice", {}),
    ("a workbook", "a.csv", b"PK\x03\x04" + bytes(100), {}, "save the sheet as CSV", {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "options", "answer", "refused"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_a_nasty_file_is_answered(
    name: str, content: bytes, options: dict[str, Any], answer: int | str, refused: dict[int, str], tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert EVENTS.rows
    named, told = Named(name, options, EVENTS.rows), Settings({"INBOX": str(tmp_path)})
    if isinstance(answer, str):
        with pytest.raises(SourceRefused) as why, open_to_look(named, told) as source:
            look(EVENTS, EVENTS.rows, source)
        assert answer in str(why.value)
        assert str(why.value).isprintable()
        return
    with open_to_look(named, told) as source:
        found = look(EVENTS, EVENTS.rows, source)
    assert (found.rows - found.refused, {one.row: one.code for one in found.first}) == (answer, refused)


def test_the_guess_is_in_the_sentence_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(RUSSIAN.encode("cp1251"))
    assert EVENTS.rows
    with pytest.raises(SourceRefused, match=r"It may be cp1251\. Say --encoding .*nothing is guessed"):
        open_to_look(Named("a.csv", {}, EVENTS.rows), Settings({"INBOX": str(tmp_path)}))


def test_every_way_to_pack_gives_the_same_rows_whatever_the_blocks(tmp_path: Path) -> None:
    """One byte at a time through a member's end, a header, and a letter of two bytes."""
    from worker.sources.decode import decoded
    from worker.sources.gunzip import unpacked

    packed = gzip.compress(HEAD) + gzip.compress(ROW * 50) + bytes(20)
    for size, encoding in itertools.product((1, 2, 7, 1 << 18), ("utf-8", "utf-16")):
        blocks = (packed[at : at + size] for at in range(0, len(packed), size))
        assert b"".join(unpacked("a", blocks)) == HEAD + ROW * 50
        wide = (HEAD + ROW).decode().encode(encoding)
        parts = (wide[at : at + size] for at in range(0, len(wide), size))
        assert b"".join(decoded(parts, encoding)) == HEAD + ROW


@pytest.mark.parametrize("members", [(HEAD, ROW), (HEAD + ROW, ROW * 5000), (HEAD + ROW,)])
def test_a_packed_file_is_looked_at_beyond_its_first_member(tmp_path: Path, members: tuple[bytes, ...]) -> None:
    """As `cat header.gz rows.gz` makes it."""
    (tmp_path / "a.csv.gz").write_bytes(b"".join(map(gzip.compress, members)) + bytes(20))
    assert EVENTS.rows
    assert check_begin(Named("a.csv.gz", {}, EVENTS.rows), Settings({"INBOX": str(tmp_path)})) == []


def test_a_document_is_read_whatever_the_blocks() -> None:
    from worker.sources.document import rows_of_document

    whole = document({"email": "ä", "segments": {"n": 1.10, "big": 12345678901234567890}}, [], None)
    for size in (1, 3, 1 << 18):
        blocks = (whole[at : at + size] for at in range(0, len(whole), size))
        lines = b"".join(rows_of_document("a", blocks, "user_events"))
        wanted = '{"email":"ä","segments":{"n":1.1,"big":12345678901234567890}}\n[]\nnull\n'
        assert lines.decode() == wanted


def test_a_bomb_is_refused_long_before_it_is_unpacked() -> None:
    from worker.sources.gunzip import unpacked

    bomb = zlib.compressobj(wbits=31)
    blocks = itertools.chain([bomb.compress(HEAD)], (bomb.compress(bytes(1 << 20)) for _ in range(10_000)))
    taken = 0
    with pytest.raises(SourceRefused, match="200 times"):
        for text in unpacked("a", blocks):
            taken += len(text)
    assert taken <= 64 << 20
