"""Which rows of a file its job wants to go, read and found possible; `orders/words.py` says what each is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.sources.wanted import OptionWrong, columns, flag

SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)\s*%")


@dataclass(frozen=True)
class Chosen:
    """`unique` are the fields by which rows are the same; `most_refused` is a share, 1.0 for all."""

    unique: tuple[str, ...] = ()
    changed_only: bool = False
    most_refused: float | None = None


def chosen(options: Mapping[str, Any]) -> Chosen:
    """What the options of a job say about it. Raises `OptionWrong`."""
    said = {into: read(options[name]) for name, (into, read) in READ.items() if options.get(name) is not None}
    return Chosen(**said)


def _share(value: Any) -> float:
    found = SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or float(found[1]) > 100:
        raise OptionWrong("max_refused", "max_refused is a share of the rows, like 20%.")
    return float(found[1]) / 100


READ: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "unique": ("unique", columns("unique")),
    "changed_only": ("changed_only", flag("changed_only")),
    "max_refused": ("most_refused", _share),
}
