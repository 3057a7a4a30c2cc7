"""The refused rows of a job beside their own columns, read back from where they lie, a chunk at a time."""

from __future__ import annotations

import csv
import io
import itertools
import shutil
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from worker.cli.beside import beside
from worker.ledger import mended, refused
from worker.ledger.refused import Verdicts
from worker.ledger.types import Row
from worker.processes.process import Process
from worker.runner.stretch import named
from worker.sources.apart import apart
from worker.sources.given import NAME, given_source
from worker.sources.opening import open_rows
from worker.sources.read_back import SourceChanged, read_piece
from worker.sources.refused import SourceAway, SourceRefused
from worker.sources.sheets import ABOUT, Layout
from worker.sources.source import Source

PAGE = 200  # chunks


@dataclass
class Written:
    """How many rows, how many of them without their own columns, and why; how many went again before, mended, and are
    left out."""

    rows: int = 0
    bare: int = 0
    why: str = ""
    left_out: int = 0


class _Sheet:
    """The sheet of one job, as its lines come."""

    def __init__(self, own: Process, job: Row[Any], source: Source | None, written: Written) -> None:
        self._own = own
        self._job = job
        self._source = source
        self._written = written
        self._went = own.ledger.read(lambda tx: mended.of(tx, job.id))
        self.layout = Layout(source)

    def lines(self) -> Iterator[list[str]]:
        ids = self._own.ledger.read(lambda tx: refused.chunks_with(tx, self._job.id))
        for at in range(0, len(ids), PAGE):
            for chunk in self._own.ledger.read(lambda tx, at=at: refused.these(tx, ids[at : at + PAGE])):  # type: ignore[misc]
                yield from self._of_chunk(chunk)

    def _of_chunk(self, chunk: Row[Any]) -> Iterator[list[str]]:
        said = self._own.ledger.read(lambda tx: refused.of_chunk(tx, chunk))
        source = self._source_of(chunk)
        try:
            data = read_piece(source, chunk) if source else None
        except SourceChanged:
            self._written.why, data = f"{self._job.source or NAME} was changed since its job was planned.", None
        if source is None or data is None:
            yield from self._bare(chunk, said)
            return
        for row in apart(source, chunk, data):
            if (one := said.of(row.number)) and not self._is_left_out(row.number):
                self._written.rows += 1
                yield self.layout.line(row.data, _about(row.number, one))

    def _is_left_out(self, number: int | str) -> bool:
        went = number in self._went
        self._written.left_out += went
        return went

    def _source_of(self, chunk: Row[Any]) -> Source | None:
        if chunk.too_long or self._job.kind == "call":
            return None
        return self._source if chunk.payload is None else _given(self._own, chunk)

    def _bare(self, chunk: Row[Any], said: Verdicts) -> Iterator[list[str]]:
        for one in said:
            for number in _numbers(chunk, said, one):
                if self._is_left_out(number):
                    continue
                self._written.rows += 1
                self._written.bare += 1
                yield self.layout.line(None, _about(number, one))


def write_sheet(own: Process, job: Row[Any], file: Path) -> Written:
    """Write all refused rows of the job to `file`, which appears when it is complete.

    In UTF-8; with a letter beyond ASCII in it, it begins with the mark without which Excel would show other letters.
    """
    written = Written()
    with ExitStack() as open_:
        source = _source(own, job, written)
        if source is not None and job.source:
            open_.enter_context(source)
        sheet = _Sheet(own, job, source, written)
        body = open_.enter_context(TemporaryFile())
        is_ascii = _write_down(sheet, body)
        with beside(file.resolve()) as target:
            target.write(b"" if is_ascii else BOM_UTF8)
            body.seek(0)
            shutil.copyfileobj(body, target)
    return written


def _write_down(sheet: _Sheet, body: IO[bytes]) -> bool:
    """Whether all of it is ASCII."""
    is_ascii = True
    for line in itertools.chain([sheet.layout.header], sheet.lines()):
        encoded = _encoded(line, sheet.layout.delimiter)
        is_ascii = is_ascii and encoded.isascii()
        body.write(encoded)
    return is_ascii


def _encoded(cells: list[str], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _source(own: Process, job: Row[Any], written: Written) -> Source | None:
    """Where the rows of the job lie, open; None where none can be read."""
    if job.kind == "call":
        return None
    if job.source is None:
        return given_source(b"")
    try:
        return open_rows(named(job), own.settings)
    except (SourceRefused, SourceAway) as error:
        written.why = str(error)
        return None


def _given(own: Process, chunk: Row[Any]) -> Source:
    return given_source(own.seal.open(chunk.payload).encode(), chunk.offset)


def _about(number: int | str, one: Row[Any]) -> tuple[object, ...]:
    return (number, *(getattr(one, name) for name in ABOUT[1:]))


def _numbers(chunk: Row[Any], said: Verdicts, one: Row[Any]) -> Iterator[int | str]:
    """The rows that this was said of; a range as it is, where nobody knows which of its lines are rows."""
    if one.last is None or one.last == one.row:
        yield one.row
    elif chunk.rows == chunk.lines:
        yield from (number for number in range(one.row, one.last + 1) if said.of(number) is one)
    else:
        yield f"{one.row}–{one.last}"
