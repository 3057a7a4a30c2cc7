"""How a file of subscribers goes: as files of CSV, each with the header, in a form beside the keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from marshmallow import ValidationError

from tasks.strict import JSON, problem
from worker.rows import Brief
from worker.wire import File, Wire

PATH = "/subscriber/import"


def fit(row: JSON, brief: Brief) -> list[str]:
    """The row's cells in the order of the columns; empty where it says nothing."""
    strange = sorted(row.keys() - set(brief.columns))
    if strange:
        why = problem("no_column", "is not in the first row", "Give every row the same names; null for nothing.")
        raise ValidationError(dict.fromkeys(strange, why.messages))
    return [row.get(name, "") for name in brief.columns]


def encode(rows: Sequence[Sequence[str]], brief: Brief) -> bytes:
    """CSV in UTF-8 with a header, and without a byte order mark, which the document forbids."""
    table = [brief.columns, *rows]
    text = "\r\n".join(map(",".join, table)) + "\r\n"
    return (text if _is_plain(text, len(table), len(brief.columns)) else _quoted(table)).encode()


def _is_plain(text: str, rows: int, columns: int) -> bool:
    """Whether no cell in it needs quotes: there are no marks but those between the cells."""
    marks = {",": rows * (columns - 1), "\r": rows, "\n": rows, '"': 0}
    return all(text.count(mark) == times for mark, times in marks.items())


def _quoted(table: Sequence[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    return text.getvalue()


def wire(content: bytes, _brief: Brief) -> Wire:
    return Wire(PATH, file=File("csv", "subscribers.csv", "text/csv", content))
