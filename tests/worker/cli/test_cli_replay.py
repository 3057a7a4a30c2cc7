"""`jobs replay` as a person types it: what it says, and that a mended sheet is the same rows again."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.cli.conftest import IMPORT, Document, Job, Ow, event
from worker.ledger import chunks, jobs
from worker.ledger.types import Row
from worker.outcome import Refusal, accepted
from worker.processes.process import process
from worker.runner.stretch import named
from worker.sources.cut import cut
from worker.sources.opening import open_rows
from worker.sources.original import Named
from worker.sources.read_back import read_piece, rows_of

CELLS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["=1+1", "'=x", "''+", "@a", "-5", "\t", "\rx", 'a"b', "a,b;c", "x\r\ny", " ", "'", "é"]
)
NAMES = st.sampled_from(["code", "row", "refused.row", "=sum", "'=sum", "ville", "a;b", "text", "json", "c'est"])


def refusal(row: int, code: str = "email.missing") -> Refusal:
    return Refusal(row, code, "=It is missing.", "Add it.")


def _job(job_id: str) -> Row[Any]:
    found = process().ledger.read(lambda tx: jobs.get(tx, job_id))
    assert found is not None
    return found


def lines_of(job_id: str) -> list[bytes]:
    """All rows of a job's file, as they would be checked."""
    wanted: Named = named(_job(job_id))
    from worker.platforms import operation

    with open_rows(wanted, process().settings) as source:
        pieces = list(cut(source, operation(IMPORT).limits))
        return [bytes(line) for piece in pieces for line in rows_of(source, piece, read_piece(source, piece)).lines]


@pytest.fixture
def refused_all(ow: Ow, folder: Path) -> Callable[..., str]:
    """A job all of whose rows were refused by our own check, and its sheet."""

    def make(name: str, content: bytes, *rows: int) -> str:
        (folder / name).write_bytes(content)
        job = Job(ow("import", IMPORT, name).stdout.strip()).plan()
        job.send(*map(refusal, rows))
        assert ow("jobs", "refused", job.id, "-o", "refused.csv").exit_code == 0
        return job.id

    return make


