"""One JSON document (an array of rows, or an object that holds one) as lines of JSON, a row each, as they come.

The number of a row is its place in the array, from 1.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec

from worker.sources.records import LONGEST
from worker.sources.refused import SourceRefused

# Decimals keep the digits that were written.
_encode = msgspec.json.Encoder(decimal_format="number").encode


def rows_of_document(path: str, blocks: Iterator[bytes], key: str) -> Iterator[bytes]:
    """Lines of JSON. Raises `SourceRefused` for a document that is damaged, or of another form."""
    import ijson  # only documents pay for it

    try:
        yield from _lines(path, blocks, key)
    except ijson.JSONError as error:
        # Its further lines show what is there: somebody's data.
        said = str(error).removeprefix("b'").removeprefix('b"').partition("\\n")[0].partition("\n")[0]
        raise SourceRefused(f"{path} is not one JSON document ({said}): mend it, or write it anew.") from None
    except RecursionError:
        raise SourceRefused(f"{path} holds a row that is nested too deeply: write it flat.") from None


def _lines(path: str, blocks: Iterator[bytes], key: str) -> Iterator[bytes]:
    import ijson

    events, rows = ijson.sendable_list(), ijson.sendable_list()
    first = next(blocks, b"").removeprefix(codecs.BOM_UTF8)
    prefix = "item" if first.lstrip().startswith(b"[") else f"{key}.item"
    parsers = ijson.parse_coro(events), ijson.items_coro(rows, prefix)
    since, found = 0, prefix == "item"
    for block in itertools.chain([first], blocks):
        for parser in parsers:
            parser.send(block)
        found = _look(path, events, key) or found
        events.clear()
        since = 0 if rows else since + len(block)
        if since > LONGEST:
            raise SourceRefused(f"{path} holds a row of more than {LONGEST >> 20} MB: no request can carry it.")
        yield b"".join(_encode(row) + b"\n" for row in rows)
        rows.clear()
    for parser in parsers:
        parser.close()
    if not found:
        raise SourceRefused(f"{path} holds no {key!r}: {_form(key)}")


def _look(path: str, events: list[tuple[str, str, Any]], key: str) -> bool:
    """Whether the rows' array began; anything else on the top level is refused."""
    keys = [value for prefix, kind, value in events if kind == "map_key" and not prefix]
    others = [name for name in keys if name != key]
    if others:
        shown = ascii(others[0][:60])
        raise SourceRefused(f"{path} holds {shown} beside the rows, which would be left out: {_form(key)}")
    if any(prefix == key and kind not in ("start_array", "end_array") for prefix, kind, _ in events):
        raise SourceRefused(f"{path} holds no array under {key!r}: {_form(key)}")
    return bool(keys)


def _form(key: str) -> str:
    return f'write {{"{key}": [row, row, …]}} and nothing else, or the array alone.'
