"""Opens what a job names, so that its rows can be cut and read back by offset."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.operation import Rows
from worker.settings import Settings
from worker.sources.cells import Reader
from worker.sources.form import HEAD, Form, form_of
from worker.sources.inbox import open_source
from worker.sources.refused import SourceRefused
from worker.sources.sheet import sheet_of
from worker.sources.source import Source
from worker.sources.wanted import Wanted, wanted


@dataclass(frozen=True)
class Named:
    """What a job says of its rows: where they lie, and the options of the file."""

    name: str
    options: Mapping[str, Any]
    rows: Rows


def open_rows(named: Named, told: Settings) -> Source:
    """The file's rows. Raises `SourceRefused` with the sentence that says what is wrong and what to do."""
    asked = wanted(named.options)
    source = open_source(named.name, told.inbox)
    try:
        head = source.read_at(0, HEAD)
        form = form_of(source.path, head, asked, named.rows)
        return in_place(source, form, asked, named.rows)
    except BaseException:
        source.close()
        raise


def check_begin(named: Named, told: Settings) -> None:
    """Raise `SourceRefused` for what shows in the file's name, options and first bytes."""
    open_rows(named, told).close()


def in_place(source: Source, form: Form, asked: Wanted, rows: Rows) -> Source:
    """A file in UTF-8 whose rows are read where they lie."""
    start = len(codecs.BOM_UTF8) if source.read_at(0, 3) == codecs.BOM_UTF8 else 0
    if form.format != "csv":
        return replace(source, start=start)
    sheet = sheet_of(source.path, source.read_at(start, HEAD), asked, rows)
    start += len(sheet.head)
    if start == source.size:
        raise SourceRefused(f"{source.path} holds no rows, only a header: there is nothing to send.")
    assert rows.cells is not None  # noqa: S101 - a sheet is only made for rows that can be cells
    return replace(source, start=start, row=1 + sheet.lines, reader=Reader(sheet, rows.cells, asked))
