"""Counts on a terminal, narrow and wide, and where there is none."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from worker.cli.chart import chart

COUNTS = {"delivered": 8000, "opened": 2000, "failed": 3, "queued": 0}


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    columns, encoding = request.param
    monkeypatch.setenv("COLUMNS", str(columns))
    stdout = Terminal(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("worker.cli.chart.sys", SimpleNamespace(stdout=stdout))


@pytest.mark.parametrize(
    ("terminal", "bars"),
    [
        ((200, "utf-8"), [40, 10, 1]),
        ((45, "utf-8"), [18, 4, 1]),
        ((30, "utf-8"), [0, 0, 0]),
    ],
    indirect=["terminal"],
)
def test_bars_are_as_wide_as_there_is_room(terminal: None, bars: list[int]) -> None:
    lines = chart(COUNTS).splitlines()
    assert [line.count("█") for line in lines] == bars
    assert all(len(line) <= 44 for line in lines) or bars[0] == 40
    assert [line.split()[:4] for line in lines] == [
        ["delivered", "8,000", "80", "%"],
        ["opened", "2,000", "20", "%"],
        ["failed", "3", "1", "%"],
    ]


@pytest.mark.parametrize("terminal", [(80, "ascii")], indirect=True)
def test_a_terminal_without_the_letter_has_another(terminal: None) -> None:
    assert [line.count("#") for line in chart(COUNTS).splitlines()] == [40, 10, 1]


def test_where_there_is_no_terminal_there_are_no_bars() -> None:
    assert ("█" in chart(COUNTS), "#" in chart(COUNTS), chart({"queued": 0})) == (False, False, "")


def test_no_share_of_something_is_nothing_or_all() -> None:
    assert [line.split()[-2] for line in chart({"a": 99_999, "b": 1}).splitlines()] == ["99", "1"]
