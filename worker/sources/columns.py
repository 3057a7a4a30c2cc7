"""What the values of the rows are called, and whether the platform would call them so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from worker.facts.rows import Rows
from worker.sources.refused import SourceRefused

LONGEST = 1 << 20  # bytes in which the first row has to end
SHOWN = 12


def names_in(lines: Iterable[bytes]) -> tuple[str, ...]:
    """The names in the first of these lines that is a JSON object."""
    return next(filter(None, map(_names, lines)), ())


def doubts(path: str, columns: Sequence[str], rows: Rows, strict: bool = False) -> list[str]:
    """A sentence on each column that is nearly called like one that the platform knows. Raises `SourceRefused` with
    all of them where the job is `strict`."""
    known = {_folded(name): name for name in rows.cells.likely} if rows.cells else {}
    pairs = [(name, likely) for name in columns if (likely := known.get(_folded(name), name)) != name]
    found = [
        f"{path}: the column {name[:60]!r} looks like {likely!r}, which is written otherwise: "
        f"rename it in the file, or say --map '{name[:60]}={likely}', if that is meant."
        for name, likely in pairs
    ]
    if found and strict:
        raise SourceRefused(" ".join([*found, "Nothing was sent: --strict wants all columns to be beyond doubt."]))
    return found


def called(names: Sequence[str], kind: str = "column") -> str:
    """A clause that names the columns of a file."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"its {kind}s are {shown(names[:SHOWN])}{more}"


def shown(names: Sequence[str]) -> str:
    return ", ".join(ascii(name[:60]) if not name.isprintable() else repr(name[:60]) for name in names)


def _names(line: bytes) -> tuple[str, ...]:
    try:
        row = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(row) if isinstance(row, dict) else ()


def _folded(name: str) -> str:
    """Letters and digits alone, in one case."""
    return "".join(filter(str.isalnum, name)).casefold()
