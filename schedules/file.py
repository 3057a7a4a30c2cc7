"""Schedules of one's own: a TOML file named by SCHEDULES_FILE (design §10).

    [nightly-subscribers]
    cron = "30 2 * * *"
    time_zone = "Europe/Moscow"
    operation = "platform.import_rows"
    source = "s3://crm/subscribers-{date:%Y-%m-%d}.csv"
    options = { delimiter = "semicolon" }
    wait = "4h"
    size_within = "30%"

A table is a schedule by its name; its keys are the fields of `Schedule`. Spans of time are seconds, or `90s`, `15m`,
`4h`, `1d`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from schedules.schedule import LATE, OVERLAP, Schedule
from schedules.wrong import mistakes_of
from worker.settings import SettingsError

SPAN = re.compile(r"(\d{1,6})([smhd]?)")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
PERCENT = re.compile(r"(\d{1,4}(?:\.\d+)?)\s?%")
KEYS = tuple(one.name for one in fields(Schedule) if one.name not in ("name", "reads"))
NEEDED = ("cron",)


class _Wrong(Exception):
    """One mistake; its text says what to write instead."""


def in_file(path: str | None) -> list[Schedule]:
    """The schedules of the file. Raises `SettingsError` with every mistake in it, one a line."""
    if not path:
        return []
    mistakes: list[str] = []
    found = [_schedule(name, table, mistakes) for name, table in _tables(path, mistakes)]
    if mistakes:
        raise SettingsError(f"{path} (SCHEDULES_FILE) can't be used:\n" + "\n".join(f"  {one}" for one in mistakes))
    return [one for one in found if one is not None]


def _tables(path: str, mistakes: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} (SCHEDULES_FILE) can't be read: {error}.") from None
    for name, table in document.items():
        if isinstance(table, dict):
            yield name, table
        else:
            mistakes.append(f"{name}: write each schedule as a table of its own, [NAME].")


def _schedule(name: str, table: Mapping[str, Any], mistakes: list[str]) -> Schedule | None:
    """None where a mistake keeps it from being one; what can be said of it as a whole is said then, too."""
    said: list[str] = [f"{key} is missing." for key in NEEDED if key not in table]
    values: dict[str, Any] = {}
    for key, value in table.items():
        try:
            values[key] = _value(key, value)
        except _Wrong as wrong:
            said.append(str(wrong))
    made = Schedule(name, **values) if all(key in values for key in NEEDED) else None
    said += mistakes_of(made) if made is not None else []
    mistakes += [f"[{name}] {one}" for one in said]
    return made


def _value(key: str, value: Any) -> Any:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, 1)
        raise _Wrong(f"{key} is not known; {f'did you mean {near[0]}?' if near else 'known: ' + ', '.join(KEYS) + '.'}")
    return READ[key](key, value)


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{key} has to be a text that is not empty.")
    return value.strip()


def _one_of(allowed: tuple[str, ...]) -> Callable[[str, Any], str]:
    def read(key: str, value: Any) -> str:
        if value not in allowed:
            raise _Wrong(f"{key} is one of {', '.join(allowed)}.")
        return str(value)

    return read


def _span(key: str, value: Any) -> float:
    found = SPAN.fullmatch(str(value))
    if isinstance(value, bool) or not found:
        raise _Wrong(f'{key} has to be a time, like "90s", "15m", "4h" or "1d".')
    return float(int(found[1]) * SECONDS[found[2]])


def _percent(key: str, value: Any) -> float:
    found = PERCENT.fullmatch(str(value).strip())
    if not found:
        raise _Wrong(f'{key} has to be a share of the last file\'s size, like "30%".')
    return float(found[1])


def _table(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{key} has to be a table.")
    return value


def _list(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong(f"{key} has to be a list of tables.")
    return value


READ: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("cron", "operation", "newsletter", "time_zone", "source", "account"), _text),
    **dict.fromkeys(("payload", "options"), _table),
    **dict.fromkeys(("grace", "wait"), _span),
    **dict.fromkeys(("then", "on_error"), _list),
    "late": _one_of(LATE),
    "overlap": _one_of(OVERLAP),
    "size_within": _percent,
}
