"""What the files of an experiment hold, which operation delivers them, and what the platform says of each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import contacts, events, people
from tests.lab.platform import Platform

Write = Callable[[Path, int, int], Path]


@dataclass(frozen=True)
class Cargo:
    """`taken` says how often each row was taken just as it is; `begins` is the number of a file's first row, and
    `harmful` whether a row that is taken twice does harm."""

    operation: str
    suffix: str
    write: Write
    read: Callable[[Path], list[Any]]
    taken: Callable[[Platform, Sequence[Any]], list[int]]
    begins: int
    harmful: bool


def _people_taken(platform: Platform, rows: Sequence[dict[str, str]]) -> list[int]:
    known = {who["columns"]["email"]: who for who in platform.state()}
    found = [known.get(row["email"]) for row in rows]
    return [who["times"] if who and who["columns"] == row else 0 for who, row in zip(found, rows, strict=True)]


def _contacts_taken(platform: Platform, rows: Sequence[dict[str, Any]]) -> list[int]:
    times = platform.times()
    return [times.get(row["email"], 0) for row in rows]


EVENTS = Cargo(
    "omnisense.import_user_events", "ndjson", events.write, events.read, Platform.taken, begins=1, harmful=True
)
PEOPLE = Cargo(people.SUBSCRIBERS, "csv", people.write, people.read, _people_taken, begins=2, harmful=False)
CONTACTS = Cargo(contacts.IMPORT, "ndjson", contacts.write, contacts.read, _contacts_taken, begins=1, harmful=False)
