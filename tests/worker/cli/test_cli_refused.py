"""The sheet of refused rows: each beside its own columns, once, whatever the file was and whatever became of it."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.cli.conftest import IMPORT, Document, Job, Ow, event
from worker.cli import refused_sheet
from worker.enqueue import enqueue
from worker.outcome import Refusal

Rows = list[dict[str, str]]


def missing(row: int, code: str = "email.missing") -> Refusal:
    return Refusal(row, code, "email is missing.", "Add it.")


def read(file: Path, delimiter: str = ",") -> Rows:
    with file.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as opened:
        return list(csv.DictReader(opened, delimiter=delimiter))


@pytest.fixture
def sheet(ow: Ow, folder: Path) -> Callable[..., Rows]:
    """The sheet of a job all of whose rows were refused with these refusals, one chunk."""

    def make(name: str, content: bytes, *named: Refusal, words: tuple[str, ...] = (), delimiter: str = ",") -> Rows:
        (folder / name).write_bytes(content)
        job = Job(ow("import", IMPORT, name, *words).stdout.strip()).plan()
        job.send(*named)
        assert ow("jobs", "refused", job.id, "-o", "refused.csv").exit_code == 0
        return read(folder / "refused.csv", delimiter)

    return make


def about(row: dict[str, str]) -> tuple[str, str]:
    return row["row"], row["code"]


def test_a_row_of_csv_keeps_its_columns_and_ours_stand_behind_them(sheet: Any) -> None:
    content = b'Mail,date,identifier,price\r\nx,2026-01-31 12:00:00Z,"a, ""b""\nc",-5\r\ny,,=1+1,"\'+7"\r\nz,,,\r\n'
    rows = sheet("rows.csv", content, missing(2), missing(4), words=("--map", "Mail=email"))
    assert list(rows[0]) == ["Mail", "date", "identifier", "price", "row", "code", "reason", "advice", "text"]
    assert rows[0] == {
        "Mail": "x",
        "date": "2026-01-31 12:00:00Z",
        "identifier": 'a, "b"\nc',
        "price": "'-5",
        "row": "2",
        "code": "email.missing",
        "reason": "email is missing.",
        "advice": "Add it.",
        "text": "",
    }
    assert (rows[1]["identifier"], rows[1]["price"], rows[1]["row"]) == ("'=1+1", "''+7", "4")
    assert len(rows) == 2


def test_a_row_that_fits_no_columns_is_given_as_it_stands(sheet: Any) -> None:
    content = b'email,date,identifier\na,b\n"x"y,1,2\n=c,d,e,f\n'
    named = missing(2, "row.cells"), missing(3, "row.quotes"), missing(4, "row.cells")
    rows = sheet("rows.csv", content, *named)
    assert [row["text"] for row in rows] == ["a,b", '"x"y,1,2', "'=c,d,e,f"]
    assert {row["email"] + row["date"] + row["identifier"] for row in rows} == {""}


def test_the_files_own_delimiter_and_letters_are_kept(sheet: Any, folder: Path) -> None:
    content = "email;date;identifier;ville\nx;2026-01-31 12:00:00Z;a,b;Bâle\n".encode()
    (row,) = sheet("rows.csv", content, missing(2), delimiter=";")
    assert row["ville"] == "Bâle"
    assert (folder / "refused.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_columns_with_our_names_stay_the_files_own(sheet: Any) -> None:
    content = b"email,date,identifier,code,refused.row\nx,2026-01-31 12:00:00Z,a,17,18\n"
    (row,) = sheet("rows.csv", content, missing(2))
    assert (row["code"], row["refused.row"]) == ("17", "18")
    assert (row["refused.refused.row"], row["refused.refused.code"]) == ("2", "email.missing")


@pytest.mark.parametrize("name", ["rows.ndjson", "rows.ndjson.gz", "rows.json"])
def test_a_row_of_json_stands_in_one_column(name: str, sheet: Any) -> None:
    lines = [event(1), '{"email": "ä"}', event(3)]
    text = f"[{', '.join(lines)}]" if name.endswith("json") and "nd" not in name else "\n".join(lines)
    content = gzip.compress(text.encode()) if name.endswith("gz") else text.encode()
    rows = sheet(name, content, missing(2))
    assert [(json.loads(row["json"]), *about(row)) for row in rows] == [({"email": "ä"}, "2", "email.missing")]
    assert list(rows[0]) == ["json", "row", "code", "reason", "advice"]


def test_a_line_that_is_no_text_keeps_its_bytes(sheet: Any) -> None:
    (row,) = sheet("rows.ndjson", f"{event(1)}\n".encode() + b"=\xff{\n", missing(2, "row.utf8"))
    assert row["json"].encode("utf-8", "surrogateescape") == b"'=\xff{"


def test_a_range_is_every_row_of_it_that_has_no_word_of_its_own(sheet: Any) -> None:
    content = f"{event(1)}\n\n{event(2)}\n{event(3)}\n".encode()
    rows = sheet("rows.ndjson", content, Refusal(1, "platform.422", "No.", "", 4), missing(3))
    assert [about(row) for row in rows] == [("1", "platform.422"), ("3", "email.missing"), ("4", "platform.422")]


def test_rows_that_were_given_are_read_from_the_ledger(job: Job, folder: Path, ow: Ow) -> None:
    job = Job(enqueue(IMPORT, rows=[{"email": "a"}, {"email": "b"}]))
    job.send(missing(2))
    assert ow("jobs", "refused", job.id, "-o", "refused.csv").exit_code == 0
    assert [(row["json"], *about(row)) for row in read(folder / "refused.csv")] == [
        ('{"email": "b"}', "2", "email.missing")
    ]


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_source_that_is_gone_or_changed_is_said_and_the_rest_given(how: str, job: Job, ow: Ow, folder: Path) -> None:
    job.send(missing(3), Refusal(9, "platform.422", "No.", "", 10))
    source = folder / "events.ndjson"
    source.unlink() if how == "gone" else source.write_text(f"{event(1)}\n" * 2000)
    result = ow("jobs", "refused", job.id, "-o", "refused.csv")
    assert result.exit_code == 0
    assert "3 of them are given without their own columns" in result.stderr
    assert ("does not exist" if how == "gone" else "was changed") in result.stderr
    assert [about(row) for row in read(folder / "refused.csv")] == [
        ("3", "email.missing"),
        ("9", "platform.422"),
        ("10", "platform.422"),
    ]


def test_many_chunks_come_in_the_order_of_their_rows(
    job: Job, ow: Ow, document: Document, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        job.accept(missing(500 * n + 7), missing(500 * n + 8))
    monkeypatch.setattr(refused_sheet, "PAGE", 1)
    assert document("jobs", "refused", job.id, "-o", "refused.csv")["refused"] == 8
    rows = read(folder / "refused.csv")
    assert [int(row["row"]) for row in rows] == [7, 8, 507, 508, 1007, 1008, 1507, 1508]
    assert json.loads(rows[2]["json"])["email"] == "p506@example.com"
    assert (folder / "refused.csv").stat().st_mode & 0o077 == 0


def test_refusals_of_a_call_have_no_columns_of_its_own(ow: Ow, folder: Path) -> None:
    payload = json.dumps({"email": "a@example.com", "user_event": {"identifier": "seen"}})
    job = Job(ow("enqueue", "omnisense.record_user_event", "--payload", "-", put_in=payload).stdout.strip())
    job.send(missing(1))
    assert ow("jobs", "refused", job.id, "-o", "refused.csv").exit_code == 0
    assert list(read(folder / "refused.csv")[0]) == ["row", "code", "reason", "advice"]


def test_a_sheet_that_somebody_may_have_mended_is_not_overwritten(sheet: Any, ow: Ow, folder: Path) -> None:
    sheet("rows.csv", b"email,date,identifier\nx,,\n", missing(2))
    (folder / "refused.csv").write_text("mended")
    job = json.loads(ow("jobs", "list", "--json").stdout)["jobs"][0]["job"]
    result = ow("jobs", "refused", job, "-o", "refused.csv")
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)
    assert (folder / "refused.csv").read_text() == "mended"
