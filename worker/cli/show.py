"""What commands print: one JSON document, or text in columns."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from worker.ledger.reports import ROW_SUMS

Report = Mapping[str, Any]


def document(content: Any) -> None:
    """The one JSON document of a command with `--json`."""
    click.echo(json.dumps(content, ensure_ascii=False))


def aside(sentence: str) -> None:
    """What is said beside the result: on standard error."""
    click.echo(sentence, err=True)


def columns(rows: Iterable[Sequence[object]], right: Iterable[int] = ()) -> str:
    """Rows of cells as aligned text; the columns in `right` hold numbers."""
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = [">" if place in set(right) else "<" for place in range(len(widths))]
    lines = ("  ".join(f"{c:{s}{w}}" for c, s, w in zip(row, sides, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def table(rows: Sequence[Mapping[str, object]], right: Iterable[str] = ()) -> str:
    """`columns` under their names."""
    names = list(rows[0])
    return columns([names, *(list(row.values()) for row in rows)], [names.index(name) for name in right])


def report_text(report: Report) -> str:
    """A job's report for people; the same numbers as the JSON document."""
    facts = [
        ("job", report["job"]),
        ("operation", f"{report['operation']}, account {report['account']}"),
        *([("key", report["key"])] if report["key"] else []),
        ("state", _state(report)),
        *([("why", report["why"])] if report["why"] else []),
        *([("requests", requests)] if (requests := _requests(report["chunks"])) else []),
    ]
    return f"{columns(facts)}\nrows\n{_rows(report)}"


def _state(report: Report) -> str:
    seconds = duration(report)
    if seconds is None:
        return str(report["state"])
    total = report["rows"]["total"]
    speed = f", {total / seconds:,.0f} rows a second" if total > seconds > 0 else ""
    return f"{report['state']} after {span(seconds)}{speed}"


NO_COUNT = ("total", "unsent")


def _requests(chunks: Mapping[str, int]) -> str:
    """Nothing of a single one that went as it should."""
    awaiting, unsent = chunks.get("awaiting", 0), chunks.get("unsent", 0)
    if chunks["total"] <= 1:
        return "none was made: no row was left to send" if unsent else ""
    apart = {**chunks, "sending": chunks["sending"] - awaiting, "awaiting": awaiting}
    parts = ", ".join(f"{n:,} {name}" for name, n in apart.items() if n and name not in NO_COUNT)
    which = "none of them was made" if unsent == chunks["total"] else f"{unsent:,} of them were not made"
    return f"{chunks['total']:,}: {parts}" + (f"; {which}: no row was left to send" if unsent else "")


def _rows(report: Report) -> str:
    beside = {"refused": report["refused_by"], "skipped": report["skipped_by"]}
    by_code = {name: ", ".join(f"{code} {n:,}" for code, n in codes.items()) for name, codes in beside.items()}
    return columns([(" ", name, report["rows"][name], by_code.get(name, "")) for name in ROW_SUMS], right=[2])


def duration(report: Report) -> float | None:
    """Seconds from the asking to the end; None while it has not ended."""
    if report["finished_at"] is None:
        return None
    began, ended = (dt.datetime.fromisoformat(report[name]) for name in ("created_at", "finished_at"))
    return (ended - began).total_seconds()


def span(seconds: float) -> str:
    """`42 s`, `3:05 min`, `2:07 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"
