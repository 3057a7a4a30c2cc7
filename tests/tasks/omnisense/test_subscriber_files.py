"""Files of subscribers on their whole way: cut, read back, checked, encoded, sent as forms, taken by the sandbox."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.server import Sandbox, start
from tasks.omnisense import PLATFORM
from tasks.omnisense.shapes import SubscriberRow
from worker.answers import meaning
from worker.checking.check import FEW, check_lines, check_piece
from worker.checking.table import Plain
from worker.client import Client
from worker.facts.rows import Brief, Cells, Rows
from worker.operation import Operation, Repeat
from worker.outcome import Refusal
from worker.platforms import operation
from worker.runner.wires import wire_of_rows
from worker.settings import SETTINGS, Settings, read
from worker.sources.cut import cut
from worker.sources.opening import check_begin, open_to_look
from worker.sources.original import Named
from worker.sources.refused import SourceRefused

IMPORT: Operation = operation("omnisense.import_subscribers")
ROWS: Rows = IMPORT.rows or Rows("", IMPORT.shape)
SLOW = replace(ROWS, cells=replace(ROWS.cells or Cells(()), precheck=None))
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@dataclass(frozen=True)
class Came:
    """What became of a file: the cells of those who arrived, by address, and the refusals."""

    people: dict[str, dict[str, str]]
    refusals: Sequence[Refusal]
    rows: int


class Post:
    """Brings a file to the sandbox, a form for each piece of it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox, self._folder, self._client = sandbox, folder, Client()
        self._access = PLATFORM.access(sandbox.environment())
        self._told = Settings(read(SETTINGS, {"INBOX": str(folder)}))

    def named(self, content: bytes, options: dict[str, Any], name: str = "people.csv") -> Named:
        (self._folder / name).write_bytes(content)
        return Named(str(self._folder / name), options, ROWS)

    def doubts(self, content: bytes, name: str = "people.csv", **options: Any) -> list[str]:
        return check_begin(self.named(content, options, name), self._told)

    def __call__(self, content: bytes, name: str = "people.csv", **options: Any) -> Came:
        self._sandbox.reset()
        refusals: list[Refusal] = []
        rows = 0
        with open_to_look(self.named(content, options, name), self._told) as source:
            brief = Brief(options, {}, NOW, columns=source.columns)
            for piece in cut(source, IMPORT.limits):
                checked = check_piece(source, piece, ROWS, brief)
                refusals += checked.refusals
                rows += piece.rows
                if checked.rows:
                    self._send(ROWS.encode(checked.rows, brief), brief)
        people = {who["columns"]["email"]: who["columns"] for who in self._sandbox.state("omnisense")}
        return Came(people, refusals, rows)

    def checked(self, content: bytes, rows: Rows, **options: Any) -> tuple[list[list[str]], list[Refusal]]:
        """What would be sent of a file, and what is refused."""
        named = replace(self.named(content, options), rows=rows)
        sent: list[list[str]] = []  # whichever road a row took, it is cells in the end
        refusals: list[Refusal] = []
        with open_to_look(named, self._told) as source:
            for piece in cut(source, IMPORT.limits):
                found = check_piece(source, piece, rows, Brief(options, {}, NOW, columns=source.columns))
                sent += found.rows
                refusals += found.refusals
        return sent, refusals

    def _send(self, encoded: bytes, brief: Brief) -> None:
        parcel = self._client.pack(IMPORT, PLATFORM, self._access, wire_of_rows(IMPORT, encoded, brief))
        self._client.open(parcel, IMPORT)
        assert meaning(IMPORT, PLATFORM, Repeat.SAFE, self._client.send(parcel, IMPORT)).accepted


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with start() as sandbox:
        yield Post(sandbox, tmp_path_factory.mktemp("inbox"))


# --- any CSV arrives cell for cell, or its row is refused with a reason

NAMES = st.lists(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
        lambda name: name.isprintable() and name == name.strip() and name != "email"
    ),
    max_size=4,
    unique=True,
)
CELL = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    st.text("\"',;\t|\r\n =+-@\ufeffé", max_size=6),
    st.sampled_from(["", "\0", " ", '"', '""', "\r", "\r\n", "\ufeff", "007", "1e5", "null", "=1+1"]),
)
ADDRESSES = st.one_of(st.none(), st.sampled_from(["nobody", "", " a@b.co", "a@b.co\n", '"q q"@example.com']))


