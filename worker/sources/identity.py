"""Who a row is about, by the fields that say so: for rows that say it twice, and rows that were sent before."""

from __future__ import annotations

from typing import Any

import msgspec

from worker.facts.rows import Rows


class Identity:
    """The fields `names` of a row, wherever the operation's rows have them: of its own, or under what gathers the rest
    of the columns."""

    def __init__(self, names: tuple[str, ...], rows: Rows) -> None:
        self._rest = rows.cells.rest if rows.cells else None
        self._places = {f"name_{at}": name for at, name in enumerate(names)}
        renamed = {**self._places, **({"rest": self._rest} if self._rest else {})}
        said = msgspec.defstruct("Said", [(place, Any, None) for place in renamed], rename=renamed)
        self._decode = msgspec.json.Decoder(said).decode  # passes over everything else

    def of(self, line: bytes) -> str | None:
        """The same text for rows about the same; None for a row that does not say it, or can't be read."""
        try:
            row = self._decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        values = [self._value(row, place, name) for place, name in self._places.items()]
        return None if None in values else "\0".join(values)

    def _value(self, row: Any, place: str, name: str) -> Any:
        value = getattr(row, place)
        if type(value) is str:  # nearly always
            return value.strip().casefold() or None
        if value is None and self._rest and isinstance(row.rest, dict):
            value = row.rest.get(name)
        if value is None or isinstance(value, dict | list):
            return None
        return str(value).strip().casefold() or None
