"""Reads a list of people a piece at a time, however long it is, and of its rows those that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import msgspec

from worker.checking.check import Checked, check_taken
from worker.facts.rows import Cells, Rows
from worker.newsletters.document import Document, WrongDocument
from worker.newsletters.lists import PLAIN, Stands, stands
from worker.newsletters.stored import job_of
from worker.operation import JSON, Limits, Operation
from worker.orders.order import place
from worker.outcome import Refusal
from worker.processes.process import Process
from worker.sources.cut import cut
from worker.sources.given import given_source, lines_of_given
from worker.sources.opening import open_rows, open_to_look
from worker.sources.original import Named
from worker.sources.read_back import read_piece, rows_of
from worker.sources.read_rows import ReadRows
from worker.sources.source import Source
from worker.sources.wanted import READ

# What a sync says of its rows alone, not of how its file is read.
ITS_OWN = ("strict", "leave_out")


@dataclass
class Reading:
    """A list that is open, whose rows become `rows`. How many it was `read`, how many of them were `chosen`; `whose` is
    what is said of where it comes from. Of a row of a `foreign` one, a sync's, only `names` go along; all if none."""

    source: Source
    rows: Rows
    limits: Limits
    where: Stands
    whose: str
    names: Collection[str] = ()
    foreign: bool = False
    read: int = 0
    chosen: int = 0
    _seen: set[str] = field(default_factory=set, repr=False)

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.source.close()

    def pieces(self) -> Iterator[Checked]:
        """Raises `WrongDocument` where no row has a column that is asked for."""
        for piece in cut(self.source, self.limits):
            self.read += piece.rows
            if piece.too_long:
                yield Checked(refusals=[Refusal(piece.first_row, "row.too_long", "It is longer than a request.")])
                continue
            taken = self._chosen(rows_of(self.source, piece, read_piece(self.source, piece)))
            self.chosen += len(taken.lines)
            yield check_taken(self.source, taken, self.rows)
        self._refuse_unseen()

    @property
    def said(self) -> str:
        """What was read, once it is."""
        wish = f", {self.chosen:,} of them with {self.where.wish}" if self.where.where else ""
        return f"{self.whose}: {self.read:,} rows{wish}"

    def _chosen(self, taken: ReadRows) -> ReadRows:
        """What can't be read is kept: the check says why."""
        if not (self.where.where or self.foreign):
            return taken
        cells = self.rows.cells or Cells(())
        found = [(number, self._line(line, cells)) for number, line in zip(taken.numbers, taken.lines, strict=True)]
        kept = [(number, line) for number, line in found if line is not None]
        return replace(taken, numbers=[n for n, _ in kept], lines=[line for _, line in kept], cells=None)

    def _line(self, line: bytes, cells: Cells) -> bytes | None:
        """The line as it goes on; None where its row is not asked for."""
        try:
            row = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return line
        if not isinstance(row, dict):
            return line
        flat = _flat(row, cells)
        self._seen.update(name for name in self.where.where if name in flat)
        if not self.where.wants(flat):
            return None
        return msgspec.json.encode(self._folded(flat, cells)) if self.foreign else line

    def _folded(self, flat: JSON, cells: Cells) -> JSON:
        """A row of another operation as one of this: the columns that are no fields are gathered."""
        own = {name: flat[name] for name in cells.fields if name in flat}
        others = {name: value for name, value in flat.items() if name not in cells.fields and self._goes(name, value)}
        return {**own, **({cells.rest: others} if cells.rest and others else {})}

    def _goes(self, name: str, value: Any) -> bool:
        return isinstance(value, PLAIN) and (not self.names or name in self.names)

    def _refuse_unseen(self) -> None:
        unseen = sorted(set(self.where.where) - self._seen - set(self.source.columns))
        if unseen and self.read:
            columns = f": its columns are {', '.join(map(repr, self.source.columns))}" if self.source.columns else ""
            raise WrongDocument(f"No row has {', '.join(map(repr, unseen))}, of which where speaks{columns}.")


def opened(process: Process, document: Document, operation: Operation, rows: Rows, value: Any) -> Reading:
    """The list that `value` names. Raises `WrongDocument`, and what `open_to_look` raises for a file that can't be
    read."""
    if isinstance(value, list):
        return Reading(_given(value, rows), rows, operation.limits, Stands(), "the document's own list")
    where = stands(value)
    if where.file is not None:
        named = Named(place(where.file), document.options, rows)
        return Reading(open_to_look(named, process.settings), rows, operation.limits, where, where.file)
    return _of_sync(process, document, operation, rows, where)


def _of_sync(process: Process, document: Document, operation: Operation, rows: Rows, where: Stands) -> Reading:
    job = process.ledger.read(lambda tx: job_of(tx, where))
    named = Named(job.source, _options(job.options, document.options), rows, copy=job.rows_of or job.id)
    source = open_rows(named, process.settings)
    if source.stamp != job.stamp:
        source.close()
        raise WrongDocument(f"{job.source} was changed since job {job.id} took it: let the sync run again.")
    by = f"schedule {where.schedule}, job {job.id}" if where.schedule else f"job {job.id}"
    whose = f"{job.source} as {by}, took it"
    return Reading(source, rows, operation.limits, where, whose, document.variables, foreign=True)


def _options(of_job: str, of_document: Mapping[str, Any]) -> JSON:
    """How the sync reads its file, and over that what the document says."""
    said = {name: value for name, value in msgspec.json.decode(of_job).items() if name in READ and name not in ITS_OWN}
    both = {**said.get("map", {}), **of_document.get("map", {})}
    return {**said, **of_document, **({"map": both} if both else {})}


def _given(people: list[Any], rows: Rows) -> Source:
    name = rows.cells.fields[0] if rows.cells else ""
    return given_source(lines_of_given([{name: one} if isinstance(one, str) else one for one in people]))


def _flat(row: JSON, cells: Cells) -> JSON:
    gathered = row.get(cells.rest) if cells.rest else None
    if not isinstance(gathered, dict):
        return row
    return {**gathered, **{name: value for name, value in row.items() if name != cells.rest}}