@st.composite
def tables(draw: Any) -> tuple[list[str], list[list[str]]]:
    """A header, and rows that may be too short or too long; all good addresses differ."""
    header = ["email", *draw(NAMES)]
    place = draw(st.integers(0, len(header) - 1))
    header.insert(place, header.pop(0))
    rows = []
    for number in range(draw(st.integers(1, 12))):
        cells = draw(st.lists(CELL, min_size=len(header), max_size=len(header)))
        cells[place] = draw(ADDRESSES) or f"p{number}@shop.example.com"
        rows.append(cells[: draw(st.sampled_from([len(cells)] * 9 + [1]))] + draw(st.sampled_from([[]] * 9 + [["x"]])))
    return header, rows


def written(table: tuple[list[str], list[list[str]]], **dialect: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows([table[0], *table[1]])
    return text.getvalue().encode()


@given(
    tables(),
    st.sampled_from(",;\t|"),
    # Python's writer leaves a lone carriage return without quotes where lines end otherwise.
    st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), *((csv.QUOTE_ALL, end) for end in ("\r\n", "\n", "\r"))]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_csv_arrives_cell_for_cell_or_its_row_is_refused(
    post: Post, table: Any, delimiter: str, written_as: tuple[Any, str], mark: bytes
) -> None:
    header, rows = table
    quoting, end = written_as
    content = mark + written(table, delimiter=delimiter, quoting=quoting, lineterminator=end)
    came = post(content, delimiter=delimiter)
    sound = {row[header.index("email")]: dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)}
    assert all(sound[email] == cells for email, cells in came.people.items())
    assert len(came.people) + len(came.refusals) == came.rows == len(rows)
    assert all(refusal.code and refusal.reason for refusal in came.refusals)
    good = [row for email, row in sound.items() if email.startswith("p") and "\0" not in "".join(row.values())]
    assert len(came.people) >= len(good)


@given(st.binary(max_size=60), st.lists(st.binary(max_size=20), max_size=4))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_below_a_header_are_rows_that_arrive_or_are_refused(
    post: Post, noise: bytes, lines: list[bytes]
) -> None:
    good = b'"p%d@shop.example.com","x"\n'
    content = b"email,city\n" + b"".join(good % at + line + b"\n" for at, line in enumerate(lines)) + noise
    came = post(content, format="csv", encoding="utf-8", delimiter="comma")
    assert len(came.people) + len(came.refusals) >= came.rows - len(lines) - 1  # noise may say the same address again
    assert all(cells.keys() == {"email", "city"} for cells in came.people.values())


# --- the fast road: cells that are looked at all at once


@given(tables(), st.sampled_from(",;"), st.sampled_from(["\r\n", "\n", "\r"]), st.booleans(), st.binary(max_size=30))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_roads_send_and_refuse_the_same(
    post: Post, table: Any, delimiter: str, end: str, quoted: bool, noise: bytes
) -> None:
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    content = written(table, delimiter=delimiter, quoting=quoting, lineterminator=end) + noise
    found = post.checked(content, ROWS, delimiter=delimiter, encoding="utf-8")
    assert found == post.checked(content, SLOW, delimiter=delimiter, encoding="utf-8")


def test_one_doubtful_row_sends_only_its_neighbours_the_slow_road(post: Post) -> None:
    looked_at: list[Any] = []

    class Watched(SubscriberRow):
        def load(self, data: Any, **more: Any) -> Any:
            looked_at.append(data)
            return super().load(data, **more)

    people = [[f"p{at}@shop.example.com", "x" * (at % 3)] for at in range(1000)]
    people[700][0] = "nobody"
    sent, refusals = post.checked(written((["email", "x"], people)), replace(ROWS, shape=Watched))
    assert (len(sent), [refusal.row for refusal in refusals]) == (999, [702])
    assert len(looked_at) <= FEW


