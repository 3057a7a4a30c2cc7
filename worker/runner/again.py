"""The rows that one job was given of another: stretches of the same source, each within a chunk of the other job.

A chunk of which all rows were given goes as it was; of others, rows that stand one right after the other share a
request. So the rows keep their numbers, and what is sent is checked against what was cut the first time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from worker.ledger import planning, refused, replays
from worker.ledger.refused import Verdicts
from worker.ledger.types import Row
from worker.processes.process import Process
from worker.sources.apart import apart, together
from worker.sources.given import given_source
from worker.sources.piece import Piece
from worker.sources.read_back import read_piece
from worker.sources.source import Source

PAGE = 200
Load = tuple[Piece, bytes | None]


def pieces(process: Process, job: Row[Any], source: Source) -> Iterator[Load]:
    """All of them that are not recorded yet; with the sealed rows of those that no file has. Raises `SourceChanged`."""
    known = process.ledger.read(lambda tx: planning.offsets(tx, job.id))
    for chunk, codes in _given(process, job):
        for piece, payload in _of_chunk(process, source, chunk, codes):
            if piece.offset not in known:
                yield piece, payload


def _given(process: Process, job: Row[Any]) -> Iterator[tuple[Row[Any], set[str]]]:
    after = 0
    while page := _page(process, job, after):
        yield from ((chunk, codes) for chunk, codes in page if codes)
        after = page[-1][0].n


def _page(process: Process, job: Row[Any], after: int) -> list[tuple[Row[Any], set[str]]]:
    return process.ledger.read(lambda tx: replays.given_chunks(tx, job, after, PAGE))


def _of_chunk(process: Process, source: Source, chunk: Row[Any], codes: set[str]) -> Iterator[Load]:
    if is_whole(chunk, codes):
        yield _as_it_was(chunk), chunk.payload
        return
    if chunk.payload is not None:
        source = given_source(process.seal.open(chunk.payload).encode(), chunk.offset)
    said = process.ledger.read(lambda tx: refused.of_chunk(tx, chunk))
    skipped = not codes.isdisjoint(json.loads(chunk.skipped_by or "{}"))
    data = read_piece(source, chunk)
    rows = [row for row in apart(source, chunk, data) if _is_given(said, row.number, codes, skipped)]
    for piece in together(source, rows):
        begin = piece.offset - chunk.offset
        text = data[begin : begin + piece.length].decode() if chunk.payload is not None else None
        yield piece, None if text is None else process.seal.close(text)


def _is_given(said: Verdicts, row: int, codes: set[str], skipped: bool) -> bool:
    one = said.of(row)
    return one.code in codes if one else skipped and said.owns(row)


def is_whole(chunk: Row[Any], codes: set[str]) -> bool:
    """Whether every row of the chunk's stretch has one of these codes."""
    named = {**json.loads(chunk.refused_by or "{}"), **json.loads(chunk.skipped_by or "{}")}
    return not chunk.accepted and chunk.only is None and codes.issuperset(named)


def _as_it_was(chunk: Row[Any]) -> Piece:
    stays = tuple(json.loads(chunk.stays or "[]"))
    where = (chunk.offset, chunk.length, chunk.first_row, chunk.lines, chunk.rows, chunk.checksum)
    return Piece(*where, bool(chunk.too_long), stays)
