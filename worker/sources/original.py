"""What a job names, before anybody knows whether its rows can be read where they lie."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from worker.facts.rows import Cells, Rows
from worker.settings import Settings
from worker.sources.cells import Reader
from worker.sources.columns import doubts, names_in
from worker.sources.decode import decoded
from worker.sources.document import rows_of_document
from worker.sources.form import GZIP, HEAD, Form, form_of
from worker.sources.gunzip import GZIP_WINDOW, unpacked
from worker.sources.inbox import BLOCK, open_source
from worker.sources.refused import SourceRefused
from worker.sources.sheet import Sheet, sheet_of
from worker.sources.source import Source
from worker.sources.spoken_of import check_columns, missing_fields
from worker.sources.wanted import Wanted, wanted


@dataclass(frozen=True)
class Named:
    """What a job says of its rows: where they lie, and the options of the file. `copy` is what its copy is called."""

    name: str
    options: Mapping[str, Any]
    rows: Rows
    copy: str = ""


class Original:
    """The file or object itself, open, and found out. Raises `SourceRefused` for what can't be taken."""

    def __init__(self, named: Named, told: Settings) -> None:
        self.asked = wanted(named.options)
        self._options = named.options
        self._rows = named.rows
        self._source = open_named(named.name, told)
        self.path = self._source.path
        try:
            head = self._source.read_at(0, HEAD)
            self._packed = head.startswith(GZIP)
            self._head = _unpacked_head(self.path, head) if self._packed else head
            self._form = form_of(self.path, self._head, self.asked, named.rows)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Original:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._source.close()

    @property
    def in_place(self) -> bool:
        """Whether its rows can be read where they lie."""
        plain = self._form.format != "json" and self._form.encoding == "utf-8"
        return plain and not self._packed and not self._source.remote

    @property
    def sealed(self) -> Form:
        """What its copy is."""
        return Form("csv" if self._form.format == "csv" else "ndjson", "utf-8")

    def rows(self) -> Source:
        """Its rows, read in place; whoever has them closes them."""
        try:
            return in_place(self._source, self._form, self.asked, self._rows)
        except BaseException:
            self.close()
            raise

    def check(self) -> list[str]:
        """What is doubtful about the columns. Raises `SourceRefused` for what is wrong with them."""
        return self._check_csv() if self._form.format == "csv" else self._check_json()

    def _check_csv(self) -> list[str]:
        sheet, begin = self.sheet(), self._begin()
        sent = [name for name in sheet.names if name not in self.asked.leave_out]
        if self._is_whole and not begin[len(sheet.head) :].strip():
            raise SourceRefused(f"{self.path} holds a header and no rows: there is nothing to send.")
        if not self.asked.json_column:
            check_columns(self.path, sent, self._options, self._rows)
        return doubts(self.path, sheet.names, self._rows, self.asked.strict)

    def _check_json(self) -> list[str]:
        """A document as far as it can be known without reading all of it."""
        lines = self._lines()
        missing = missing_fields(self.path, lines, self._options, self._rows) if lines else []
        if missing and self._is_whole:
            raise SourceRefused(missing[0])
        return [*missing, *doubts(self.path, names_in(lines), self._rows, self.asked.strict)]

    def _lines(self) -> list[bytes]:
        """Rows as lines of JSON: of a document only where all of it was read."""
        if self._form.format != "json":
            return self._begin().split(b"\n")
        if not self._is_whole:
            return []
        lines = b"".join(rows_of_document(self.path, iter([self._begin()]), self._rows.key)).split(b"\n")
        if not any(lines):
            raise SourceRefused(f"{self.path} holds no rows: there is nothing to send.")
        return lines

    @property
    def _is_whole(self) -> bool:
        """Whether all of the file is in what was read of it."""
        return len(self._head) < HEAD and self._source.size <= HEAD

    def sheet(self) -> Sheet:
        """The header, of CSV. Raises `SourceRefused`."""
        return sheet_of(self.path, self._begin(), self.asked, self._rows)

    def _begin(self) -> bytes:
        return b"".join(decoded(iter([self._head]), self._form.encoding)).removeprefix(codecs.BOM_UTF8)

    def text(self) -> Iterator[bytes]:
        """All of it in UTF-8, lines of JSON or CSV, as it is read. Raises `SourceRefused` where it breaks off."""
        self._source.stream.seek(0)
        blocks = iter(lambda: self._source.stream.read(BLOCK), b"")
        text = decoded(unpacked(self.path, blocks) if self._packed else blocks, self._form.encoding)
        yield from rows_of_document(self.path, text, self._rows.key) if self._form.format == "json" else text
        self._source.check_unchanged()


def in_place(source: Source, form: Form, asked: Wanted, rows: Rows) -> Source:
    """A file in UTF-8, lines of JSON or CSV, whose rows are read where they lie."""
    start = len(codecs.BOM_UTF8) if source.read_at(0, 3) == codecs.BOM_UTF8 else 0
    found = replace(source, start=start)
    if form.format == "csv":
        sheet = sheet_of(source.path, source.read_at(start, HEAD), asked, rows)
        reader = Reader(sheet, rows.cells or Cells(()), asked)
        found = replace(source, start=start + len(sheet.head), row=1 + sheet.lines, reader=reader)
    if asked.strict:
        doubts(found.path, found.columns, rows, strict=True)
    return found


def open_named(name: str, told: Settings) -> Source:
    """The file or object of this name, whatever it holds; whoever has it closes it. Raises `SourceRefused`."""
    if "://" not in name:
        return open_source(name, told.inbox)
    from worker.sources.remote import open_remote  # only those who use it pay for it

    return open_remote(name, told.inbox_addresses)


def _unpacked_head(path: str, head: bytes) -> bytes:
    """Of all members that lie in it; what is no member is told by whoever reads all of the file."""
    text = b""
    try:
        while head.startswith(GZIP) and len(text) < HEAD:
            member = zlib.decompressobj(GZIP_WINDOW)
            text += member.decompress(head, HEAD - len(text))
            head = member.unused_data
    except zlib.error:
        raise SourceRefused(f"{path} is damaged: its gzip can't be unpacked. Copy or pack it again.") from None
    return text
