"""Which files a job may read, and what it is told about the others."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from worker.sources.inbox import open_source
from worker.sources.refused import SourceRefused

NOBODY = 65534


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("current"))


def _why_not(name: str, *inbox: Path) -> str:
    with pytest.raises(SourceRefused) as refused:
        open_source(name, inbox)
    return str(refused.value)


def test_a_relative_name_is_taken_from_the_first_folder(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "rows.ndjson").write_text(folder.name)
    with open_source("rows.ndjson", [first, second]) as source:
        assert source.stream.read() == b"first"
        assert source.path == str(first / "rows.ndjson")
        assert source.size == 5


def test_an_absolute_name_may_lie_in_any_folder(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (second / "deep").mkdir(parents=True)
    (second / "deep" / "rows").write_text("second")
    with open_source(str(second / "deep" / "rows"), [first, second]) as source:
        assert source.stream.read() == b"second"


def test_a_link_to_a_file_inside_is_followed_and_one_to_the_outside_is_not(tmp_path: Path) -> None:
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    inbox.mkdir()
    outside.write_text("secret")
    (inbox / "rows").write_text("rows")
    (inbox / "inside").symlink_to("rows")
    (inbox / "leak").symlink_to(outside)
    with open_source("inside", [inbox]) as source:
        assert source.stream.read() == b"rows"
    assert "outside INBOX" in _why_not("leak", inbox)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside", "/"])
def test_whatever_lies_outside_is_refused(name: str, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (tmp_path / "outside").write_text("secret")
    assert "outside INBOX" in _why_not(name, inbox)


def test_a_folder_whose_name_only_begins_alike_is_outside(tmp_path: Path) -> None:
    inbox, twin = tmp_path / "in", tmp_path / "inbox"
    inbox.mkdir()
    twin.mkdir()
    (twin / "rows").write_text("rows")
    assert "outside INBOX" in _why_not(str(twin / "rows"), inbox)


@pytest.mark.parametrize("name", [".env", ".git/config", "a/.hidden/rows", "link"])
def test_dot_files_are_refused(name: str, tmp_path: Path) -> None:
    for hidden in (".env", ".git/config", "a/.hidden/rows"):
        (tmp_path / hidden).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / hidden).write_text("SECRET=1")
    (tmp_path / "link").symlink_to(".env")
    assert "dot-file" in _why_not(name, tmp_path)


def test_an_inbox_below_a_dot_folder_is_fine(tmp_path: Path) -> None:
    inbox = tmp_path / ".data"
    inbox.mkdir()
    (inbox / "rows").write_text("rows")
    open_source("rows", [inbox]).close()


def test_the_workers_own_data_is_refused() -> None:
    Path("var").mkdir()
    Path("var/omniworker.db").write_text("ledger")
    assert "worker's own data" in _why_not("var/omniworker.db", Path())
    assert "worker's own data" in _why_not("omniworker.db", Path("var"))


@pytest.mark.parametrize("name", ["rows\n.ndjson", "rows\0", "rows\r", "rows\ud800", "\x1b[31mrows"])
def test_a_name_with_control_characters_is_refused_without_printing_them(name: str, tmp_path: Path) -> None:
    sentence = _why_not(name, tmp_path)
    assert "control character" in sentence
    assert sentence.isprintable()


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused(name: str, tmp_path: Path) -> None:
    assert "no name" in _why_not(name, tmp_path)


def test_an_address_is_refused(tmp_path: Path) -> None:
    assert "only files are read" in _why_not("s3://bucket/rows.ndjson", tmp_path)


@pytest.mark.parametrize("name", ["missing", "missing/rows", "rows/below"])
def test_a_missing_file_is_refused_and_the_sentence_names_the_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("rows")
    sentence = _why_not(name, tmp_path)
    assert "does not exist" in sentence
    assert str(tmp_path) in sentence


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert "can't be opened" in _why_not("x" * 5000, tmp_path)


@pytest.mark.parametrize("name", ["folder", "."])
def test_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "is a folder" in _why_not(name, tmp_path)


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe" in _why_not("pipe", tmp_path)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert "is a pipe, socket or device" in _why_not("socket", tmp_path)


def test_a_device_is_refused() -> None:
    assert "is a pipe, socket or device" in _why_not("/dev/zero", Path("/dev"))


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("rows")
    (tmp_path / "rows").chmod(0)
    with _without_privileges():
        assert "may not be read" in _why_not("rows", tmp_path)


@contextmanager
def _without_privileges() -> Iterator[None]:
    """Root reads everything, so it steps down for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"")
    assert "is empty" in _why_not("rows", tmp_path)


def test_a_refused_file_is_not_left_open(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"")
    before = len(list(Path("/dev/fd").iterdir()))
    for name in ("rows", ".", "missing/rows"):
        _why_not(name, tmp_path)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_the_stamp_tells_a_changed_file(tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.write_text("rows")
    with open_source("rows", [tmp_path]) as source:
        source.check_unchanged()
        rows.write_text("other rows")
        with pytest.raises(SourceRefused, match="was changed while it was being read"):
            source.check_unchanged()


def test_a_file_put_in_the_place_of_another_has_another_stamp(tmp_path: Path) -> None:
    for name in ("rows", "new"):
        (tmp_path / name).write_text("same")
        os.utime(tmp_path / name, (0, 0))
    with open_source("rows", [tmp_path]) as old:
        (tmp_path / "new").replace(tmp_path / "rows")
        with open_source("rows", [tmp_path]) as new:
            assert old.stamp != new.stamp


def test_where_inbox_names_no_folder_at_all_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text("{}\n")
    assert "which names no folder at all" in _why_not(str(tmp_path / "a.ndjson"))
