"""Rows of a file that somebody says again further down: exports append, so only the last one of equal rows goes.

Their identities lie in a scratch database of this process, on disk once it is large: memory stays flat, and it is gone
with its connection.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from worker.operation import Limits
from worker.sources.cut import cut
from worker.sources.identity import Identity
from worker.sources.piece import Piece
from worker.sources.read_back import read_piece, rows_of
from worker.sources.source import Source

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -16000;
CREATE TABLE latest (identity BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE repeated (row INTEGER PRIMARY KEY);
CREATE TRIGGER said_again AFTER UPDATE ON latest BEGIN INSERT INTO repeated VALUES (old.row); END;
"""
SEEN = "INSERT INTO latest VALUES (?, ?) ON CONFLICT DO UPDATE SET row = excluded.row"
WITHIN = "SELECT row FROM repeated WHERE row BETWEEN ? AND ? ORDER BY row"


class Repeats:
    """The rows of one file that come again. Close it when the file is planned."""

    def __init__(self) -> None:
        self._scratch = sqlite3.connect("", isolation_level=None)
        self._scratch.executescript(SCHEMA)

    def close(self) -> None:
        self._scratch.close()

    def read(self, source: Source, limits: Limits, identity: Identity, going: Callable[[], bool]) -> bool:
        """Look through the whole file; False when `going`, asked after each piece, said no."""
        for piece in cut(source, limits):
            if not going():
                return False
            if not piece.too_long:
                taken = rows_of(source, piece, read_piece(source, piece))
                said = zip(map(identity.of, taken.lines), taken.numbers, strict=True)
                self._scratch.execute("BEGIN")
                self._scratch.executemany(SEEN, [(_digest(who), number) for who, number in said if who is not None])
                self._scratch.execute("COMMIT")
        return True

    def marked(self, piece: Piece) -> Piece:
        """The piece with the numbers of its rows that come again."""
        span = (piece.first_row, piece.first_row + piece.lines - 1)
        again = tuple(row for (row,) in self._scratch.execute(WITHIN, span))
        return replace(piece, stays=again) if again else piece


def _digest(identity: str) -> bytes:
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
