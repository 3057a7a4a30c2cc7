"""Who a row is about, by the fields that say so: for rows that say it twice, and rows that were sent before."""

from __future__ import annotations

from typing import Any

import msgspec

from worker.rows import Rows


class Identity:
    """The fields `names` of a row, wherever the operation's rows have them: of its own, or under what gathers the rest
    of the columns."""

    def __init__(self, names: tuple[str, ...], rows: Rows) -> None:
        self._names = names
        self._rest = rows.cells.rest if rows.cells else None

    def of(self, line: bytes) -> str | None:
        """The same text for rows about the same; None for a row that does not say it, or can't be read."""
        try:
            row = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if not isinstance(row, dict):
            return None
        values = [self._value(row, name) for name in self._names]
        return None if None in values else "\0".join(values)  # type: ignore[arg-type] # no None is left

    def _value(self, row: dict[str, Any], name: str) -> str | None:
        value = row.get(name)
        if value is None and self._rest:
            gathered = row.get(self._rest)
            value = gathered.get(name) if isinstance(gathered, dict) else None
        if value is None or isinstance(value, dict | list):
            return None
        return str(value).strip().casefold() or None