@given(
    st.lists(st.lists(CELL.filter(lambda cell: not set(cell) & set('"\r\n;')), min_size=3, max_size=3)), st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_plain_lines_are_encoded_as_the_standard_library_writes_them(rows: list[list[str]], commas: bool) -> None:
    rows = [[cell.replace(",", "") for cell in row] if commas else row for row in rows]
    delimiter = "," if commas else ";"
    plain = Plain("".join([f"{delimiter.join(row)}\n" for row in rows]).encode(), delimiter, 3)
    brief = Brief({}, {}, NOW, columns=("email", "a,b", 'c"'))
    assert [list(plain), plain.column(2)] == [rows, [row[2] for row in rows]]
    assert ROWS.encode(plain, brief) == ROWS.encode(rows, brief) == written((list(brief.columns), rows))


@given(tables())
@settings(max_examples=200, deadline=None)
def test_quotes_stand_where_the_standard_library_puts_them(table: Any) -> None:
    header, rows = table
    even = [(row + [""] * len(header))[: len(header)] for row in rows]
    brief = Brief({}, {}, NOW, columns=tuple(header))
    assert ROWS.encode(even, brief) == written((header, even))


def test_a_bigger_file_goes_as_several_files_each_with_the_header(post: Post) -> None:
    rows = [[f"p{at}@shop.example.com", "Łódź" * 3, str(at)] for at in range(IMPORT.limits.rows + 2)]
    came = post(written((["email", "city", "n"], rows)))
    assert len(came.people) == len(rows)
    assert came.people["p7@shop.example.com"] == {"email": "p7@shop.example.com", "city": "Łódź" * 3, "n": "7"}
    assert post._sandbox.counts()["requests"] == 2


def test_columns_are_renamed_and_left_out_as_the_job_says(post: Post) -> None:
    came = post(b"Mail;City;Skip\na@b.co;Paris;1\n", map={"Mail": "email", "City": "city"}, leave_out=["Skip"])
    assert came.people == {"a@b.co": {"email": "a@b.co", "city": "Paris"}}


def test_numbers_are_written_as_the_platform_takes_them(post: Post) -> None:
    came = post(b"email,spent\na@b.co,+1250.50\nb@b.co,x\n", numbers=["spent"])
    assert came.people["a@b.co"]["spent"] == "1250.5"
    assert [refusal.code for refusal in came.refusals] == ["spent.number"]


# --- rows of JSON


def ndjson(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_rows_of_json_have_the_columns_of_the_first(post: Post) -> None:
    came = post(
        ndjson(
            {"email": "a@b.co", "city": None, "points": 5, "vip": True},
            {"vip": False, "points": 1e20, "email": "b@b.co"},
            {"email": "c@b.co", "town": "Paris"},
            {"email": "d@b.co", "city": ["Paris"]},
            {"email": "e@b.co", "city": "a\rb"},
        ),
        "people.ndjson",
    )
    assert came.people == {
        "a@b.co": {"email": "a@b.co", "city": "", "points": "5", "vip": "true"},
        "b@b.co": {"email": "b@b.co", "city": "", "points": "100000000000000000000", "vip": "false"},
        "e@b.co": {"email": "e@b.co", "city": "a\rb", "points": "", "vip": ""},
    }
    assert [(refusal.row, refusal.code) for refusal in came.refusals] == [(3, "town.no_column"), (4, "city.nested")]


def test_a_first_line_that_is_no_row_names_no_columns(post: Post) -> None:
    came = post(b"{broken\n" + ndjson({"email": "a@b.co", "city": "Paris"}), "people.ndjson")
    assert (came.people["a@b.co"]["city"], [refusal.code for refusal in came.refusals]) == ("Paris", ["row.json"])


def test_a_document_is_read_as_well(post: Post) -> None:
    came = post(json.dumps({"subscribers": [{"email": "a@b.co", "city": "Paris"}]}).encode(), "people.json")
    assert came.people == {"a@b.co": {"email": "a@b.co", "city": "Paris"}}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\ufeffa"])
def test_a_name_that_can_not_be_printed_is_no_column(name: str) -> None:
    checked = check_lines([1], ndjson({"email": "a@b.co", name: "x"}).splitlines(), ROWS)
    assert [refusal.code.rpartition(".")[2] for refusal in checked.refusals] == ["name"]


# --- columns that only look like fields of the platform


@pytest.mark.parametrize("column", ["First Name", "firstname", "FIRST_NAME", "first-name"])
def test_a_column_that_only_looks_like_a_field_is_warned_about(post: Post, column: str) -> None:
    content = f"email,{column},shoe size\na@b.co,Foo,39\n".encode()
    (doubt,) = post.doubts(content)
    assert f"--map '{column}=first_name'" in doubt
    assert post(content).people["a@b.co"][column] == "Foo"
    assert post.doubts(content, map={column: "first_name"}) == []


def test_strict_refuses_such_a_file_and_takes_every_other(post: Post) -> None:
    for content, name in (
        (b"email,E-Mail\na@b.co,x\n", "people.csv"),
        (ndjson({"email": "a@b.co", "Lang": "fr"}), "p.ndjson"),
    ):
        with pytest.raises(SourceRefused, match="--strict"):
            post.doubts(content, name, strict=True)
        with pytest.raises(SourceRefused, match="--strict"):
            post(content, name, strict=True)
    assert len(post(b"email,lang,loyalty\na@b.co,fr,1\n", strict=True).people) == 1
