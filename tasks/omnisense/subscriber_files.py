"""How a file of subscribers goes: as files of CSV, each with the header, in a form beside the keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from marshmallow import ValidationError

from tasks.strict import JSON, problem
from worker.checking.table import Plain
from worker.facts.rows import Brief
from worker.facts.wire import File, Wire

PATH = "/subscriber/import"
END = "\r\n"
EXAMPLE = """\
email,first_name,last_name,lang
foo@bar.com,Foo,Bar,fr
yourcustomer@test.com,Your,Customer,
"""


def fit(row: JSON, brief: Brief) -> list[str]:
    """The row's cells in the order of the columns; empty where it says nothing."""
    strange = sorted(row.keys() - set(brief.columns))
    if strange:
        why = problem("no_column", "is not in the first row", "Give every row the same names; null for nothing.")
        raise ValidationError(dict.fromkeys(strange, why.messages))
    return [row.get(name, "") for name in brief.columns]


def encode(rows: Sequence[Sequence[str]], brief: Brief) -> bytes:
    """CSV in UTF-8 with a header, and without a byte order mark, which the document forbids."""
    plain = rows.delimited(",", END) if isinstance(rows, Plain) else None
    return _quoted([brief.columns]) + plain if plain is not None else _quoted([brief.columns, *rows])


def _quoted(table: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=END).writerows(table)
    return text.getvalue().encode()


def wire(content: bytes, _brief: Brief) -> Wire:
    return Wire(PATH, file=File("csv", "subscribers.csv", "text/csv", content))
