"""The folder's lock, and the list of processes beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker.processes import leftovers
from worker.processes.held import write_down


def test_processes_are_written_down_with_their_owner(tmp_path: Path) -> None:
    write_down(tmp_path, {"worker.1": os.getpid()})
    assert [one.name for one in leftovers.read(tmp_path / "up.pids")] == ["up", "worker.1"]


def test_a_list_that_cant_be_written_is_a_sentence_and_stops_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_down(tmp_path / "gone", {"worker.1": os.getpid()})
    assert "up.pids can't be written (No such file or directory): make room" in capsys.readouterr().err
