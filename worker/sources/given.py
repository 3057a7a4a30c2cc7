"""Rows that an application gave instead of a file: lines of JSON in memory, from which on they are like a file's."""

from __future__ import annotations

import io
import json
from typing import Any

from worker.sources.refused import SourceRefused
from worker.sources.source import Source

MOST = 1 << 20
NAME = "the rows that were given"


def lines_of_given(rows: Any) -> bytes:
    """The rows as lines; the number of a row is its place in the list, from 1. Raises `SourceRefused`."""
    if not isinstance(rows, list) or not rows:
        raise SourceRefused("rows is a list of rows, JSON objects, with at least one in it.")
    try:
        text = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    except (TypeError, ValueError):
        raise SourceRefused("A row holds what JSON does not have: give texts, numbers, booleans and null.") from None
    except RecursionError:
        raise SourceRefused("A row is nested too deeply: write it flat.") from None
    if len(text) > MOST:
        raise SourceRefused(
            f"The rows are {len(text):,} bytes of JSON, more than the {MOST:,} that a message may bring: write them to "
            "a file, and give its place as the source."
        )
    return text


def given_source(text: bytes, offset: int = 0) -> Source:
    """`text`, which begins at `offset` of all that was given."""

    def read_at(begin: int, length: int) -> bytes:
        return text[begin - offset : begin - offset + length]

    return Source(NAME, len(text), "", io.BytesIO(text), read_at, str)