@given(
    st.lists(NAMES, unique=True, max_size=4), st.lists(st.tuples(*[CELLS] * 7), min_size=1, max_size=4), st.booleans()
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_csv_comes_back_from_its_sheet_cell_for_cell(
    ow: Ow, folder: Path, names: list[str], rows: list[tuple[str, ...]], is_semicolon: bool
) -> None:
    header = ["email", "date", "identifier", *names]
    source = folder / "rows.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";" if is_semicolon else ",", quoting=csv.QUOTE_ALL)
        writer.writerows([header, *(row[: len(header)] for row in rows)])
    parent = Job(ow("import", IMPORT, "rows.csv").stdout.strip()).plan()
    with open_rows(named(_job(parent.id)), process().settings) as opened:
        (piece,) = cut(opened, _limits())
        numbers = rows_of(opened, piece, read_piece(opened, piece)).numbers
    parent.send(*map(refusal, numbers))
    (folder / "refused.csv").unlink(missing_ok=True)  # that of the example before
    assert ow("jobs", "refused", parent.id, "-o", "refused.csv").exit_code == 0
    child = ow("jobs", "replay", parent.id, "--source", "refused.csv")
    assert child.exit_code == 0, child.stderr
    assert lines_of(child.stdout.strip()) == lines_of(parent.id)


def _limits() -> Any:
    from worker.platforms import operation

    return operation(IMPORT).limits


def test_rows_of_json_come_back_from_their_column(refused_all: Any, ow: Ow) -> None:
    lines = [event(1), '{"email": "=x", "n": 1.50}', "not json", event(3)]
    parent = refused_all("rows.ndjson", "\n".join(lines).encode(), 2, 3)
    child = ow("jobs", "replay", parent, "--source", "refused.csv").stdout.strip()
    assert lines_of(child) == [line.encode() for line in lines[1:3]]


def test_the_mended_file_may_be_saved_by_a_spreadsheet(refused_all: Any, ow: Ow, folder: Path) -> None:
    parent = refused_all("rows.csv", "email,date,identifier,ville\nx,2026-01-31 12:00:00Z,a,Bâle\n".encode(), 2)
    text = (folder / "refused.csv").read_text("utf-8-sig")
    with (folder / "refused.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert "ville" in text
    with (folder / "saved.csv").open("w", newline="", encoding="cp1252") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    child = ow("jobs", "replay", parent, "--source", "saved.csv", "--encoding", "cp1252")
    job = Job(child.stdout.strip()).plan()
    assert lines_of(job.id) == lines_of(parent)


def test_a_mended_file_as_lines_of_json_needs_no_sheet(refused_all: Any, ow: Ow, folder: Path) -> None:
    parent = refused_all("rows.csv", b"email,date,identifier\nx,2026-01-31 12:00:00Z,a\n", 2)
    (folder / "mended.ndjson").write_text(f"{event(7)}\n")
    assert lines_of(ow("jobs", "replay", parent, "--source", "mended.ndjson").stdout.strip()) == [event(7).encode()]


def test_the_same_file_twice_is_one_job_and_another_one_has_to_be_meant(refused_all: Any, ow: Ow, folder: Path) -> None:
    parent = refused_all("rows.csv", b"email,date,identifier\nx,2026-01-31 12:00:00Z,a\n", 2)
    words = ("jobs", "replay", parent, "--source", "refused.csv")
    first = ow(*words)
    second = ow(*words)
    assert second.stdout == first.stdout
    assert "asked for before" in second.stderr
    with (folder / "refused.csv").open("a") as file:
        file.write("y,2026-01-31 12:00:00Z,a,3,,,,\n")
    third = ow(*words)
    assert third.exit_code == 1
    assert f"Row 2 of job {parent} went again in job {first.stdout.strip()} already" in third.stderr
    assert ow(*words, "--again").stdout.strip() not in ("", first.stdout.strip())


def sheet(folder: Path, name: str, *keep: str) -> None:
    """The rows of the sheet with these numbers, as a person leaves them in."""
    with (folder / "refused.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    at = rows[0].index("row")
    with (folder / name).open("w", newline="") as file:
        csv.writer(file).writerows(row for row in rows if row[at] in ("row", *keep))


FOUR = b"email,date,identifier\n" + b"x,2026-01-31 12:00:00Z,a\n" * 4


def test_some_rows_are_mended_now_and_others_later(refused_all: Any, ow: Ow, folder: Path) -> None:
    parent = refused_all("rows.csv", FOUR, 2, 3, 4, 5)
    sheet(folder, "now.csv", "2", "4")
    first = ow("jobs", "replay", parent, "--source", "now.csv").stdout.strip()
    both = ow("jobs", "replay", parent, "--source", "refused.csv")
    assert both.exit_code == 1
    assert both.stderr.startswith(f"Rows 2, 4 of job {parent} went again in job {first} already")
    rest = ow("jobs", "refused", parent, "-o", "rest.csv")
    assert "2 refused rows in rest.csv" in rest.stderr
    assert "2 more went again, mended" in rest.stderr
    later = ow("jobs", "replay", parent, "--source", "rest.csv")
    assert later.exit_code == 0, later.stderr
    assert lines_of(later.stdout.strip()) == lines_of(parent)[:2]
    assert "0 refused rows" in ow("jobs", "refused", parent, "-o", "none.csv").stderr


def test_rows_that_a_stopped_replay_did_not_come_to_may_be_mended(ow: Ow, folder: Path) -> None:
    (folder / "rows.csv").write_bytes(FOUR)
    job, named = Job(ow("import", IMPORT, "rows.csv").stdout.strip()).plan(), [refusal(row) for row in (2, 3, 4, 5)]
    held = job.send(*named)
    job.own.ledger.write(lambda tx: chunks.settle(tx, held, accepted(0, named)))
    assert ow("jobs", "refused", job.id, "-o", "refused.csv").exit_code == 0
    first = ow("jobs", "replay", job.id, "--only", "email.missing").stdout.strip()
    words = ("jobs", "replay", job.id, "--source", "refused.csv")
    assert f"went again in job {first} already" in ow(*words).stderr
    job.own.ledger.write(lambda tx: jobs.stop(tx, first, "cancelled", "cancelled"))
    assert ow(*words).stdout.strip() not in ("", first)


def test_a_sheet_without_the_numbers_of_its_rows_may_be_any_of_them(refused_all: Any, ow: Ow, folder: Path) -> None:
    parent = refused_all("rows.csv", FOUR, 2, 3, 4, 5)
    (folder / "bare.csv").write_bytes(b"".join(FOUR.splitlines(keepends=True)[:2]))
    assert ow("jobs", "replay", parent, "--source", "bare.csv").exit_code == 0
    sheet(folder, "now.csv", "5")
    result = ow("jobs", "replay", parent, "--source", "now.csv")
    assert (result.exit_code, "Refused rows of job" in result.stderr) == (1, True)


def test_a_row_with_an_endless_number_may_be_any_of_them_too(refused_all: Any, ow: Ow, folder: Path) -> None:
    parent = refused_all("rows.csv", FOUR, 2, 3, 4, 5)
    sheet(folder, "odd.csv", "5")
    at = (folder / "odd.csv").read_text().splitlines()[0].split(",").index("row")
    with (folder / "odd.csv").open("r+", newline="") as file:
        header, row = csv.reader(file)
        file.seek(0)
        csv.writer(file).writerows([header, [*row[:at], "9" * 5000, *row[at + 1 :]]])
    result = ow("jobs", "replay", parent, "--source", "odd.csv")
    assert result.exit_code == 0, result.stderr


def test_without_a_source_it_says_what_has_to_be_mended(job: Job, ow: Ow) -> None:
    job.accept(refusal(3))
    result = ow("jobs", "replay", job.id)
    assert result.exit_code == 1
    assert f"`omniworker jobs replay {job.id} --source refused.csv`" in result.stderr
    assert "its codes are email.missing" in result.stderr


def test_show_names_the_jobs_and_their_sums(job: Job, ow: Ow, document: Document) -> None:
    job.accept()
    ow("jobs", "cancel", job.id)
    child = ow("jobs", "replay", job.id)
    assert f"sends 1,500 rows of job {job.id} again" in child.stderr
    name = child.stdout.strip()
    text = ow("jobs", "show", job.id).stdout
    assert "a replay of it" in text
    assert name in text
    assert "replayed by" in ow("jobs", "show", name).stdout
    assert "replay" not in str(list(document("jobs", "show", job.id)))


def test_only_and_source_exclude_each_other(job: Job, ow: Ow) -> None:
    assert ow("jobs", "replay", job.id, "--only", "refused", "--source", "x.csv").exit_code == 2
