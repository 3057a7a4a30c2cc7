"""`POST /subscriber/import`: people as a file of CSV in a form.

The document that lists the columns is lost. So the column `email` says who a row is about, all others are taken as they
are called, and cells are text.
"""

from __future__ import annotations

import codecs
import csv
import io

from sandbox.answer import Refusal
from sandbox.form import Part, field
from sandbox.omnisense.values import is_address
from sandbox.strict import JSON

# The module's own limit, which all of a process share, is less than a request may hold.
csv.field_size_limit(max(csv.field_size_limit(), 1 << 20))
FIELDS = frozenset({"master_key", "admin[email]", "admin[token]", "csv"})


def keys(parts: dict[str, Part]) -> JSON:
    """The fields of the form that are no file, as the other administrative requests have them in JSON."""
    strange = sorted(parts.keys() - FIELDS)
    if strange:
        raise Refusal(422, f"Not in the document: {', '.join(strange)}.")
    admin = {name: field(parts, f"admin[{name}]") for name in ("email", "token")}
    return {"master_key": field(parts, "master_key"), "admin": admin}


def people(parts: dict[str, Part]) -> list[dict[str, str]]:
    """The cells of each row by the names of their columns."""
    file = parts.get("csv")
    if file is None or not file.file:
        raise Refusal(422, "csv has to be a file with a name.", "csv")
    if file.content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Refusal(422, "The file has to come without a byte order mark.", "csv")
    header, *rows = _read(file.content)
    _check_header(header)
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise Refusal(422, f"Row {number} has {len(row)} cells, the header {len(header)}.", f"csv[{number}]")
        if not is_address(row[header.index("email")]):
            raise Refusal(422, "email has to be an address.", f"csv[{number}].email")
    return [dict(zip(header, row, strict=True)) for row in rows]


def _read(content: bytes) -> list[list[str]]:
    try:
        records = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refusal(422, "The file has to be CSV in UTF-8.", "csv") from error
    if len(records) < 2:
        raise Refusal(422, "The file has to have a header and at least one row.", "csv")
    return records


def _check_header(header: list[str]) -> None:
    if "email" not in header or not all(header) or len(set(header)) < len(header):
        raise Refusal(422, "The header has to name each column once, and one of them email.", "csv")
