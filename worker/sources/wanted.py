"""What a job says of its file, read and found possible; `worker/orders/words.py` says what each option is for."""

from __future__ import annotations

import codecs
import difflib
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from encodings.aliases import aliases
from typing import Any

from worker.sources.refused import SourceRefused

FORMATS = ("ndjson", "csv", "json")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
# Codecs that are no encodings of files.
NO_FILES = {"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined"}


@dataclass(frozen=True)
class Wanted:
    """The options, read and found possible. `encoding` has Python's name for it, `delimiter` is the character."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    time_zone: zoneinfo.ZoneInfo | None = None
    numbers: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    json_column: str | None = None
    defused: bool = False
    strict: bool = False


class OptionWrong(SourceRefused):
    """An option that can't be followed; `option` is its name."""

    def __init__(self, option: str, sentence: str) -> None:
        super().__init__(sentence)
        self.option = option


def wanted(options: Mapping[str, Any]) -> Wanted:
    """The options of a file among those of its job. Raises `OptionWrong`."""
    return Wanted(**{name: read(options[name]) for name, read in READ.items() if options.get(name) is not None})


def _format(value: Any) -> str:
    if value not in FORMATS:
        raise OptionWrong("format", f"format is one of {', '.join(FORMATS)}, not {_shown(value)}.")
    return str(value)


def _encoding(value: Any) -> str:
    try:
        found = codecs.lookup(str(value))
    except (LookupError, ValueError):
        near = difflib.get_close_matches(_plain(value), sorted({*aliases, *aliases.values()}), 3, 0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise OptionWrong("encoding", f"There is no encoding {_shown(value)}.{hint}") from None
    if not found._is_text_encoding or found.name in NO_FILES:  # the only way to know it, and the codecs module's own
        raise OptionWrong("encoding", f"{found.name} is no encoding of text in files: name one like cp1251 or utf-16.")
    return found.name.removesuffix("-sig")


def _delimiter(value: Any) -> str:
    found = DELIMITERS.get(str(value), value)
    if found not in DELIMITERS.values():
        raise OptionWrong("delimiter", f"delimiter is one of {', '.join(DELIMITERS)}, not {_shown(value)}.")
    return str(found)


def _map(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise OptionWrong("map", "map gives our column names to theirs, like Mail=email: an object of texts.")
    return value


def _time_zone(value: Any) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(str(value), sorted(zoneinfo.available_timezones()), 3)
        hint = f" Did you mean {' or '.join(near)}?" if near else " Name one like Europe/Paris."
        raise OptionWrong("time_zone", f"There is no time zone {_shown(value)}.{hint}") from None


def columns(option: str) -> Callable[[Any], tuple[str, ...]]:
    """Reads the names of columns that an option gives, as a list or with commas between. Raises `OptionWrong`."""

    def read(value: Any) -> tuple[str, ...]:
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise OptionWrong(option, f"{option} names columns, like order_amount,product_price.")
        return tuple(names)

    return read


def _json_column(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise OptionWrong("json_column", "json_column names the column whose cells are rows in JSON.")
    return value


def flag(option: str) -> Callable[[Any], bool]:
    """Reads an option that is true or false. Raises `OptionWrong`."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise OptionWrong(option, f"{option} is true or false.")
        return value

    return read


def _plain(value: Any) -> str:
    return str(value).lower().replace("-", "_")


def _shown(value: Any) -> str:
    return ascii(str(value)[:60])


READ: dict[str, Callable[[Any], Any]] = {
    "format": _format,
    "encoding": _encoding,
    "delimiter": _delimiter,
    "map": _map,
    "time_zone": _time_zone,
    "numbers": columns("numbers"),
    "leave_out": columns("leave_out"),
    "json_column": _json_column,
    "defused": flag("defused"),
    "strict": flag("strict"),
}
OF_CSV = ("delimiter", "map", "time_zone", "numbers", "leave_out", "json_column", "defused")
