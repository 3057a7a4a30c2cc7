"""A list of people with what they said, as a file: NDJSON, or CSV with a header."""

from __future__ import annotations

import csv
import datetime as dt
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.cli.sentences import Failed
from worker.people.consent import Event, Rule

KNOWN = ("address", "state", "channel", "reason", "purpose", "at", "source")


@dataclass(frozen=True)
class Wrong:
    """Why a row was not taken; the sentence holds no value of it."""

    row: int
    sentence: str


class _Off(Exception):
    """One mistake of a row, as a sentence."""


def read_events(file: str, rule: Rule) -> Iterator[list[Event] | Wrong]:
    """The events of each row, or what is wrong with it. Raises `Failed` for a file that can't be read at all."""
    now = time.time()
    for number, row in _rows(Path(file)):
        try:
            yield _events_of(row, rule, Path(file).name, now)
        except _Off as off:
            yield Wrong(number, str(off))


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Each with the number of the line on which it begins. Bytes that are no text are a matter of their row."""
    with path.open("rb") as file:
        lines = (line.decode("utf-8", "surrogateescape").removeprefix("\ufeff") for line in file)
        if path.suffix.lower() == ".csv":
            yield from _of_table(path, csv.reader(lines, strict=True))
            return
        yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _of_table(path: Path, reader: Any) -> Iterator[tuple[int, Any]]:
    names: list[str] | None = None
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            cells = None
        if names is None:
            names = _header(path, cells)
        elif cells != []:
            yield before + 1, _Cells(names, cells)
        before = reader.line_num
    if names is None:
        _header(path, None)


def _header(path: Path, cells: list[str] | None) -> list[str]:
    names = [name.strip() for name in cells or ()]
    if "address" not in names:
        raise Failed(f"{path} has no column `address`: its first line names the columns.")
    return names


@dataclass(frozen=True)
class _Cells:
    """A row of a table; no cells where its quotes are wrong."""

    names: list[str]
    cells: list[str] | None

    def content(self) -> dict[str, Any]:
        if self.cells is None:
            raise _Off("Its quotes are wrong. Double the quotes inside a quoted cell, and close every one.")
        if len(self.cells) > len(self.names):
            raise _Off(f"It has {len(self.cells)} cells, and the first line names {len(self.names)} columns.")
        return {name: cell.strip() for name, cell in zip(self.names, self.cells, strict=False) if cell.strip()}


def _events_of(row: Any, rule: Rule, source: str, now: float) -> list[Event]:
    content = _content(row)
    address = content.get("address")
    if not isinstance(address, str) or rule.same(address) is None:
        raise _Off("address is missing or no text. Give an e-mail address, a telephone number or a device's token.")
    unknown = sorted(str(name) for name in content if name not in KNOWN)
    if unknown:
        raise _Off(f"{len(unknown)} of its names are not known; it takes {', '.join(KNOWN)}.")
    state = _word(content, "state", "out", ("in", "out"))
    reason = _word(content, "reason", "unsubscription", (*rule.opt_outs, *rule.opt_ins))
    purpose = _word(content, "purpose", rule.purposes_of_use[0], rule.purposes_of_use)
    if state == "out" and reason not in rule.opt_outs:
        raise _Off(f"reason is of an opt-in, and state is out. Write one of {', '.join(rule.opt_outs)}.")
    ways = rule.channels_of(address)
    channels = [_word(content, "channel", "", ways)] if "channel" in content else ways
    said, at = reason if state == "out" else rule.opt_ins[-1], _moment(content, now)
    return [Event(address, channel, said, at, str(content.get("source", source)), purpose) for channel in channels]


def _content(row: str | _Cells) -> dict[str, Any]:
    text = row if isinstance(row, str) else "".join(row.cells or ())
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _Off("Some of its bytes are no text. Write the file in UTF-8.")
    if isinstance(row, _Cells):
        return row.content()
    try:
        content = json.loads(row)
    except (ValueError, RecursionError):
        raise _Off("It is not valid JSON. Write each row as one JSON object on a line of its own.") from None
    if not isinstance(content, dict):
        raise _Off("It is not a JSON object. Write each row as an object with named fields.")
    return {name: value for name, value in content.items() if value is not None}


def _word(content: dict[str, Any], name: str, default: str, allowed: tuple[str, ...]) -> str:
    word = content.get(name, default)
    if word not in allowed:
        raise _Off(f"{name} is none of those that this address can have. Write one of {', '.join(allowed)}.")
    return str(word)


def _moment(content: dict[str, Any], now: float) -> float:
    if "at" not in content:
        return now
    try:
        moment = dt.datetime.fromisoformat(content["at"])
    except (ValueError, TypeError):
        raise _Off("at is not a date and time. Write it like 2026-01-31T14:00:00+02:00.") from None
    if moment.tzinfo is None:
        raise _Off("at does not say its offset from UTC. Write it like 2026-01-31T14:00:00+02:00.")
    if moment.timestamp() > now:
        raise _Off("at lies in the future: nobody can have said it yet.")
    return moment.timestamp()
