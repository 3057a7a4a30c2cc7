"""Every schedule there is: the house's own, and those of SCHEDULES_FILE."""

from __future__ import annotations

import difflib

from schedules.file import in_file
from schedules.schedule import Schedule
from worker.settings import settings


class UnknownSchedule(Exception):
    """No schedule of this name is declared; the sentence offers the nearest."""


def declared() -> list[Schedule]:
    """All schedules. Read anew each time: the file is small, and who changes it need not restart anything.

    Raises `SettingsError` with every mistake of the file.
    """
    return in_file(settings().schedules_file)


def schedule(name: str) -> Schedule:
    """The schedule of this name. Raises `UnknownSchedule`, `SettingsError`."""
    found = {one.name: one for one in declared()}
    if name not in found:
        near = difflib.get_close_matches(name, found, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownSchedule(f"There is no schedule {name!r}.{hint} `omniworker schedules list` shows them.")
    return found[name]
